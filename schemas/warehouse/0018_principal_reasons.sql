-- Why an application was not approved, for the applicant: at most four factors. An approval has none, and no decision of
-- a version that did not tell them: the array is empty, which is this column's null. event says which.

ALTER TABLE loanstream.decisions_log ADD COLUMN IF NOT EXISTS principal_reasons Array(Tuple(
    factor LowCardinality(String), text String, points Nullable(Float64), value Nullable(String), bound Nullable(String)))
    AFTER final_points;

-- A view keeps the columns that its table had when it was made.
CREATE OR REPLACE VIEW loanstream.decisions AS
SELECT
    * EXCEPT (event),
    decided_sha256,
    CAST((tenant, application_id, revision) IN (SELECT tenant, application_id, revision FROM loanstream.conflicts) AS Bool) AS conflict
FROM loanstream.decisions_log
ORDER BY tenant, application_id, revision, kafka_offset
LIMIT 1 BY tenant, application_id, revision;
