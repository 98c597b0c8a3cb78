-- What models and policies saw: the vector of scoring.features, made once, by the record stage. A feature that is missing
-- has no entry.
CREATE TABLE IF NOT EXISTS loanstream.features_log
(
    tenant LowCardinality(String),
    application_id String,
    revision UInt32,
    accepted_at DateTime64(3, 'UTC'),
    features Map(LowCardinality(String), Float64),
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC'),
    hour DateTime('UTC') MATERIALIZED toStartOfHour(accepted_at),
    CONSTRAINT names_its_application CHECK tenant != '' AND application_id != '' AND revision >= 1,
    PROJECTION by_hour
    (
        SELECT hour, tenant, application_id, revision, accepted_at, features
        ORDER BY hour, tenant, accepted_at
    )
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(accepted_at)
ORDER BY (tenant, application_id, revision, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS loanstream.hours_of_features TO loanstream.hours_touched AS
SELECT toStartOfHour(accepted_at) AS hour, max(now64(3)) AS at FROM loanstream.features_log GROUP BY hour;

-- How a feature lay in the data that a bundle was trained on, as its manifest says: share of each bin. bin -1 is missing.
-- The first bin has everything below its upper bound, the last everything from its lower bound on.
CREATE TABLE IF NOT EXISTS loanstream.bundle_references
(
    bundle_id LowCardinality(String),
    feature LowCardinality(String),
    bin Int16,
    label String,
    lower Nullable(Float64),
    upper Nullable(Float64),
    share Float64
)
ENGINE = ReplacingMergeTree
ORDER BY (bundle_id, feature, bin);

-- Each bundle's features, and each feature's inner bounds and labels.
CREATE VIEW IF NOT EXISTS loanstream.bundle_bins AS
SELECT bundle_id, groupArray((toString(feature), bounds, labels, missing)) AS bins
FROM
(
    SELECT
        bundle_id, feature,
        arrayMap(one -> assumeNotNull(one.2), arrayFilter(one -> one.1 > 0, arraySort(groupArray((bin, lower))))) AS bounds,
        arrayMap(one -> one.2, arrayFilter(one -> one.1 >= 0, arraySort(groupArray((bin, label))))) AS labels,
        anyIf(label, bin = -1) AS missing
    FROM (SELECT DISTINCT bundle_id, feature, bin, label, lower FROM loanstream.bundle_references)
    GROUP BY bundle_id, feature
)
GROUP BY bundle_id;

CREATE VIEW IF NOT EXISTS loanstream.measured_now AS
SELECT tenant, application_id, revision, accepted_at, features
FROM loanstream.features_log
WHERE hour IN (SELECT hour FROM loanstream.hours_to_count);

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_feature_now AS
SELECT
    hour, hour AS bucket, tenant, bundle_id, policy_id, lane, by.1 AS dimension, by.2 AS value, by.3 AS number, outcome,
    count() AS decisions, count(p) AS scored, sum(ifNull(p, 0)) AS p_sum, sum(ifNull(score, 0)) AS score_sum
FROM loanstream.decided_now
ANY INNER JOIN loanstream.measured_now AS c USING (tenant, application_id, revision, accepted_at)
INNER JOIN loanstream.bundle_bins AS b USING (bundle_id)
ARRAY JOIN arrayMap(
    f -> if(
        mapContains(features, f.1) AND notEmpty(f.3),
        (concat('feature:', f.1), f.3[arrayCount(bound -> bound <= features[f.1], f.2) + 1], toFloat64(arrayCount(bound -> bound <= features[f.1], f.2))),
        (concat('feature:', f.1), f.4, -1.)),
    bins) AS by
GROUP BY ALL;

CREATE VIEW IF NOT EXISTS loanstream.decisions_by_feature AS
SELECT * EXCEPT (counted_at, rows_of_hour)
FROM loanstream.decisions_by_log
WHERE startsWith(dimension, 'feature:')
    AND (hour, counted_at) IN (SELECT hour, counted_at FROM loanstream.hours_state WHERE is_counted)
UNION ALL
SELECT * FROM loanstream.decisions_by_feature_now;

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
SELECT * FROM loanstream.decisions_by_feature_now;
