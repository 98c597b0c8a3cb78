"""The SQL of each alarm, ready to run: parts put in, numbers of the table and of the banks put in.

What is left are Grafana's macros; an alert rule expands `$__toTime`, the moment that the question is asked about.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dashboards.alarms import sequential
from dashboards.alarms.table import ALERTS, DAY_S, Alert
from dashboards.alarms.thresholds import Thresholds

FOLDER: Final = Path(__file__).with_name("sql")
_PART: Final = re.compile(r"\{\{part:(\w+)\}\}")
_NUMBER: Final = re.compile(r"\{\{(\w+)\}\}")
_COMMENT: Final = re.compile(r"^ *--.*\n", re.MULTILINE)


def sql(alert: Alert, thresholds: Thresholds | None = None) -> str:
    """The whole query: a row for each bank (or stage) with `value`, which fires at 1, and what it was made of.

    `enough` says whether there was enough to tell; where there was not, `value` is 0.

    Raises KeyError for a name in the SQL that the table does not know.
    """
    text = _whole(_read(alert.id))
    numbers = _constants(alert) | {
        limit.name: _by_tenant(limit.name, limit.default, (thresholds or {}).get(alert.id, {}))
        for limit in alert.limits
    }
    return _NUMBER.sub(lambda found: numbers[found[1]], text)


def _whole(text: str) -> str:
    # a part may have parts
    return _PART.sub(lambda found: _whole(_read(f"parts/{found[1]}").rstrip()), text)


def rule_sql(alert: Alert, thresholds: Thresholds | None = None) -> str:
    """The query as an alert rule asks it: the labels and one number."""
    return f"SELECT {', '.join(alert.labels)}, value FROM\n(\n{sql(alert, thresholds)})"


def now_sql(alert: Alert, thresholds: Thresholds | None = None) -> str:
    """The query about this moment, for who asks without Grafana: the labels, `value` and `enough`."""
    labels = ", ".join(f"toString({name}) AS {name}" for name in alert.labels)
    inner = sql(alert, thresholds).replace("$__toTime", "now()")
    return f"SELECT {labels}, toFloat64(value) AS value, enough != 0 AS enough FROM\n(\n{inner})"


def _read(name: str) -> str:
    return _COMMENT.sub("", (FOLDER / f"{name}.sql").read_text("utf-8"))


def _constants(alert: Alert) -> dict[str, str]:
    known = {
        "window_s": str(alert.window_s),
        "window_days": str(alert.window_s // DAY_S),
        "baseline_days": str(sequential.LEAST_DAYS),
        "lags": str(sequential.LAGS),
        "shrink": repr(sequential.SHRINK),
        "z_dispersion": repr(sequential.Z_DISPERSION),
    }
    if alert.test:
        known |= {
            "tilts": repr(list(alert.test.tilts)),
            "tolerance": repr(alert.test.tolerance),
            "tolerated": repr(alert.test.tolerated),
            "dispersion": repr(alert.test.dispersion),
            "z_mean": repr(alert.test.z_mean),
            "e_level": repr(alert.test.e_level),
        }
    return known


def _by_tenant(name: str, default: float, banks: Mapping[str, Mapping[str, float]]) -> str:
    own = {bank: limits[name] for bank, limits in banks.items() if name in limits}
    if not own:
        return repr(float(default))
    names = ", ".join(f"'{bank}'" for bank in own)
    return f"transform(tenant, [{names}], {list(own.values())!r}, {float(default)!r})"


def main() -> None:
    """Print an alarm's query."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in ALERTS:
        sys.exit(f"usage: python -m dashboards.alarms.queries {'|'.join(ALERTS)}")
    sys.stdout.write(sql(ALERTS[name]))


if __name__ == "__main__":
    main()
