-- Decisions, as downstream services read them. event is the record's value; content_sha256 its hash without
-- accepted_at and processing, equal for two makings of the same decision.

CREATE TABLE IF NOT EXISTS loanstream.decisions_log
(
    tenant LowCardinality(String),
    decision_id String,
    application_id String,
    revision UInt32,
    accepted_at DateTime64(3, 'UTC'),
    outcome LowCardinality(String),
    p_model Nullable(Float64),
    p_calibrated Nullable(Float64),
    penalties Array(Tuple(code LowCardinality(String), size Float64)),
    score_final Nullable(Float64),
    thresholds_approve Float64,
    thresholds_decline Float64,
    base_points Nullable(Float64),
    final_points Nullable(Float64),
    reasons Array(Tuple(
        code LowCardinality(String), text String, points Nullable(Float64), decisive Bool, value Nullable(String))),
    recourse_code LowCardinality(Nullable(String)),
    recourse_text Nullable(String),
    recourse_value Nullable(String),
    recourse_outcome LowCardinality(Nullable(String)),
    verification_result LowCardinality(String),
    basis Array(LowCardinality(String)),
    receipt_key_id LowCardinality(String),
    receipt_input_hmac String,
    receipt_evidence_hmac String,
    receipt_features_hmac String,
    receipt_bundle_id LowCardinality(String),
    receipt_policy_id LowCardinality(String),
    receipt_code_version LowCardinality(String),
    processing_lane LowCardinality(String),
    processing_verify_started_at DateTime64(3, 'UTC'),
    processing_verify_finished_at DateTime64(3, 'UTC'),
    processing_score_started_at DateTime64(3, 'UTC'),
    processing_score_finished_at DateTime64(3, 'UTC'),
    processing_verify_worker LowCardinality(String),
    processing_score_worker LowCardinality(String),
    processing_code_version LowCardinality(String),
    content_sha256 FixedString(64),
    event String CODEC(ZSTD(1)),
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC'),
    CONSTRAINT names_its_application CHECK tenant != '' AND application_id != '' AND revision >= 1,
    CONSTRAINT known_outcome CHECK outcome IN ('approve', 'refer', 'decline'),
    CONSTRAINT probabilities CHECK ifNull(p_model BETWEEN 0 AND 1, true) AND ifNull(p_calibrated BETWEEN 0 AND 1, true)
        AND ifNull(score_final BETWEEN 0 AND 1, true)
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(accepted_at)
ORDER BY (tenant, application_id, revision, decision_id, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

-- The decision is the first record of (tenant, application_id, revision) in its partition.
CREATE VIEW IF NOT EXISTS loanstream.decisions AS
SELECT * EXCEPT (event)
FROM loanstream.decisions_log
ORDER BY tenant, application_id, revision, kafka_offset
LIMIT 1 BY tenant, application_id, revision;

CREATE VIEW IF NOT EXISTS loanstream.conflicts AS
SELECT
    log.tenant AS tenant,
    log.application_id AS application_id,
    log.revision AS revision,
    argMin(log.decision_id, log.kafka_offset) AS decision_id,
    arrayDistinct(arrayMap(pair -> pair.2, arraySort(groupArray((log.kafka_offset, log.decision_id))))) AS decision_ids,
    arrayMap(pair -> pair.2, arraySort(groupArray((log.kafka_offset, log.outcome)))) AS outcomes,
    min(log.accepted_at) AS first_accepted_at
FROM loanstream.decisions_log AS log
GROUP BY log.tenant, log.application_id, log.revision
HAVING uniqExact(log.decision_id) > 1;
