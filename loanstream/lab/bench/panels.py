"""Dashboards at size: how long each panel's query takes over millions of decisions, and how soon a decision is seen.

The decisions are made by the engine itself, a seeded hash of their number: thirty days of three banks, with what
figures read of them. They lie in the very tables that `record` fills, and are counted by the very views.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from dashboards.all import DASHBOARDS
from dashboards.macros import Window, expand
from dashboards.panels import VARIABLES, Dashboard
from dashboards.today import TODAY
from loanstream.lab.bench.flood import burst, publish
from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
from loanstream.stack.running import RunningStack
from stores.warehouse.migrate import migrate

Progress = Callable[[str], None]

DAYS = 30
BANKS = ("bank-a", "bank-b", "bank-c")
AT_ONCE = 250_000
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

_ROW = """
SELECT
    {banks:Array(String)}[1 + cityHash64(number) % length({banks:Array(String)})] AS tenant,
    lower(hex(cityHash64(number, 1))) AS application_id,
    1 AS revision,
    {start:DateTime64(3)} + toIntervalMillisecond(toUInt64(number * {apart_ms:Float64})) AS accepted_at,
    concat('loan.', tenant) AS kafka_topic, toUInt32(number % 4) AS kafka_partition, number AS kafka_offset,
    accepted_at AS kafka_timestamp,
"""
_FILL: Mapping[str, str] = {
    # table -> its own columns; what a bank's own events would hold as far as figures read it
    "applications_log": """
        toDecimal64(100000 + cityHash64(number, 2) % 20000000, 2) AS loan_amount,
        toDecimal64(200000 + cityHash64(number, 3) % 9000000, 2) AS annual_income,
        ['home', 'car', 'education', 'business'][1 + cityHash64(number, 4) % 4] AS loan_product,
        if(cityHash64(number, 5) % 12 = 0, NULL, toUInt16(300 + cityHash64(number, 6) % 600)) AS cibil_score""",
    "monitoring_log": """
        ['female', 'male'][1 + cityHash64(number, 7) % 2] AS gender,
        ['18-30', '31-50', '51+'][1 + cityHash64(number, 8) % 3] AS age_band""",
    "verifications_log": """
        ['verified', 'verified', 'verified', 'mismatch', 'unreadable', 'not_provided'][1 + cityHash64(number, 9) % 6]
            AS verification_result,
        if(cityHash64(number, 10) % 20 = 0, ['hidden_text'], []) AS noticed,
        [(hex(number), 'payslip', 'read', NULL, 'text', 'fast', 1, noticed)] AS extractions,
        [('annual_income', verification_result, NULL, NULL, NULL, NULL)] AS checks""",
    "decisions_log": """
        lower(hex(cityHash64(number, 11))) AS decision_id,
        cityHash64(number, 12) % 100000 / 100000 AS p_calibrated,
        greatest(0, p_calibrated - if(cityHash64(number, 13) % 3 = 0, 0.18, 0)) AS score_final,
        multiIf(score_final > 0.6, 'approve', score_final > 0.35, 'refer', 'decline') AS outcome,
        [('lti_above_4', if(cityHash64(number, 13) % 3 = 0, 0.18, 0))] AS penalties,
        [(['cibil_score', 'loan_to_income', 'income'][1 + cityHash64(number, 14) % 3], 'a reason', -12., false, '5'),
            ('assets', 'a reason', 4., false, '5')] AS reasons,
        ['verified', 'verified', 'verified', 'mismatch', 'unreadable', 'not_provided'][1 + cityHash64(number, 9) % 6]
            AS verification_result,
        ['documents_verified'] AS basis,
        'sha256:bundle' AS receipt_bundle_id, 'sha256:policy' AS receipt_policy_id,
        if(cityHash64(number, 15) % 8 = 0, 'slow', 'fast') AS processing_lane,
        accepted_at + INTERVAL 3 MILLISECOND AS processing_verify_started_at,
        5 + cityHash64(number, 16) % 20 AS checked_ms, 12 + checked_ms + cityHash64(number, 17) % 9 AS decided_ms,
        accepted_at + toIntervalMillisecond(checked_ms) AS processing_verify_finished_at,
        accepted_at + toIntervalMillisecond(checked_ms + 6) AS processing_score_started_at,
        accepted_at + toIntervalMillisecond(decided_ms) AS processing_score_finished_at,
        '' AS event""",
}


def slowest_panels(folder: Path, decisions: int, on_progress: Progress) -> dict[str, Any]:
    """Each panel's query at its dashboard's default range over so many decisions, warm: the median of three."""
    with EmbeddedWarehouse(folder) as warehouse, closing(warehouse.client()) as writer:
        migrate(writer)
        now = int(time.time())
        fill(writer, decisions, now, on_progress)
        count(writer, on_progress)
        with closing(warehouse.client("reader")) as reader:
            took = {
                f"{board.uid}/{panel.id}": round(_median_ms(reader, _asked(board, panel.sql, now, MADE_UP)), 1)
                for board in DASHBOARDS.values()
                for panel in board.panels()
            }
    slowest = max(took, key=took.__getitem__)
    return {
        "panel_decisions": decisions,
        "slowest_panel": slowest,
        "slowest_panel_ms_10m": took[slowest],
        "panel_ms": took,
    }


def fill(writer: Any, decisions: int, now: int, on_progress: Progress) -> None:
    """Thirty days of decisions up to `now` (seconds since 1970), evenly spread."""
    parameters = {"banks": list(BANKS), "start": _time(now - DAYS * 86_400), "apart_ms": DAYS * 86_400_000 / decisions}
    for first in range(0, decisions, AT_ONCE):
        size = min(AT_ONCE, decisions - first)
        for table, own in _FILL.items():
            columns = f"{_ROW}{own} FROM numbers({first}, {size})"
            # Names, not places: a table has more columns than these, and some here only help.
            there = {row[0] for row in writer.query(f"DESCRIBE loanstream.{table}").result_rows}
            made = [row[0] for row in writer.query(f"DESCRIBE ({columns})", parameters=parameters).result_rows]
            names = ", ".join(name for name in made if name in there)
            writer.command(
                f"INSERT INTO loanstream.{table} ({names}) SELECT {names} FROM ({columns})",  # noqa: S608 - of the table above
                parameters=parameters,
            )
        on_progress(f"{first + size:,} of {decisions:,} decisions")


def count(writer: Any, on_progress: Progress) -> None:
    """Have every hour but the last two counted, as the views do in the minutes and hours after decisions are made."""
    writer.command("TRUNCATE TABLE loanstream.hours_touched")
    writer.command(
        "INSERT INTO loanstream.hours_touched SELECT toStartOfHour(accepted_at) AS hour, "
        "if(hour >= toStartOfHour(now()) - INTERVAL 1 HOUR, now64(3), now64(3) - INTERVAL 1 HOUR) AS at "
        "FROM loanstream.decisions_log GROUP BY hour"
    )
    while True:
        (left,) = writer.query("SELECT count() FROM loanstream.hours_to_count").first_row
        on_progress(f"{left} hours to count")
        if left <= 2:
            return
        for view in ("count_hours", "mark_counted"):
            writer.command(f"SYSTEM REFRESH VIEW loanstream.{view}")
            writer.command(f"SYSTEM WAIT VIEW loanstream.{view}")


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(seconds))


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
