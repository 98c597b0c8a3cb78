-- Outcomes, dead letters, activations and service metrics.

CREATE TABLE IF NOT EXISTS loanstream.outcomes_log
(
    tenant LowCardinality(String),
    application_id String,
    revision UInt32,
    at DateTime64(3, 'UTC'),
    kind LowCardinality(String),
    repayment LowCardinality(Nullable(String)),
    days_past_due Nullable(UInt16),
    balance Nullable(Decimal(18, 2)),
    decision LowCardinality(Nullable(String)),
    actor Nullable(String),
    reason Nullable(String),
    content_sha256 FixedString(64),
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC'),
    CONSTRAINT names_its_application CHECK tenant != '' AND application_id != '' AND revision >= 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(kafka_timestamp)
ORDER BY (tenant, application_id, revision, content_sha256, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

-- A bank may send an outcome again; the same content is the same outcome.
CREATE VIEW IF NOT EXISTS loanstream.outcomes AS
SELECT *
FROM loanstream.outcomes_log
ORDER BY tenant, application_id, revision, content_sha256, kafka_offset
LIMIT 1 BY tenant, application_id, revision, content_sha256;

CREATE TABLE IF NOT EXISTS loanstream.dead_letters_log
(
    tenant LowCardinality(String),  -- empty where the topic belongs to no tenant
    application_id String,  -- the original's key where it has the form of one, else empty
    stage LowCardinality(String),
    cause LowCardinality(String),
    errors Array(Tuple(
        field String, error LowCardinality(String), expected String, found Nullable(String))),
    origin_topic LowCardinality(String),
    origin_partition UInt32,
    origin_offset UInt64,
    origin_timestamp_ms Int64,
    attempts UInt32,
    at DateTime64(3, 'UTC'),
    value_sha256 FixedString(64),
    value_size UInt32,
    code_version LowCardinality(String),
    event_encrypted String CODEC(ZSTD(1)),  -- the whole dead letter: original key, value and headers
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(kafka_timestamp)
ORDER BY (tenant, origin_topic, origin_partition, origin_offset, stage, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

-- A stage's dead letter of one record is one dead letter, however often it was made.
CREATE VIEW IF NOT EXISTS loanstream.dead_letters AS
SELECT * EXCEPT (event_encrypted)
FROM loanstream.dead_letters_log
ORDER BY tenant, origin_topic, origin_partition, origin_offset, stage, kafka_offset
LIMIT 1 BY tenant, origin_topic, origin_partition, origin_offset, stage;

CREATE TABLE IF NOT EXISTS loanstream.activations_log
(
    activation_id String,
    tenant LowCardinality(Nullable(String)),  -- NULL: all tenants
    bundle_id LowCardinality(Nullable(String)),
    policy_id LowCardinality(Nullable(String)),
    lead_ms UInt32,
    actor String,
    reason String,
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(kafka_timestamp)
ORDER BY (kafka_topic, kafka_partition, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE VIEW IF NOT EXISTS loanstream.activations AS
SELECT * FROM loanstream.activations_log
ORDER BY kafka_topic, kafka_partition, kafka_offset
LIMIT 1 BY kafka_topic, kafka_partition, kafka_offset;

CREATE TABLE IF NOT EXISTS loanstream.service_metrics_log
(
    at DateTime64(3, 'UTC'),
    stage LowCardinality(String),
    worker LowCardinality(String),
    name LowCardinality(String),
    value Float64,
    labels Map(LowCardinality(String), String),
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(kafka_timestamp)
ORDER BY (stage, name, kafka_timestamp, kafka_topic, kafka_partition, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE VIEW IF NOT EXISTS loanstream.service_metrics AS
SELECT * FROM loanstream.service_metrics_log
ORDER BY stage, name, kafka_timestamp, kafka_topic, kafka_partition, kafka_offset
LIMIT 1 BY stage, name, kafka_timestamp, kafka_topic, kafka_partition, kafka_offset;
