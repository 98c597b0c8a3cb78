-- Of a record that the client library could not hand over nobody knows hash and size.

ALTER TABLE loanstream.dead_letters_log MODIFY COLUMN value_sha256 Nullable(FixedString(64));
ALTER TABLE loanstream.dead_letters_log MODIFY COLUMN value_size Nullable(UInt32);

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW loanstream.dead_letters AS
SELECT * EXCEPT (event_encrypted)
FROM loanstream.dead_letters_log
ORDER BY tenant, origin_topic, origin_partition, origin_offset, stage, kafka_offset
LIMIT 1 BY tenant, origin_topic, origin_partition, origin_offset, stage;
