"""A query as the warehouse gets it from Grafana: its variables by the front end's rules, its macros by the plugin's.

A second writing of both, apart from the preview's: the same queries run under either.
"""

import re
from collections.abc import Mapping, Sequence

FROM, TO, STEP_S = 1_790_000_000, 1_790_086_400, 900
"""A day, in seconds since 1970, and the width of a step."""

VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}")
MACROS = {
    "timeFilter": lambda column: f"{column} >= toDateTime({FROM}) AND {column} <= toDateTime({TO})",
    "timeInterval": lambda column: f"toStartOfInterval(toDateTime({column}), INTERVAL {STEP_S} second)",
    "timeFilter_ms": lambda column: (
        f"{column} >= fromUnixTimestamp64Milli({FROM}000) AND {column} <= fromUnixTimestamp64Milli({TO}000)"
    ),
    "fromTime": lambda _: f"toDateTime({FROM})",
    "toTime": lambda _: f"toDateTime({TO})",
    "interval_s": lambda _: str(STEP_S),
}
MACRO = re.compile(r"\$__(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?")


def asked(sql: str, values: Mapping[str, Sequence[str]]) -> str:
    """The SQL with everything replaced. KeyError for an unknown variable or macro, ValueError for an unquoted one."""
    expanded = MACRO.sub(lambda found: MACROS[found[1]](found[2]), sql)
    return VARIABLE.sub(lambda found: _quoted(found, values), expanded)


def _quoted(found: re.Match[str], values: Mapping[str, Sequence[str]]) -> str:
    if found[2] != "singlequote":
        raise ValueError(f"{found[0]} is not quoted")
    escaped = (value.replace("'", "\\'") for value in values[found[1]])
    return ",".join(f"'{value}'" for value in escaped)
