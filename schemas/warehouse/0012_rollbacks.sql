-- An activation may be a rollback of an earlier one.

ALTER TABLE loanstream.activations_log ADD COLUMN IF NOT EXISTS rolls_back Nullable(String) AFTER withdraws;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW loanstream.activations AS
SELECT * FROM loanstream.activations_log
ORDER BY kafka_topic, kafka_partition, kafka_offset
LIMIT 1 BY kafka_topic, kafka_partition, kafka_offset;
