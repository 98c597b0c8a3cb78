"""Dashboards at size: how long each panel's query takes over millions of decisions, and how soon a decision is seen.

`python -m loanstream.lab.bench.panels FOLDER DECISIONS DAYS` keeps the warehouse that it fills, and asks it again when
it is called again: for who changes what a question reads.
"""

import math
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from dashboards.alarms.queries import sql
from dashboards.alarms.table import ALERTS
from dashboards.all import DASHBOARDS
from dashboards.macros import Window, expand
from dashboards.panels import VARIABLES, Dashboard
from dashboards.today import TODAY
from loanstream.lab.bench.filled import BANKS, DAYS, Progress, count, fill
from loanstream.lab.bench.flood import burst, publish
from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
from loanstream.stack.running import RunningStack
from stores.warehouse.migrate import migrate

REPEATS = 3
POINTS = 300
"""Points of a chart across half a page: Grafana asks for about one every second pixel."""
SEEN_TIMES = 10
SEEN_WITHIN_S = 30.0
INGESTED = 60_000

WARM = 100
REFRESH_S = 5.0
"""How often *Today* refreshes itself."""

Chosen = Mapping[str, Sequence[str]]
"""Variable -> the values that are chosen."""

MADE_UP: Chosen = {
    "tenant": BANKS,
    "bundle": ("sha256:bundle",),
    "policy": ("sha256:policy",),
    "application": ("0000000000000000",),
}

_MADE = """
SELECT toUnixTimestamp64Milli(processing_score_finished_at) / 1000
FROM loanstream.decisions_log
WHERE application_id = {application:String}
"""

SINCE_S: Mapping[str, int] = {"now-24h": 86_400, "now-30d": 30 * 86_400}


def slowest_panels(folder: Path, decisions: int, on_progress: Progress) -> dict[str, Any]:
    """Each panel's query at its dashboard's default range over so many decisions, warm: the median of three."""
    took = questions_ms(folder, decisions, DAYS, on_progress)
    alarms = {name: took.pop(name) for name in list(took) if name.startswith(ALARM)}
    slowest = max(took, key=took.__getitem__)
    return {
        "panel_decisions": decisions,
        "slowest_panel": slowest,
        "slowest_panel_ms_10m": took[slowest],
        "panel_ms": took,
        "alarm_ms": alarms,
    }


ALARM = "alarm/"
VARIABLE = "variable/"


def questions_ms(folder: Path, decisions: int, days: int, on_progress: Progress) -> dict[str, float]:
    """Question -> milliseconds, warm: the median of three. What is asked are panels, variables and alarms.

    A warehouse that is there already is asked as it is, once it is migrated.
    """
    with EmbeddedWarehouse(folder) as warehouse, closing(warehouse.client()) as writer:
        migrate(writer)
        if not _latest(writer):
            fill(writer, decisions, days, int(time.time()), on_progress)
            count(writer, on_progress)
        now = _latest(writer)
        with closing(warehouse.client("reader")) as reader:
            return {name: round(_median_ms(reader, text), 1) for name, text in _questions(now).items()}


def _latest(client: Any) -> int:
    """When the last decision was taken, in seconds since 1970; 0 where there is none."""
    return int(client.query("SELECT toUnixTimestamp(max(accepted_at)) FROM loanstream.decisions_log").first_row[0])


def _questions(now: int) -> dict[str, str]:
    """Name -> SQL as it is asked at `now`."""
    window = Window((now - DAYS * 86_400) * 1000, now * 1000)
    return {
        **{
            f"{board.uid}/{panel.id}": _asked(board, panel.sql, now, MADE_UP)
            for board in DASHBOARDS.values()
            for panel in board.panels()
        },
        **{VARIABLE + each.name: expand(each.sql, window, MADE_UP) for each in VARIABLES.values() if each.query},
        **{ALARM + alert.id: expand(sql(alert), window, {}) for alert in ALERTS.values()},
    }


def _asked(board: Dashboard, sql: str, now: int, chosen: Chosen) -> str:
    """A panel's query as it is asked when its dashboard is opened at `now`."""
    since = SINCE_S[board.since]
    return expand(sql, Window((now - since) * 1000, now * 1000, math.ceil(since / POINTS) * 1000), chosen)


def _median_ms(client: Any, sql: str) -> float:
    client.query(sql)  # what is cold is read
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        client.query(sql)
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def beside_dashboards(running: RunningStack) -> dict[str, Any]:
    """How long after a decision was made *Today* holds it, and rows a second into the warehouse while it is open."""
    burst(running, WARM)  # so that there are a model and a policy to choose
    with closing(running.warehouse()) as client:
        chosen = _everything(client)
        ages = [_seen_after_s(running, client, chosen, number) for number in range(SEEN_TIMES)]
        with _today_open(client, chosen):
            flood = burst(running, INGESTED)
    return {
        "decision_to_view_s": round(median(ages), 2),
        "decision_to_view_worst_s": round(max(ages), 2),
        "ingest_rows_per_s": flood.rows_per_s,
    }


def _everything(client: Any) -> Chosen:
    """Every value of each variable, as a dashboard is opened with; a later one may ask for what an earlier one has."""
    now_ms, found = int(time.time() * 1000), {"application": [""]}
    for name, variable in VARIABLES.items():
        if variable.query is not None:
            sql = expand(variable.sql, Window(0, now_ms), found)
            found[name] = [row[0] for row in client.query(sql).result_rows]
    return found


def _seen_after_s(running: RunningStack, client: Any, chosen: Chosen, number: int) -> float:
    """Seconds from the making of a decision, by its own stamp, until the figure has it. TimeoutError after 30 s."""
    figure = next(panel.sql for panel in TODAY.panels() if panel.query == "decisions_made")
    sql = _asked(TODAY, figure, int(time.time() + SEEN_WITHIN_S), chosen)
    before = client.query(sql).first_row
    publish(running, range(number, number + 1), "seen")
    until = time.monotonic() + SEEN_WITHIN_S
    while client.query(sql).first_row == before:
        if time.monotonic() > until:
            raise TimeoutError(f"a decision was not seen within {SEEN_WITHIN_S:.0f} s")
        time.sleep(0.05)
    (made,) = client.query(_MADE, parameters={"application": f"seen-{number}"}).first_row
    return time.time() - float(made)


@contextmanager
def _today_open(client: Any, chosen: Chosen) -> Iterator[None]:
    """Somebody looks at *Today*, which asks all of its questions again whenever it is refreshed."""
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for panel in TODAY.panels():
                client.query(_asked(TODAY, panel.sql, int(time.time()), chosen))
            done.wait(REFRESH_S)

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(look)
        try:
            yield
        finally:
            done.set()
            looking.result()


def main() -> None:
    """Print how long each question takes, the slowest last."""
    folder, decisions, days = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    took = questions_ms(folder, decisions, days, lambda line: print(line, file=sys.stderr))  # noqa: T201
    for name, ms in sorted(took.items(), key=lambda each: each[1]):
        print(f"{ms:9.1f} ms  {name}")  # noqa: T201


if __name__ == "__main__":
    main()
