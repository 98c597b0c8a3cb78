-- What questions would have to look for in a whole log is kept beside it, as rows come.
--
--   decisions_log ──▶ deciders_log         which banks, models and policies there are, and since when
--   outcomes_log ──▶ outcomes_decided_log  what became of a decision, with what was decided
--   decision_repeats_log ──by the hour──▶ decisions_by_conflict ──▶ conflicts

CREATE TABLE IF NOT EXISTS loanstream.deciders_log
(
    tenant LowCardinality(String),
    bundle_id LowCardinality(String),
    policy_id LowCardinality(String),
    first_at SimpleAggregateFunction(min, DateTime('UTC'))  -- of five minutes
)
ENGINE = AggregatingMergeTree
ORDER BY (tenant, bundle_id, policy_id);

CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.deciders_of_decisions TO loanstream.deciders_log AS
SELECT
    tenant, receipt_bundle_id AS bundle_id, receipt_policy_id AS policy_id,
    min(toStartOfFiveMinutes(accepted_at)) AS first_at
FROM loanstream.decisions_log
GROUP BY tenant, bundle_id, policy_id;

-- What was counted may have no rows any more.
INSERT INTO loanstream.deciders_log
SELECT tenant, bundle_id, policy_id, min(bucket) AS first_at
FROM loanstream.decisions_in_all
GROUP BY tenant, bundle_id, policy_id;

-- An hour's state is asked for in every question: one pass, no join.
CREATE OR REPLACE VIEW loanstream.hours_state AS
SELECT
    hour,
    max(touched) AS touched_at,
    max(counted) AS counted_at,
    counted_at > touched_at + INTERVAL 10 MINUTE
        OR (counted_at > toDateTime64(0, 3) AND hour < (SELECT since FROM loanstream.rows_since)) AS is_counted
FROM
(
    SELECT hour, at AS touched, toDateTime64(0, 3, 'UTC') AS counted FROM loanstream.hours_touched
    UNION ALL
    SELECT hour, toDateTime64(0, 3, 'UTC') AS touched, counted_at AS counted FROM loanstream.hours_counted
)
GROUP BY hour
HAVING touched_at > toDateTime64(0, 3);

-- Outcomes, each with the decision that it is about. A decision's first record never changes, so it is looked up once,
-- when the outcome comes: of an outcome that is there before its decision, and of a decision that turned out to be no
-- first record, `outcomes_decided` looks it up whenever it is asked for.
CREATE TABLE IF NOT EXISTS loanstream.outcomes_decided_log
(
    tenant LowCardinality(String),
    application_id String,
    revision UInt32,
    revision_key UInt128,
    kind LowCardinality(String),
    repayment LowCardinality(String),
    human LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC'),
    decided_place UInt64,  -- sipHash64 of the decision's topic, partition and offset; 0: there was none
    decided_at DateTime64(3, 'UTC'),  -- its accepted_at
    outcome LowCardinality(String),
    p Nullable(Float64),
    score Nullable(Float64),
    bundle_id LowCardinality(String),
    policy_id LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(kafka_timestamp)
ORDER BY (kind, toStartOfHour(kafka_timestamp), tenant)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.decisions_of_outcomes TO loanstream.outcomes_decided_log AS
SELECT
    came.tenant AS tenant, came.application_id AS application_id, came.revision AS revision,
    reinterpretAsUInt128(sipHash128(came.tenant, came.application_id, came.revision)) AS revision_key,
    came.kind AS kind, ifNull(came.repayment, '') AS repayment, ifNull(came.decision, '') AS human,
    came.kafka_partition AS kafka_partition, came.kafka_offset AS kafka_offset, came.kafka_timestamp AS kafka_timestamp,
    first.1 AS decided_place, first.2 AS decided_at, first.3 AS outcome, first.4 AS p, first.5 AS score,
    first.6 AS bundle_id, first.7 AS policy_id
FROM loanstream.outcomes_log AS came
LEFT JOIN
(
    SELECT
        tenant, application_id, revision,
        argMin(
            (sipHash64(kafka_topic, kafka_partition, kafka_offset), accepted_at, toString(outcome), p_calibrated,
                score_final, toString(receipt_bundle_id), toString(receipt_policy_id)), kafka_offset) AS first
    FROM loanstream.decisions_log
    -- In a materialized view that is what has just come.
    WHERE (tenant, application_id, revision) IN (SELECT tenant, application_id, revision FROM loanstream.outcomes_log)
    GROUP BY tenant, application_id, revision
) AS decided USING (tenant, application_id, revision);

INSERT INTO loanstream.outcomes_decided_log
SELECT
    came.tenant AS tenant, came.application_id AS application_id, came.revision AS revision,
    reinterpretAsUInt128(sipHash128(came.tenant, came.application_id, came.revision)) AS revision_key,
    came.kind AS kind, ifNull(came.repayment, '') AS repayment, ifNull(came.decision, '') AS human,
    came.kafka_partition AS kafka_partition, came.kafka_offset AS kafka_offset, came.kafka_timestamp AS kafka_timestamp,
    first.1 AS decided_place, first.2 AS decided_at, first.3 AS outcome, first.4 AS p, first.5 AS score,
    first.6 AS bundle_id, first.7 AS policy_id
FROM loanstream.outcomes_log AS came
LEFT JOIN
(
    SELECT
        tenant, application_id, revision,
        argMin(
            (sipHash64(kafka_topic, kafka_partition, kafka_offset), accepted_at, toString(outcome), p_calibrated,
                score_final, toString(receipt_bundle_id), toString(receipt_policy_id)), kafka_offset) AS first
    FROM loanstream.decisions_log
    WHERE (tenant, application_id, revision) IN (SELECT tenant, application_id, revision FROM loanstream.outcomes_log)
    GROUP BY tenant, application_id, revision
) AS decided USING (tenant, application_id, revision);

-- Those whose decision has still to be looked up.
CREATE VIEW IF NOT EXISTS loanstream.outcomes_undecided AS
SELECT
    tenant, application_id, revision, revision_key, kind, repayment, human, kafka_partition, kafka_offset, kafka_timestamp
FROM loanstream.outcomes_decided_log
WHERE decided_place = 0 OR decided_place IN
    (SELECT sipHash64(kafka_topic, kafka_partition, kafka_offset) FROM loanstream.decision_repeats_log);

CREATE VIEW IF NOT EXISTS loanstream.outcomes_decided AS
SELECT
    tenant, application_id, revision, revision_key, kind, repayment, human, kafka_partition, kafka_offset, kafka_timestamp,
    decided_at, outcome, p, score, bundle_id, policy_id
FROM loanstream.outcomes_decided_log
WHERE decided_place != 0 AND decided_place NOT IN
    (SELECT sipHash64(kafka_topic, kafka_partition, kafka_offset) FROM loanstream.decision_repeats_log)
UNION ALL
SELECT
    tenant, application_id, revision, revision_key, kind, repayment, human, kafka_partition, kafka_offset, kafka_timestamp,
    first.1 AS decided_at, first.2 AS outcome, first.3 AS p, first.4 AS score, first.5 AS bundle_id, first.6 AS policy_id
FROM loanstream.outcomes_undecided
INNER JOIN
(
    SELECT
        tenant, application_id, revision,
        argMin(
            (accepted_at, outcome, p_calibrated, score_final, receipt_bundle_id, receipt_policy_id), kafka_offset) AS first
    FROM loanstream.decisions_log
    WHERE (tenant, application_id, revision) IN
        (SELECT tenant, application_id, revision FROM loanstream.outcomes_undecided)
    GROUP BY tenant, application_id, revision
) AS decided USING (tenant, application_id, revision);

-- A conflict has a repeat. How many of an hour's repeats say something else than other records of their revision is
-- counted with the hour: whoever looks for conflicts reads those hours alone.
CREATE VIEW IF NOT EXISTS loanstream.repeated_now AS
SELECT
    hour, tenant, application_id, revision, outcome, receipt_bundle_id AS bundle_id, receipt_policy_id AS policy_id,
    processing_lane AS lane
FROM loanstream.decisions_log
WHERE hour IN (SELECT hour FROM loanstream.hours_to_count)
    AND (tenant, kafka_topic, kafka_partition, kafka_offset) IN
        (SELECT tenant, kafka_topic, kafka_partition, kafka_offset FROM loanstream.decision_repeats_log)
LIMIT 1 BY kafka_topic, kafka_partition, kafka_offset;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_conflict_now AS
SELECT
    hour, hour AS bucket, tenant, bundle_id, policy_id, lane, by.1 AS dimension, by.2 AS value, by.3 AS number, outcome,
    count() AS decisions, toUInt64(0) AS scored, 0. AS p_sum, 0. AS score_sum
FROM loanstream.repeated_now
ARRAY JOIN [('conflict', '', 0.)] AS by
WHERE (tenant, application_id, revision) IN
(
    SELECT tenant, application_id, revision
    FROM loanstream.decisions_log
    WHERE (tenant, application_id, revision) IN (SELECT tenant, application_id, revision FROM loanstream.repeated_now)
    GROUP BY tenant, application_id, revision
    HAVING min(decided_sha256) != max(decided_sha256)
)
GROUP BY ALL;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_conflict AS
SELECT * EXCEPT (counted_at, rows_of_hour)
FROM loanstream.decisions_by_log
WHERE dimension IN ('conflict')
    AND (hour, counted_at) IN (SELECT hour, counted_at FROM loanstream.hours_state WHERE is_counted)
UNION ALL
SELECT * FROM loanstream.decisions_by_conflict_now;

CREATE OR REPLACE VIEW loanstream.decisions_by_now AS
SELECT * FROM loanstream.decisions_in_all_now
UNION ALL
SELECT * FROM loanstream.decisions_by_latency_now
UNION ALL
SELECT * FROM loanstream.decisions_by_result_now
UNION ALL
SELECT * FROM loanstream.decisions_by_claim_now
UNION ALL
SELECT * FROM loanstream.decisions_by_document_now
UNION ALL
SELECT * FROM loanstream.decisions_by_group_now
UNION ALL
SELECT * FROM loanstream.decisions_by_feature_now
UNION ALL
SELECT * FROM loanstream.decisions_by_conflict_now;

DROP VIEW IF EXISTS loanstream.mark_counted;
CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.mark_counted
REFRESH EVERY 1 MINUTE APPEND TO loanstream.hours_counted AS
SELECT hour, counted_at
FROM loanstream.decisions_by_log
WHERE hour IN (SELECT hour FROM loanstream.hours_to_count)
GROUP BY hour, counted_at
HAVING count() = any(rows_of_hour)
UNION ALL
-- Of an hour whose applications all ended otherwise there is nothing to count.
SELECT hour, now64(3) AS counted_at
FROM loanstream.hours_state
WHERE NOT is_counted AND touched_at < now64(3) - INTERVAL 11 MINUTE
    AND hour NOT IN (SELECT hour FROM loanstream.decided_now)
    AND hour NOT IN (SELECT hour FROM loanstream.decisions_by_conflict_now);

-- The hours of repeats are counted again, with their conflicts.
INSERT INTO loanstream.hours_touched
SELECT hour, now64(3) AS at
FROM loanstream.decisions_log
WHERE (tenant, kafka_topic, kafka_partition, kafka_offset) IN
    (SELECT tenant, kafka_topic, kafka_partition, kafka_offset FROM loanstream.decision_repeats_log)
GROUP BY hour;

CREATE OR REPLACE VIEW loanstream.conflicts AS
SELECT
    log.tenant AS tenant,
    log.application_id AS application_id,
    log.revision AS revision,
    argMin(log.decision_id, log.kafka_offset) AS decision_id,
    arrayDistinct(arrayMap(pair -> pair.2, arraySort(groupArray((log.kafka_offset, log.decision_id))))) AS decision_ids,
    arrayMap(pair -> pair.2, arraySort(groupArray((log.kafka_offset, log.outcome)))) AS outcomes,
    min(log.accepted_at) AS first_accepted_at,
    arrayDistinct(arrayMap(pair -> pair.2, arraySort(groupArray((log.kafka_offset, log.receipt_code_version))))) AS code_versions,
    arrayFilter(name -> name != '', [
        if(min(log.decision_id) != max(log.decision_id), 'decision_id', ''),
        if(min(log.outcome) != max(log.outcome), 'outcome', ''),
        if(min(log.decided_sha256) != max(log.decided_sha256), 'content', '')]) AS differs
FROM loanstream.decisions_log AS log
WHERE (log.tenant, log.application_id, log.revision) IN
(
    SELECT tenant, application_id, revision
    FROM loanstream.decisions_log
    WHERE hour IN (SELECT hour FROM loanstream.decisions_by_conflict)
        AND (tenant, kafka_topic, kafka_partition, kafka_offset) IN
            (SELECT tenant, kafka_topic, kafka_partition, kafka_offset FROM loanstream.decision_repeats_log)
)
GROUP BY log.tenant, log.application_id, log.revision
HAVING min(log.decided_sha256) != max(log.decided_sha256);
