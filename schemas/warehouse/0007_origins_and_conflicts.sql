-- Verified applications and decisions name the application's record they were made from. NULL: older than this migration.
-- A conflict is more than one decision id for one revision, or one id under which not the same was decided: code of
-- another version may do so, at a bound.

ALTER TABLE loanstream.verifications_log ADD COLUMN IF NOT EXISTS origin_topic LowCardinality(Nullable(String)) AFTER event_encrypted;
ALTER TABLE loanstream.verifications_log ADD COLUMN IF NOT EXISTS origin_partition Nullable(UInt32) AFTER origin_topic;
ALTER TABLE loanstream.verifications_log ADD COLUMN IF NOT EXISTS origin_offset Nullable(UInt64) AFTER origin_partition;
ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS origin_topic LowCardinality(Nullable(String)) AFTER event;
ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS origin_partition Nullable(UInt32) AFTER origin_topic;
ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS origin_offset Nullable(UInt64) AFTER origin_partition;

-- The content without the code's version. The warehouse makes it, of rows that were there before, too.
ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS decided_sha256 FixedString(64) MATERIALIZED
    lower(hex(SHA256(toString(tuple(
        decision_id, outcome, p_model, p_calibrated, penalties, score_final, thresholds_approve, thresholds_decline,
        base_points, final_points, reasons, recourse_code, recourse_text, recourse_value, recourse_outcome,
        verification_result, basis, receipt_key_id, receipt_input_hmac, receipt_evidence_hmac, receipt_features_hmac,
        receipt_bundle_id, receipt_policy_id)))));
ALTER TABLE loanstream.decisions_log MATERIALIZE COLUMN decided_sha256;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW loanstream.verifications AS
SELECT * EXCEPT (event_encrypted)
FROM loanstream.verifications_log
ORDER BY tenant, application_id, revision, kafka_offset
LIMIT 1 BY tenant, application_id, revision;

-- differs: what the records of one revision do not have in common. content without decision_id: the same inputs and
-- artefacts under other code (code_versions). The inner query is narrow and follows the table's order, so that little
-- memory finds the few revisions that are worth the rest.
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
    FROM
    (
        SELECT
            tenant, application_id, revision,
            min(decided_sha256) OVER revisions AS least,
            max(decided_sha256) OVER revisions AS most
        FROM loanstream.decisions_log
        WINDOW revisions AS (PARTITION BY tenant, application_id, revision)
    )
    WHERE least != most
)
GROUP BY log.tenant, log.application_id, log.revision;

-- The decision is the first record of (tenant, application_id, revision) in its partition. conflict: another one says
-- something else. It costs nothing where it is not asked for.
CREATE OR REPLACE VIEW loanstream.decisions AS
SELECT
    * EXCEPT (event),
    decided_sha256,
    CAST((tenant, application_id, revision) IN (SELECT tenant, application_id, revision FROM loanstream.conflicts) AS Bool) AS conflict
FROM loanstream.decisions_log
ORDER BY tenant, application_id, revision, kafka_offset
LIMIT 1 BY tenant, application_id, revision;
