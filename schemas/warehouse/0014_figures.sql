-- Figures for risk teams. Every figure counts a decision once, by its first record, however often records are
-- delivered, and no question sorts a whole log: see docs/warehouse-figures.md.
--
--   logs, by hour ──▶ decisions_by_*_now (hours to count) ──once an hour is quiet──▶ decisions_by_log (hours counted)
--                            └───────────────────▶ decisions_in_all, decisions_by_* ◀─────────┘

-- Repeats: records of decisions that are not the first of their revision. The record stage looks for them before it
-- inserts, in keys of its own: a log ordered by application would be read whole for a thousand of them.
CREATE TABLE IF NOT EXISTS loanstream.decision_keys_log
(
    tenant LowCardinality(String),
    revision_key UInt128,  -- sipHash128 of tenant, application_id, revision
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (revision_key, kafka_topic, kafka_partition, kafka_offset)
SETTINGS index_granularity = 256, min_compress_block_size = 4096, max_compress_block_size = 16384;

CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.decision_keys_of_decisions TO loanstream.decision_keys_log AS
SELECT
    tenant, reinterpretAsUInt128(sipHash128(tenant, application_id, revision)) AS revision_key,
    kafka_topic, kafka_partition, kafka_offset
FROM loanstream.decisions_log;

CREATE TABLE IF NOT EXISTS loanstream.decision_repeats_log
(
    tenant LowCardinality(String),
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, kafka_topic, kafka_partition, kafka_offset);

-- What was there before this migration.
INSERT INTO loanstream.decision_keys_log
SELECT
    tenant, reinterpretAsUInt128(sipHash128(tenant, application_id, revision)) AS revision_key,
    kafka_topic, kafka_partition, kafka_offset
FROM loanstream.decisions_log;

INSERT INTO loanstream.decision_repeats_log
SELECT tenant, kafka_topic, kafka_partition, kafka_offset
FROM
(
    SELECT
        tenant, kafka_topic, kafka_partition, kafka_offset,
        min(kafka_offset) OVER (PARTITION BY tenant, application_id, revision, kafka_topic, kafka_partition) AS first_offset
    FROM loanstream.decisions_log
)
WHERE kafka_offset > first_offset;

-- What the figures read of each log, ordered by time. A projection lies in its table's own parts: it is there with a
-- row, and goes with it.
ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS hour DateTime('UTC') MATERIALIZED toStartOfHour(accepted_at);
-- tupleElement: an ALTER UPDATE makes these columns anew, and takes r.code for a column.
ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS reasons_against Array(LowCardinality(String)) MATERIALIZED
    arrayDistinct(arrayMap(r -> tupleElement(r, 'code'), arrayFilter(r -> tupleElement(r, 'decisive') OR ifNull(tupleElement(r, 'points'), 0) < 0, reasons)));
ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS reasons_decisive Array(LowCardinality(String)) MATERIALIZED
    arrayDistinct(arrayMap(r -> tupleElement(r, 'code'), arrayFilter(r -> tupleElement(r, 'decisive'), reasons)));
ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS reason_first LowCardinality(String) MATERIALIZED
    if(empty(reasons), '', tupleElement(reasons[1], 'code'));
ALTER TABLE loanstream.decisions_log ADD PROJECTION IF NOT EXISTS by_hour
(
    SELECT
        hour, tenant, application_id, revision, accepted_at, outcome, p_calibrated, score_final, penalties,
        reasons_against, reasons_decisive, reason_first, verification_result, basis, receipt_bundle_id,
        receipt_policy_id, processing_lane, processing_verify_started_at, processing_verify_finished_at,
        processing_score_started_at, processing_score_finished_at, kafka_topic, kafka_partition, kafka_offset
    ORDER BY hour, tenant, accepted_at
);
ALTER TABLE loanstream.decisions_log MATERIALIZE PROJECTION by_hour;

ALTER TABLE loanstream.applications_log ADD COLUMN IF NOT EXISTS hour DateTime('UTC') MATERIALIZED toStartOfHour(accepted_at);
ALTER TABLE loanstream.applications_log ADD PROJECTION IF NOT EXISTS by_hour
(
    SELECT
        hour, tenant, application_id, revision, accepted_at, loan_product, loan_amount, cibil_score,
        kafka_topic, kafka_partition, kafka_offset
    ORDER BY hour, tenant, accepted_at
);
ALTER TABLE loanstream.applications_log MATERIALIZE PROJECTION by_hour;

ALTER TABLE loanstream.monitoring_log ADD COLUMN IF NOT EXISTS hour DateTime('UTC') MATERIALIZED toStartOfHour(accepted_at);
ALTER TABLE loanstream.monitoring_log ADD PROJECTION IF NOT EXISTS by_hour
(
    SELECT hour, tenant, application_id, revision, accepted_at, gender, ethnicity, marital_status, age_band
    ORDER BY hour, tenant, accepted_at
);
ALTER TABLE loanstream.monitoring_log MATERIALIZE PROJECTION by_hour;

ALTER TABLE loanstream.verifications_log ADD COLUMN IF NOT EXISTS hour DateTime('UTC') MATERIALIZED toStartOfHour(accepted_at);
ALTER TABLE loanstream.verifications_log ADD COLUMN IF NOT EXISTS documents_read Array(LowCardinality(String)) MATERIALIZED
    arrayMap(e -> concat(tupleElement(e, 'reader'), ' · ', tupleElement(e, 'kind'), ' · ', tupleElement(e, 'status')), extractions);
ALTER TABLE loanstream.verifications_log ADD COLUMN IF NOT EXISTS documents_found Array(LowCardinality(String)) MATERIALIZED
    arrayFlatten(arrayMap(e -> arrayMap(f -> concat(tupleElement(e, 'kind'), ' · ', f), tupleElement(e, 'findings')), extractions));
ALTER TABLE loanstream.verifications_log ADD COLUMN IF NOT EXISTS claims_checked Array(LowCardinality(String)) MATERIALIZED
    arrayMap(c -> concat(tupleElement(c, 'claim'), ' · ', tupleElement(c, 'result')), checks);
ALTER TABLE loanstream.verifications_log ADD PROJECTION IF NOT EXISTS by_hour
(
    SELECT
        hour, tenant, application_id, revision, accepted_at, documents_read, documents_found, claims_checked,
        kafka_topic, kafka_partition, kafka_offset
    ORDER BY hour, tenant, accepted_at
);
ALTER TABLE loanstream.verifications_log MATERIALIZE PROJECTION by_hour;

-- Hours that rows came for, and when the last of them came, by the warehouse's own clock.
CREATE TABLE IF NOT EXISTS loanstream.hours_touched
(
    hour DateTime('UTC'),
    at SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY hour;

CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.hours_of_decisions TO loanstream.hours_touched AS
SELECT toStartOfHour(accepted_at) AS hour, max(now64(3)) AS at FROM loanstream.decisions_log GROUP BY hour;
CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.hours_of_applications TO loanstream.hours_touched AS
SELECT toStartOfHour(accepted_at) AS hour, max(now64(3)) AS at FROM loanstream.applications_log GROUP BY hour;
CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.hours_of_monitoring TO loanstream.hours_touched AS
SELECT toStartOfHour(accepted_at) AS hour, max(now64(3)) AS at FROM loanstream.monitoring_log GROUP BY hour;
CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.hours_of_verifications TO loanstream.hours_touched AS
SELECT toStartOfHour(accepted_at) AS hour, max(now64(3)) AS at FROM loanstream.verifications_log GROUP BY hour;
INSERT INTO loanstream.hours_touched SELECT toStartOfHour(accepted_at) AS hour, now64(3) AS at FROM loanstream.decisions_log GROUP BY hour;

-- Decisions counted by one dimension at a time. A recount of an hour is written beside the one before; hours_counted
-- says which holds.
CREATE TABLE IF NOT EXISTS loanstream.decisions_by_log
(
    hour DateTime('UTC'),
    bucket DateTime('UTC'),
    tenant LowCardinality(String),
    bundle_id LowCardinality(String),
    policy_id LowCardinality(String),
    lane LowCardinality(String),
    dimension LowCardinality(String),
    value LowCardinality(String),
    number Float64,
    outcome LowCardinality(String),
    decisions UInt64,
    scored UInt64,
    p_sum Float64,
    score_sum Float64,
    counted_at DateTime64(3, 'UTC'),
    rows_of_hour UInt64  -- of this count: fewer are there where it was cut off
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (dimension, bucket, tenant, bundle_id, policy_id, value);

CREATE TABLE IF NOT EXISTS loanstream.hours_counted
(
    hour DateTime('UTC'),
    counted_at SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY hour;

-- An insert may be seen a while after it took its time: an hour is counted for good ten minutes after its last row.
CREATE VIEW IF NOT EXISTS loanstream.hours_state AS
SELECT
    touched.hour AS hour,
    touched.at AS touched_at,
    counted.at AS counted_at,
    counted.at > touched.at + INTERVAL 10 MINUTE AS is_counted
FROM (SELECT hour, max(at) AS at FROM loanstream.hours_touched GROUP BY hour) AS touched
LEFT JOIN (SELECT hour, max(counted_at) AS at FROM loanstream.hours_counted GROUP BY hour) AS counted USING (hour);

CREATE VIEW IF NOT EXISTS loanstream.hours_to_count AS
SELECT hour FROM loanstream.hours_state WHERE NOT is_counted;

-- The hours that are still to be counted: each decision once, with what belongs to it from other records. A question
-- for one dimension reads that one alone (the others' dimension is a constant that is not asked for).
CREATE VIEW IF NOT EXISTS loanstream.decided_now AS
SELECT
    hour, toStartOfFiveMinutes(accepted_at) AS minutes, tenant, application_id, revision, accepted_at, outcome,
    p_calibrated AS p, score_final AS score, penalties, reasons_against, reasons_decisive, reason_first,
    verification_result, basis, receipt_bundle_id AS bundle_id, receipt_policy_id AS policy_id, processing_lane AS lane,
    date_diff('millisecond', accepted_at, processing_verify_started_at) AS wait_verify_ms,
    date_diff('millisecond', processing_verify_started_at, processing_verify_finished_at) AS verify_ms,
    date_diff('millisecond', processing_verify_finished_at, processing_score_started_at) AS wait_score_ms,
    date_diff('millisecond', processing_score_started_at, processing_score_finished_at) AS score_ms,
    date_diff('millisecond', accepted_at, processing_score_finished_at) AS decision_ms
FROM loanstream.decisions_log
WHERE hour IN (SELECT hour FROM loanstream.hours_to_count)
    AND (tenant, kafka_topic, kafka_partition, kafka_offset) NOT IN
        (SELECT tenant, kafka_topic, kafka_partition, kafka_offset FROM loanstream.decision_repeats_log)
LIMIT 1 BY kafka_topic, kafka_partition, kafka_offset;

CREATE VIEW IF NOT EXISTS loanstream.claimed_now AS
SELECT
    tenant, application_id, revision, accepted_at, loan_product,
    greatest(toFloat64(loan_amount), 1) AS amount, pow(10, floor(log10(amount))) AS decade,
    decade * multiIf(amount < 2 * decade, 1, amount < 5 * decade, 2, 5) AS amount_from, cibil_score IS NULL AS is_thin
FROM loanstream.applications_log
WHERE hour IN (SELECT hour FROM loanstream.hours_to_count);

CREATE VIEW IF NOT EXISTS loanstream.watched_now AS
SELECT tenant, application_id, revision, accepted_at, gender, ethnicity, marital_status, age_band
FROM loanstream.monitoring_log
WHERE hour IN (SELECT hour FROM loanstream.hours_to_count);

CREATE VIEW IF NOT EXISTS loanstream.verified_now AS
SELECT tenant, application_id, revision, accepted_at, documents_read, documents_found, claims_checked
FROM loanstream.verifications_log
WHERE hour IN (SELECT hour FROM loanstream.hours_to_count);

CREATE VIEW IF NOT EXISTS loanstream.decisions_in_all_now AS
SELECT
    hour, minutes AS bucket, tenant, bundle_id, policy_id, lane, by.1 AS dimension, by.2 AS value, by.3 AS number, outcome,
    count() AS decisions, count(p) AS scored, sum(ifNull(p, 0)) AS p_sum, sum(ifNull(score, 0)) AS score_sum
FROM loanstream.decided_now
ARRAY JOIN [('all', '', 0.)] AS by
GROUP BY ALL;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_latency_now AS
SELECT
    hour, minutes AS bucket, tenant, bundle_id, policy_id, lane, by.1 AS dimension, by.2 AS value, by.3 AS number, outcome,
    count() AS decisions, count(p) AS scored, sum(ifNull(p, 0)) AS p_sum, sum(ifNull(score, 0)) AS score_sum
FROM loanstream.decided_now
ARRAY JOIN [
    ('latency:wait_verify', '', exp((floor(log(greatest(wait_verify_ms, 1)) / 0.05) + 0.5) * 0.05)),
    ('latency:verify', '', exp((floor(log(greatest(verify_ms, 1)) / 0.05) + 0.5) * 0.05)),
    ('latency:wait_score', '', exp((floor(log(greatest(wait_score_ms, 1)) / 0.05) + 0.5) * 0.05)),
    ('latency:score', '', exp((floor(log(greatest(score_ms, 1)) / 0.05) + 0.5) * 0.05)),
    ('latency:decision', '', exp((floor(log(greatest(decision_ms, 1)) / 0.05) + 0.5) * 0.05))
] AS by
GROUP BY ALL;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_result_now AS
SELECT
    hour, hour AS bucket, tenant, bundle_id, policy_id, lane, by.1 AS dimension, by.2 AS value, by.3 AS number, outcome,
    count() AS decisions, count(p) AS scored, sum(ifNull(p, 0)) AS p_sum, sum(ifNull(score, 0)) AS score_sum
FROM loanstream.decided_now
ARRAY JOIN arrayConcat(
    [('verification', toString(verification_result), 0.)],
    if(score IS NULL, [], [('score', toString(least(floor(assumeNotNull(score) * 20) / 20, 0.95)), least(floor(assumeNotNull(score) * 20) / 20, 0.95))]),
    if(p IS NULL, [], [('p', toString(least(floor(assumeNotNull(p) * 20) / 20, 0.95)), least(floor(assumeNotNull(p) * 20) / 20, 0.95))]),
    if(outcome = 'approve' OR reason_first = '', [], [('first_reason', toString(reason_first), 0.)]),
    arrayMap(code -> ('reason', toString(code), 0.), reasons_against),
    arrayMap(code -> ('rule', toString(code), 0.), reasons_decisive),
    arrayMap(penalty -> ('penalty', toString(penalty.code), 0.), arrayFilter(penalty -> penalty.size > 0, penalties)),
    arrayMap(code -> ('basis', toString(code), 0.), basis)) AS by
GROUP BY ALL;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_claim_now AS
SELECT
    hour, hour AS bucket, tenant, bundle_id, policy_id, lane, by.1 AS dimension, by.2 AS value, by.3 AS number, outcome,
    count() AS decisions, count(p) AS scored, sum(ifNull(p, 0)) AS p_sum, sum(ifNull(score, 0)) AS score_sum
FROM loanstream.decided_now
ANY LEFT JOIN loanstream.claimed_now AS c USING (tenant, application_id, revision, accepted_at)
ARRAY JOIN [
    ('product', ifNull(loan_product, '(not named)'), 0.),
    ('amount', formatReadableQuantity(amount_from), amount_from),
    ('thin_file', if(is_thin, 'thin file', 'with a CIBIL score'), 0.)
] AS by
GROUP BY ALL;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_document_now AS
SELECT
    hour, hour AS bucket, tenant, bundle_id, policy_id, lane, by.1 AS dimension, by.2 AS value, by.3 AS number, outcome,
    count() AS decisions, count(p) AS scored, sum(ifNull(p, 0)) AS p_sum, sum(ifNull(score, 0)) AS score_sum
FROM loanstream.decided_now
ANY INNER JOIN loanstream.verified_now AS c USING (tenant, application_id, revision, accepted_at)
ARRAY JOIN arrayConcat(
    arrayMap(text -> ('document', toString(text), 0.), documents_read),
    arrayMap(text -> ('finding', toString(text), 0.), documents_found),
    arrayMap(text -> ('check', toString(text), 0.), claims_checked)) AS by
GROUP BY ALL;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_group_now AS
SELECT
    hour, hour AS bucket, tenant, bundle_id, policy_id, lane, by.1 AS dimension, by.2 AS value, by.3 AS number, outcome,
    count() AS decisions, count(p) AS scored, sum(ifNull(p, 0)) AS p_sum, sum(ifNull(score, 0)) AS score_sum
FROM loanstream.decided_now
ANY INNER JOIN loanstream.watched_now AS c USING (tenant, application_id, revision, accepted_at)
ARRAY JOIN arrayConcat(
    if(gender IS NULL, [], [('gender', assumeNotNull(gender), 0.)]),
    if(ethnicity IS NULL, [], [('ethnicity', assumeNotNull(ethnicity), 0.)]),
    if(marital_status IS NULL, [], [('marital_status', assumeNotNull(marital_status), 0.)]),
    if(age_band IS NULL, [], [('age_band', assumeNotNull(age_band), 0.)])) AS by
GROUP BY ALL;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_now AS
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
SELECT * FROM loanstream.decisions_by_group_now;

-- What has been counted, and what is still to be.
CREATE VIEW IF NOT EXISTS loanstream.decisions_in_all AS
SELECT * EXCEPT (counted_at, rows_of_hour)
FROM loanstream.decisions_by_log
WHERE dimension IN ('all')
    AND (hour, counted_at) IN (SELECT hour, counted_at FROM loanstream.hours_state WHERE is_counted)
UNION ALL
SELECT * FROM loanstream.decisions_in_all_now;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_latency AS
SELECT * EXCEPT (counted_at, rows_of_hour)
FROM loanstream.decisions_by_log
WHERE startsWith(dimension, 'latency:')
    AND (hour, counted_at) IN (SELECT hour, counted_at FROM loanstream.hours_state WHERE is_counted)
UNION ALL
SELECT * FROM loanstream.decisions_by_latency_now;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_result AS
SELECT * EXCEPT (counted_at, rows_of_hour)
FROM loanstream.decisions_by_log
WHERE dimension IN ('verification', 'score', 'p', 'first_reason', 'reason', 'rule', 'penalty', 'basis')
    AND (hour, counted_at) IN (SELECT hour, counted_at FROM loanstream.hours_state WHERE is_counted)
UNION ALL
SELECT * FROM loanstream.decisions_by_result_now;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_claim AS
SELECT * EXCEPT (counted_at, rows_of_hour)
FROM loanstream.decisions_by_log
WHERE dimension IN ('product', 'amount', 'thin_file')
    AND (hour, counted_at) IN (SELECT hour, counted_at FROM loanstream.hours_state WHERE is_counted)
UNION ALL
SELECT * FROM loanstream.decisions_by_claim_now;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_document AS
SELECT * EXCEPT (counted_at, rows_of_hour)
FROM loanstream.decisions_by_log
WHERE dimension IN ('document', 'finding', 'check')
    AND (hour, counted_at) IN (SELECT hour, counted_at FROM loanstream.hours_state WHERE is_counted)
UNION ALL
SELECT * FROM loanstream.decisions_by_document_now;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_group AS
SELECT * EXCEPT (counted_at, rows_of_hour)
FROM loanstream.decisions_by_log
WHERE dimension IN ('gender', 'ethnicity', 'marital_status', 'age_band')
    AND (hour, counted_at) IN (SELECT hour, counted_at FROM loanstream.hours_state WHERE is_counted)
UNION ALL
SELECT * FROM loanstream.decisions_by_group_now;

CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.count_hours
REFRESH EVERY 1 MINUTE APPEND TO loanstream.decisions_by_log AS
SELECT *, now64(3) AS counted_at, count() OVER (PARTITION BY hour) AS rows_of_hour
FROM loanstream.decisions_by_now
WHERE hour IN
(
    SELECT hour FROM loanstream.hours_state
    WHERE NOT is_counted AND touched_at < now64(3) - INTERVAL 11 MINUTE
    ORDER BY hour LIMIT 100
);

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
WHERE NOT is_counted AND touched_at < now64(3) - INTERVAL 11 MINUTE AND hour NOT IN (SELECT hour FROM loanstream.decided_now);
