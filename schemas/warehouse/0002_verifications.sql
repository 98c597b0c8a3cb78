-- What documents said about claims. The values themselves (claimed and found) are in event_encrypted alone, which
-- holds the whole event as it was made: a replay needs no topic.

CREATE TABLE IF NOT EXISTS loanstream.verifications_log
(
    tenant LowCardinality(String),
    application_id String,
    revision UInt32,
    accepted_at DateTime64(3, 'UTC'),
    verification_result LowCardinality(String),
    extractions Array(Tuple(
        sha256 String, kind LowCardinality(String), status LowCardinality(String), reason LowCardinality(Nullable(String)),
        reader LowCardinality(String), lane LowCardinality(String), pages UInt16,
        findings Array(LowCardinality(String)))),
    checks Array(Tuple(
        claim LowCardinality(String), result LowCardinality(String), document Nullable(String),
        field LowCardinality(Nullable(String)), similarity Nullable(Float64), label LowCardinality(Nullable(String)))),
    processing_lane LowCardinality(String),
    processing_started_at DateTime64(3, 'UTC'),
    processing_finished_at DateTime64(3, 'UTC'),
    processing_worker LowCardinality(String),
    processing_code_version LowCardinality(String),
    event_encrypted String CODEC(ZSTD(1)),
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC'),
    CONSTRAINT names_its_application CHECK tenant != '' AND application_id != '' AND revision >= 1,
    CONSTRAINT known_result CHECK verification_result IN
        ('suspicious', 'mismatch', 'unavailable', 'unreadable', 'not_provided', 'verified')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(accepted_at)
ORDER BY (tenant, application_id, revision, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE VIEW IF NOT EXISTS loanstream.verifications AS
SELECT * EXCEPT (event_encrypted)
FROM loanstream.verifications_log
ORDER BY tenant, application_id, revision, kafka_offset
LIMIT 1 BY tenant, application_id, revision;
