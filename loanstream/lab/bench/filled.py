"""A warehouse full of decisions for questions about size.

The decisions are made by the engine itself, a seeded hash of their number: days of three banks, with what figures
read of them. They lie in the very tables that `record` fills, and are counted by the very views.
"""

import time
from collections.abc import Callable
from typing import Any

Progress = Callable[[str], None]

DAYS = 30
BANKS = ("bank-a", "bank-b", "bank-c")
AT_ONCE = 250_000

_ROW = """
SELECT
    {banks:Array(String)}[1 + cityHash64(number) % length({banks:Array(String)})] AS tenant,
    lower(hex(cityHash64(number, 1))) AS application_id,
    1 AS revision,
    {start:DateTime64(3)} + toIntervalMillisecond(toUInt64(number * {apart_ms:Float64})) AS accepted_at,
    concat('loan.', tenant) AS kafka_topic, toUInt32(number % 4) AS kafka_partition,
"""
_FIRST = "number AS kafka_offset, accepted_at AS kafka_timestamp,"
_LATER = "1000000000 + number AS kafka_offset, accepted_at AS kafka_timestamp,"
_SCORE = """
    cityHash64(number, 12) % 100000 / 100000 AS p_calibrated,
    greatest(0, p_calibrated - if(cityHash64(number, 13) % 3 = 0, 0.18, 0)) AS score_final,
    multiIf(score_final > 0.6, 'approve', score_final > 0.35, 'refer', 'decline') AS outcome"""
_DECIDED = f"""
    lower(hex(cityHash64(number, salt))) AS decision_id,{_SCORE},
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
    '' AS event"""
_FILL: tuple[tuple[str, str, str], ...] = (
    # table, its own columns, which numbers; what a bank's own events would hold as far as figures read it
    (
        "applications_log",
        f"""{_FIRST}
        toDecimal64(100000 + cityHash64(number, 2) % 20000000, 2) AS loan_amount,
        toDecimal64(200000 + cityHash64(number, 3) % 9000000, 2) AS annual_income,
        ['home', 'car', 'education', 'business'][1 + cityHash64(number, 4) % 4] AS loan_product,
        if(cityHash64(number, 5) % 12 = 0, NULL, toUInt16(300 + cityHash64(number, 6) % 600)) AS cibil_score""",
        "1",
    ),
    (
        "monitoring_log",
        f"""{_FIRST}
        ['female', 'male'][1 + cityHash64(number, 7) % 2] AS gender,
        ['18-30', '31-50', '51+'][1 + cityHash64(number, 8) % 3] AS age_band""",
        "1",
    ),
    (
        "verifications_log",
        f"""{_FIRST}
        ['verified', 'verified', 'verified', 'mismatch', 'unreadable', 'not_provided'][1 + cityHash64(number, 9) % 6]
            AS verification_result,
        if(cityHash64(number, 10) % 20 = 0, ['hidden_text'], []) AS noticed,
        [(hex(number), 'payslip', 'read', NULL, 'text', 'fast', 1, noticed)] AS extractions,
        [('annual_income', verification_result, NULL, NULL, NULL, NULL)] AS checks""",
        "1",
    ),
    (
        "features_log",
        f"""{_FIRST}
        mapFromArrays(arrayMap(i -> concat('feature_', toString(i)), range(12)),
            arrayMap(i -> toFloat64(cityHash64(number, 20 + i) % 1000) / 1000, range(12))) AS features""",
        "1",
    ),
    ("decisions_log", f"{_FIRST} 11 AS salt, {_DECIDED}", "1"),
    # One in five hundred is sent again, of them half with another result.
    ("decision_repeats_log", f"{_LATER} 1 AS again", "kafka_offset % 500 = 0"),
    ("decisions_log", f"{_LATER} if(number % 1000 = 0, 11, 12) AS salt, {_DECIDED}", "kafka_offset % 500 = 0"),
    # What became of loans: of each approved one that is a day old, and again a day later; of referrals, by people.
    (
        "outcomes_log",
        f"""{_SCORE},
        arrayJoin([1, 2]) AS times, accepted_at + toIntervalDay(times) AS at, at AS kafka_timestamp,
        'repayment' AS kind,
        if(cityHash64(number, 18) % 100 < 20 - 15 * score_final, 'defaulted', 'current') AS repayment,
        lower(hex(SHA256(toString((number, times))))) AS content_sha256, number * 3 + times AS kafka_offset""",
        "outcome = 'approve' AND kafka_timestamp <= {until:DateTime64(3)}",
    ),
    (
        "outcomes_log",
        f"""{_SCORE},
        accepted_at + toIntervalHour(3) AS at, at AS kafka_timestamp,
        'human_decision' AS kind,
        if(cityHash64(number, 19) % 100 < 100 * p_calibrated, 'approve', 'decline') AS decision,
        'actor' AS actor, 'reason' AS reason,
        lower(hex(SHA256(toString(number)))) AS content_sha256, number * 3 AS kafka_offset""",
        "outcome = 'refer' AND kafka_timestamp <= {until:DateTime64(3)}",
    ),
)
_REFERENCES = """
INSERT INTO loanstream.bundle_references
SELECT
    'sha256:bundle' AS bundle_id, concat('feature_', toString(intDiv(number, 10))) AS feature, number % 10 AS bin,
    toString(bin) AS label, bin / 10 AS lower, (bin + 1) / 10 AS upper, 0.1 AS share
FROM numbers(120)
"""


def fill(writer: Any, decisions: int, days: int, now: int, on_progress: Progress) -> None:
    """So many days of decisions up to `now` (seconds since 1970), evenly spread, and what became of them."""
    parameters = {
        "banks": list(BANKS),
        "start": _time(now - days * 86_400),
        "until": _time(now),
        "apart_ms": days * 86_400_000 / decisions,
    }
    writer.command(_REFERENCES)
    for first in range(0, decisions, AT_ONCE):
        size = min(AT_ONCE, decisions - first)
        for table, own, where in _FILL:
            # Names, not places: a table has more columns than these, and some here only help.
            columns = f"SELECT * FROM ({_ROW}{own} FROM numbers({first}, {size})) WHERE {where}"  # noqa: S608 - of the table above
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
