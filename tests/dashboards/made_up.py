"""Thirty believable days of three banks, counted as the warehouse counts them: for looking at dashboards, and for tests.

Days have a shape, weekends are quiet, one bank is small, and a new model comes on the eleventh day from the end.
"""

from typing import Any

BANKS = ("adria", "borealis", "cassia")
FIRST_BUNDLE, SECOND_BUNDLE, POLICY = ("sha256:" + letter * 64 for letter in "abc")

TABLES = (
    "CREATE DATABASE IF NOT EXISTS loanstream",
    """CREATE TABLE IF NOT EXISTS loanstream.decisions_by (hour DateTime('UTC'), bucket DateTime('UTC'),
        tenant LowCardinality(String), bundle_id LowCardinality(String), policy_id LowCardinality(String),
        lane LowCardinality(String), dimension LowCardinality(String), value String, number Float64,
        outcome LowCardinality(String), decisions UInt64, score_sum Float64, p_sum Float64)
        ENGINE = MergeTree ORDER BY (dimension, tenant, bucket)""",
    """CREATE TABLE IF NOT EXISTS loanstream.activations (tenant LowCardinality(Nullable(String)),
        bundle_id LowCardinality(Nullable(String)), policy_id LowCardinality(Nullable(String)), actor String, reason String,
        kafka_timestamp DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY kafka_timestamp""",
)

_DECISIONS = f"""
INSERT INTO loanstream.decisions_by
WITH toStartOfFiveMinutes(toDateTime({{now:UInt32}}, 'UTC')) AS newest
SELECT toStartOfHour(bucket), bucket, tenant, if(bucket < newest - INTERVAL 11 DAY, '{FIRST_BUNDLE}', '{SECOND_BUNDLE}'), '{POLICY}',
    'fast', 'all', '', 0, outcome, decisions, decisions * 0.6, decisions * 0.6
FROM
(
    SELECT newest - INTERVAL (number % ({{days:UInt32}} * 288)) * 5 MINUTE AS bucket,
        {list(BANKS)}[1 + intDiv(number, {{days:UInt32}} * 288)] AS tenant,
        [9, 4, 1][1 + intDiv(number, {{days:UInt32}} * 288)] AS size,
        (0.35 + greatest(0, sin(pi() * (toHour(bucket) - 6) / 14))) * if(toDayOfWeek(bucket) > 5, 0.3, 1) AS season,
        (cityHash64(number, {{seed:UInt32}}) % 1000) / 1000 AS chance,
        arrayJoin([('approve', 0.61), ('refer', 0.23), ('decline', 0.16)]) AS kind,
        kind.1 AS outcome,
        kind.2 + if(bucket < newest - INTERVAL 11 DAY, 0, transform(outcome, ['approve', 'refer', 'decline'], [0.05, -0.08, 0.03], 0.))
            + 0.05 * sin(cityHash64(toDate(bucket), tenant, outcome, {{seed:UInt32}}) % 100) AS share,
        toUInt64(floor(size * season * share * 2 + chance)) AS decisions
    FROM numbers({{days:UInt32}} * 288 * {len(BANKS)})
)
WHERE decisions > 0
"""

_ACTIVATIONS = f"""
INSERT INTO loanstream.activations
SELECT tenant, bundle, policy, actor, reason, toDateTime64({{now:UInt32}}, 3, 'UTC') - INTERVAL days DAY FROM values(
    'tenant Nullable(String), bundle Nullable(String), policy Nullable(String), actor String, reason String, days UInt8',
    (NULL, '{FIRST_BUNDLE}', '{POLICY}', 'setup', 'first activation', 29),
    (NULL, '{SECOND_BUNDLE}', NULL, 'mara', 'trained on the third quarter', 11),
    ('borealis', NULL, '{POLICY}', 'jonas', 'cut-off for thin files', 4))
"""


def fill(client: Any, now: int, days: int = 30, seed: int = 1) -> None:
    """Make the tables that a dashboard reads and fill them up to `now` (seconds); `client` may write."""
    for statement in TABLES:
        client.command(statement)
    for statement in (_DECISIONS, _ACTIVATIONS):
        client.command(statement, parameters={"now": now, "days": days, "seed": seed})
