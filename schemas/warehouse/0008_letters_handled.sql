-- What operators did with dead letters: sent back, recorded after all, discarded. The letters stay as they are.

CREATE TABLE IF NOT EXISTS loanstream.letters_handled_log
(
    tenant LowCardinality(String),  -- empty where the letter's topic belongs to no tenant
    letter_topic LowCardinality(String),
    letter_partition UInt32,
    letter_offset UInt64,
    letter_timestamp_ms Int64,
    origin_topic LowCardinality(String),
    origin_partition UInt32,
    origin_offset UInt64,
    origin_timestamp_ms Int64,
    stage LowCardinality(String),
    cause LowCardinality(String),
    action LowCardinality(String),
    actor String,
    reason Nullable(String),
    at DateTime64(3, 'UTC'),
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC'),
    CONSTRAINT names_its_letter CHECK letter_topic != ''
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(kafka_timestamp)
ORDER BY (tenant, letter_topic, letter_partition, letter_offset, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE VIEW IF NOT EXISTS loanstream.letters_handled AS
SELECT * FROM loanstream.letters_handled_log
ORDER BY tenant, letter_topic, letter_partition, letter_offset, kafka_offset
LIMIT 1 BY kafka_topic, kafka_partition, kafka_offset;

-- A letter as it stands: the last thing that was done with it, NULL where it waits.
CREATE OR REPLACE VIEW loanstream.dead_letters AS
SELECT letters.*, handled.action, handled.action_at, handled.action_by, handled.action_reason
FROM
(
    SELECT * EXCEPT (event_encrypted)
    FROM loanstream.dead_letters_log
    ORDER BY tenant, origin_topic, origin_partition, origin_offset, stage, kafka_offset
    LIMIT 1 BY tenant, origin_topic, origin_partition, origin_offset, stage
) AS letters
LEFT JOIN
(
    SELECT
        origin_topic, origin_partition, origin_offset, stage,
        toNullable(toString(argMax(action, kafka_offset))) AS action,
        toNullable(max(at)) AS action_at,
        toNullable(argMax(actor, kafka_offset)) AS action_by,
        argMax(tuple(reason), kafka_offset).1 AS action_reason
    FROM loanstream.letters_handled_log
    GROUP BY origin_topic, origin_partition, origin_offset, stage
) AS handled
ON letters.origin_topic = handled.origin_topic
    AND letters.origin_partition = handled.origin_partition
    AND letters.origin_offset = handled.origin_offset
    AND letters.stage = handled.stage;
