-- Every table ending in _log holds one row for every record of its topics: kafka_* says which. Nothing replaces rows;
-- the views let the first record win. Columns ending in _encrypted hold what belongs to a person (AES-256-GCM).

CREATE DATABASE IF NOT EXISTS loanstream;

CREATE TABLE IF NOT EXISTS loanstream.applications_log
(
    tenant LowCardinality(String),
    application_id String,
    revision UInt32,
    submitted_at DateTime64(3, 'UTC'),
    accepted_at DateTime64(3, 'UTC'),
    currency LowCardinality(String),
    applicant_dependents UInt8,
    applicant_education LowCardinality(String),
    applicant_self_employed Bool,
    loan_amount Decimal(18, 2),
    loan_term_years Decimal(9, 2),
    loan_product Nullable(String),
    loan_purpose Nullable(String),
    annual_income Decimal(18, 2),
    monthly_obligations Nullable(Decimal(18, 2)),
    cibil_score Nullable(UInt16),
    assets_residential Decimal(18, 2),
    assets_commercial Decimal(18, 2),
    assets_luxury Decimal(18, 2),
    assets_bank Decimal(18, 2),
    documents Array(Tuple(kind LowCardinality(String), sha256 String, media_type LowCardinality(String), size UInt32)),
    personal_encrypted String CODEC(ZSTD(1)),  -- name, employer, identifiers, extensions
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC'),
    CONSTRAINT names_its_application CHECK tenant != '' AND application_id != '' AND revision >= 1,
    CONSTRAINT positive_amounts CHECK loan_amount > 0 AND annual_income > 0
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(accepted_at)
ORDER BY (tenant, application_id, revision, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE VIEW IF NOT EXISTS loanstream.applications AS
SELECT * EXCEPT (personal_encrypted)
FROM loanstream.applications_log
ORDER BY tenant, application_id, revision, kafka_offset
LIMIT 1 BY tenant, application_id, revision;

-- Protected attributes, for fairness monitoring alone. Apart from everything else, and no view shows them.
CREATE TABLE IF NOT EXISTS loanstream.monitoring_log
(
    tenant LowCardinality(String),
    application_id String,
    revision UInt32,
    accepted_at DateTime64(3, 'UTC'),
    gender Nullable(String),
    ethnicity Nullable(String),
    marital_status Nullable(String),
    age_band Nullable(String),
    kafka_topic LowCardinality(String),
    kafka_partition UInt32,
    kafka_offset UInt64,
    kafka_timestamp DateTime64(3, 'UTC')
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(accepted_at)
ORDER BY (tenant, application_id, revision, kafka_offset)
SETTINGS non_replicated_deduplication_window = 1000;
