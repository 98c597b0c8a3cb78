"""Thirty believable days of three banks in the warehouse's own tables, for looking at dashboards and for tests of them.

Days have a shape, weekends are quiet, one bank is small, eleven days ago another model came. The engine makes all of it
from a hash of each row's number: the same seed gives the same rows.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

BANKS = ("adria", "borealis", "cassia")
FIRST_BUNDLE, SECOND_BUNDLE, POLICY = ("sha256:" + letter * 16 for letter in ("3f9a", "b71c", "90de"))

_ROW = """
SELECT *,
    multiIf(chance_of_bank < 62, {banks:Array(String)}[1], chance_of_bank < 91, {banks:Array(String)}[-2], {banks:Array(String)}[-1]) AS tenant,
    concat('A-', leftPad(toString(number), 7, '0')) AS application_id, toUInt32(1) AS revision,
    concat('loan.applications.v1.', tenant) AS kafka_topic, toUInt32(0) AS kafka_partition, number AS kafka_offset,
    accepted_at AS kafka_timestamp, accepted_at >= now - INTERVAL 11 DAY AS is_second,
    cityHash64(number, 21, seed) % 9 = 0 AS is_slow,
    multiIf(cityHash64(number, 22, seed) % 100 < 78, 'verified', cityHash64(number, 23, seed) % 100 < 45, 'not_provided',
        cityHash64(number, 24, seed) % 100 < 45, 'mismatch', cityHash64(number, 25, seed) % 100 < 60, 'unreadable', 'unavailable') AS result,
    (cityHash64(number, 26, seed) % 10000 + cityHash64(number, 27, seed) % 10000 + cityHash64(number, 28, seed) % 10000) / 30000 AS spread,
    least(0.995, greatest(0.005, 1 / (1 + exp(-9 * (spread - 0.42))) + if(is_second, 0.03, 0))) AS p,
    cityHash64(number, 29, seed) % 100 < 22 AS is_heavy,
    greatest(0., p - if(is_heavy, 0.12, 0) - if(result = 'mismatch', 0.2, 0)) AS score,
    multiIf(result IN ('mismatch', 'unavailable') AND score < 0.9, 'refer', score > 0.6, 'approve', score > 0.38, 'refer', 'decline') AS decided,
    8 + exp((cityHash64(number, 30, seed) % 1000) / 1000 * 4.2) + if(is_slow, 700 + cityHash64(number, 31, seed) % 2600, 0) AS verify_ms,
    4 + exp((cityHash64(number, 32, seed) % 1000) / 1000 * 3.6) AS wait_ms
FROM
(
    SELECT number, {now:UInt32} AS now_s, {seed:UInt32} AS seed, toDateTime64(now_s, 3, 'UTC') AS now,
        now - toIntervalMillisecond(cityHash64(number, 1, seed) % ({days:UInt32} * 86400000)) AS accepted_at,
        cityHash64(number, 2, seed) % 100 AS chance_of_bank,
        accepted_at + toIntervalSecond({later_s:Int32}) AS felt,
        (0.12 + greatest(0, sin(pi() * (toHour(felt) - 6) / 15))) * if(toDayOfWeek(felt) > 5, 0.3, 1) AS season,
        cityHash64(number, 3, seed) % 1000 / 1000 AS luck
    FROM numbers({candidates:UInt64})
)
WHERE luck < season AND tenant IN {only:Array(String)}
"""

_TABLES = {
    "applications_log": """
        toDecimal64(pow(10, 5 + cityHash64(number, 41, seed) % 2400 / 1000), 2) AS loan_amount,
        toDecimal64(200000 + cityHash64(number, 42, seed) % 9000000, 2) AS annual_income, toDecimal64(2 + number % 18, 2) AS loan_term_years,
        'INR' AS currency, ['home', 'car', 'education', 'business'][1 + cityHash64(number, 43, seed) % 4] AS loan_product,
        if(cityHash64(number, 44, seed) % 9 = 0, NULL, toUInt16(300 + 550 * spread)) AS cibil_score""",
    "monitoring_log": """
        if(cityHash64(number, 51, seed) % 5 = 0, NULL, ['female', 'male'][1 + cityHash64(number, 52, seed) % 2]) AS gender,
        ['18-30', '31-50', '51+'][1 + cityHash64(number, 53, seed) % 3] AS age_band,
        ['single', 'married', 'widowed'][1 + cityHash64(number, 54, seed) % 3] AS marital_status,
        ['A', 'B', 'C', 'D'][1 + least(3, intDiv(cityHash64(number, 55, seed) % 100, 30))] AS ethnicity""",
    "verifications_log": """
        result AS verification_result, if(is_slow, 'slow', 'fast') AS processing_lane,
        accepted_at + toIntervalMillisecond(wait_ms) AS processing_started_at,
        accepted_at + toIntervalMillisecond(wait_ms + verify_ms) AS processing_finished_at,
        [(hex(sipHash128(number)), 'payslip', if(result = 'unreadable', 'unreadable', 'read'), NULL, if(is_slow, 'cloud', 'text'), processing_lane, 1,
            if(cityHash64(number, 61, seed) % 25 = 0, ['hidden_text'], [])),
         (hex(sipHash128(number, 1)), 'bank_statement', 'read', NULL, 'text', processing_lane, 3,
            if(cityHash64(number, 62, seed) % 40 = 0, ['edited_after_creation'], []))] AS extractions,
        [('annual_income', if(result = 'mismatch', 'mismatch', 'match'), NULL, 'gross_pay', 0.97, NULL), ('name', 'match', NULL, 'name', 0.99, NULL)] AS checks""",
    "decisions_log": """
        lower(hex(sipHash128(number, 71))) AS decision_id, p AS p_model, p AS p_calibrated, score AS score_final, decided AS outcome,
        if(is_heavy, [('lti_above_4', 0.12)], []) AS penalties, 0.6 AS thresholds_approve, 0.38 AS thresholds_decline,
        arraySlice([if(result = 'mismatch', ('documents_contradict_income', 'Documents contradict the income', NULL, true, NULL),
            (['credit_history', 'loan_to_income', 'assets_below_loan', 'short_history'][1 + cityHash64(number, 72, seed) % 4] AS code,
                concat(upper(substring(code, 1, 1)), replaceAll(substring(code, 2), '_', ' ')), -14., false, '5')),
            ('assets_bank', 'Savings', 6., false, '2')], 1, 2) AS reasons,
        result AS verification_result, if(result = 'verified', ['documents_verified'], ['claims_only']) AS basis,
        if(is_second, {second:String}, {first:String}) AS receipt_bundle_id, {policy:String} AS receipt_policy_id,
        if(is_slow, 'slow', 'fast') AS processing_lane,
        accepted_at + toIntervalMillisecond(wait_ms) AS processing_verify_started_at,
        accepted_at + toIntervalMillisecond(wait_ms + verify_ms) AS processing_verify_finished_at,
        accepted_at + toIntervalMillisecond(2 * wait_ms + verify_ms) AS processing_score_started_at,
        accepted_at + toIntervalMillisecond(2 * wait_ms + verify_ms + 6 + number % 9) AS processing_score_finished_at, '' AS event""",
    "features_log": """
        mapFromArrays({features:Array(String)}, arrayMap(i -> cityHash64(number, 100 + i, seed) % 1000 / 1000, arrayEnumerate({features:Array(String)}))) AS features""",
    "outcomes_log": """
        if(decided = 'refer', 'human_decision', 'repayment') AS kind, if(kind = 'repayment', if(cityHash64(number, 84, seed) % 1000 < 1000 / (1 + exp(7.306 * score - 3.122)), 'defaulted', 'performing'), NULL) AS repayment,
        if(kind = 'human_decision', if(cityHash64(number, 81, seed) % 3 = 0, 'decline', 'approve'), NULL) AS decision,
        if(kind = 'human_decision', 'mara', NULL) AS actor, if(kind = 'human_decision', 'papers seen', NULL) AS reason,
        lower(hex(sipHash128(number, 82))) || lower(hex(sipHash128(number, 83))) AS content_sha256,
        least(accepted_at + INTERVAL 2 HOUR, now) AS at, at AS kafka_timestamp""",
    "dead_letters_log": """
        ['verify', 'score', 'verify'][1 + number % 3] AS stage, ['crashes_worker', 'invalid_json', 'unknown_tenant_key', 'invalid_schema'][1 + least(3, cityHash64(number, 91, seed) % 7)] AS cause,
        [('loan.amount', 'not_a_number', 'a positive amount', NULL)] AS errors, kafka_topic AS origin_topic, kafka_partition AS origin_partition,
        number AS origin_offset, accepted_at AS at, toString(unhex('')) || repeat('a', 64) AS value_sha256""",
}
_OF = {"outcomes_log": "decided IN ('refer', 'approve') AND number % 3 = 0", "dead_letters_log": "number % 230 = 0"}

_OWN = {"outcomes_log": " EXCEPT kafka_timestamp"}
"""What a table says otherwise than the application."""

_METRICS = """
INSERT INTO loanstream.service_metrics_log (at, stage, worker, name, value, kafka_topic, kafka_offset, kafka_timestamp)
SELECT t, stage, concat(stage, '-', toString(w)), metric.1, metric.2, 'loan.metrics.v1', number, t FROM
(
    SELECT number, toDateTime64({now:UInt32}, 3, 'UTC') - toIntervalMinute(intDiv(number, 8) * 10) AS t,
        ['verify', 'score', 'record', 'verify-slow'][1 + number % 4] AS stage, 1 + intDiv(number % 8, 4) AS w,
        arrayJoin([('waiting_offsets', toFloat64(cityHash64(number) % 40)), ('broker_silent_seconds', 0.), ('aborts_total', 0.), ('retries_total', toFloat64(number % 3)),
            ('lag_seconds_sum', 1e6 - number * 0.4), ('lag_seconds_count', 1e6 - number)]) AS metric
    FROM numbers({days:UInt32} * 144 * 8)
)
"""

_ENDS = """
INSERT INTO loanstream.service_metrics_log (at, stage, worker, name, value, labels, kafka_topic, kafka_offset, kafka_timestamp)
SELECT toDateTime64({now:UInt32}, 3, 'UTC') AS t, one.1, one.2, 'expires_in_seconds', one.4 * 86400., map('what', one.3), 'loan.metrics.v1', 10000000 + rowNumberInAllBlocks(), t
FROM (SELECT arrayJoin([('gateway', 'gateway', 'server certificate', 5), ('verify', 'verify-1', 'certificate', 24), ('score', 'score-1', 'certificate', 310)]) AS one)
"""

_REFERENCES = """
INSERT INTO loanstream.bundle_references (bundle_id, feature, bin, label, lower, upper, share)
SELECT bundle, feature, bin, toString(bin), if(bin = 0, NULL, bin / 5) AS lower, if(bin = 4, NULL, (bin + 1) / 5) AS upper,
    if(feature = {features:Array(String)}[1], [0.36, 0.26, 0.2, 0.11, 0.07], if(feature = {features:Array(String)}[2], [0.29, 0.23, 0.2, 0.16, 0.12], [0.2, 0.2, 0.2, 0.2, 0.2]))[bin + 1] AS share
FROM (SELECT arrayJoin([{first:String}, {second:String}]) AS bundle, arrayJoin({features:Array(String)}) AS feature, toInt16(arrayJoin(range(5))) AS bin)
"""
FEATURES = ("loan_to_income", "cibil_score", "annual_income", "loan_term", "obligations_to_income", "assets_to_loan")
"""Each lies between 0 and 1, as no true one does; the first two lie otherwise than in training."""

_ACTIVATIONS = """
INSERT INTO loanstream.activations_log (activation_id, tenant, bundle_id, policy_id, actor, reason, kafka_topic, kafka_offset, kafka_timestamp)
SELECT toString(days), tenant, bundle, policy, actor, reason, 'loan.control.v1', 30 - days, toDateTime64({now:UInt32}, 3, 'UTC') - INTERVAL days DAY
FROM
(
    SELECT each.1 AS tenant, each.2 AS bundle, each.3 AS policy, each.4 AS actor, each.5 AS reason, each.6 AS days
    FROM (SELECT arrayJoin([
        (CAST(NULL AS Nullable(String)), CAST({first:String} AS Nullable(String)), CAST({policy:String} AS Nullable(String)), 'setup', 'first activation', 29),
        (NULL, {second:String}, NULL, 'mara', 'trained on the third quarter', 11),
        ({banks:Array(String)}[-2], NULL, {policy:String}, 'jonas', 'cut-off for thin files', 4)]) AS each)
)
"""


def fill(
    client: Any, now: int, candidates: int = 60_000, only: Sequence[str] = BANKS, *, days: int = 30, later_s: int = 0
) -> None:
    """Rows of some banks up to `now` (seconds), whichever stand beside them; `client` may write.

    About two fifths of the candidates become decisions. Nights and weekends are those of so many seconds later.
    """
    given = _given(now, candidates=candidates, banks=list(BANKS), only=list(only), later_s=later_s, days=days)
    for table, own in _TABLES.items():
        rows = f"SELECT *{_OWN.get(table, '')}, {own} FROM ({_ROW}) WHERE {_OF.get(table, '1')}"
        there = {row[0] for row in client.query(f"DESCRIBE loanstream.{table}").result_rows}
        made = [row[0] for row in client.query(f"DESCRIBE ({rows})", parameters=given).result_rows]
        names = ", ".join(dict.fromkeys(name for name in made if name in there))
        client.command(f"INSERT INTO loanstream.{table} ({names}) SELECT {names} FROM ({rows})", parameters=given)


def until_wednesday(now: int) -> int:
    """Seconds from now to a Wednesday's half past three: whenever it is filled the last hours are a working day's."""
    here = datetime.fromtimestamp(now, UTC)
    there = here.replace(hour=15, minute=30) + timedelta(days=2 - here.weekday())
    return round((there - here).total_seconds())


def fill_shared(client: Any, now: int) -> None:
    """What is of no bank alone."""
    fill_models(client, now)
    fill_workers(client, now)


def fill_models(client: Any, now: int) -> None:
    """Activations, and what the models were trained on: features are counted by it, so it comes before `count`."""
    for statement in (_REFERENCES, _ACTIVATIONS):
        client.command(statement, parameters=_given(now, banks=list(BANKS)))


def fill_workers(client: Any, now: int) -> None:
    """What workers tell of themselves."""
    for statement in (_METRICS, _ENDS):
        client.command(statement, parameters=_given(now, banks=list(BANKS)))


def _given(now: int, **more: Any) -> dict[str, Any]:
    bundles = {"first": FIRST_BUNDLE, "second": SECOND_BUNDLE, "policy": POLICY}
    return {"now": now, "days": 30, "seed": 1, "features": list(FEATURES), **bundles, **more}


def count(client: Any) -> None:
    """Have every hour but the last two counted, as the warehouse does some minutes after its rows came."""
    client.command("TRUNCATE TABLE loanstream.hours_touched")
    client.command(
        "INSERT INTO loanstream.hours_touched SELECT toStartOfHour(accepted_at) AS hour, "
        "if(hour >= toStartOfHour(now()) - INTERVAL 1 HOUR, now64(3), now64(3) - INTERVAL 1 HOUR) AS at "
        "FROM loanstream.decisions_log GROUP BY hour"
    )
    while client.query("SELECT count() FROM loanstream.hours_to_count").first_row[0] > 2:
        for view in ("count_hours", "mark_counted"):
            client.command(f"SYSTEM REFRESH VIEW loanstream.{view}")
            client.command(f"SYSTEM WAIT VIEW loanstream.{view}")


def ids(client: Any, tenant: str, count: int = 1) -> list[str]:
    """Some applications of a bank, the latest first."""
    asked = "SELECT application_id FROM loanstream.decisions_log WHERE tenant = {tenant:String} ORDER BY accepted_at DESC LIMIT {n:UInt32}"
    return [row[0] for row in client.query(asked, parameters={"tenant": tenant, "n": count}).result_rows]
