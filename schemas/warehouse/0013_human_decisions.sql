-- Who vouches for a human decision's actor; which human decision on a revision counts.

ALTER TABLE loanstream.outcomes_log ADD COLUMN IF NOT EXISTS asserted_by Nullable(String) AFTER reason;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW loanstream.outcomes AS
SELECT *
FROM loanstream.outcomes_log
ORDER BY tenant, application_id, revision, content_sha256, kafka_offset
LIMIT 1 BY tenant, application_id, revision, content_sha256;

-- The human decision on a revision is the first record of it in its partition, as the decision is. Times do not tell:
-- they are of the banks' clocks. The partition only makes the order total.
CREATE VIEW IF NOT EXISTS loanstream.human_decisions AS
SELECT
    tenant, application_id, revision, at, assumeNotNull(decision) AS decision, assumeNotNull(actor) AS actor,
    assumeNotNull(reason) AS reason, asserted_by, kafka_topic, kafka_partition, kafka_offset, kafka_timestamp
FROM loanstream.outcomes_log
WHERE kind = 'human_decision'
ORDER BY tenant, application_id, revision, kafka_offset, kafka_partition
LIMIT 1 BY tenant, application_id, revision;
