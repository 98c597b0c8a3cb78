"""The engine inside this process, with views of the shape that alarms ask."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loanstream.stack.clickhouse.link import Link

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

SHAPES = (
    """CREATE TABLE loanstream.decision_facts (
        tenant LowCardinality(String), application_id String, revision UInt32,
        accepted_at DateTime64(3, 'UTC'), decided_at DateTime64(3, 'UTC'), outcome LowCardinality(String),
        p_calibrated Nullable(Float64), score_final Nullable(Float64),
        lane LowCardinality(String), verification_result LowCardinality(String),
        gender LowCardinality(Nullable(String)), ethnicity LowCardinality(Nullable(String)),
        age_band LowCardinality(Nullable(String)), marital_status LowCardinality(Nullable(String)),
        latency_ms Float64) ENGINE = MergeTree ORDER BY (tenant, decided_at)""",
    """CREATE TABLE loanstream.activations (
        tenant LowCardinality(Nullable(String)), lead_ms UInt32, kafka_timestamp DateTime64(3, 'UTC'))
        ENGINE = MergeTree ORDER BY kafka_timestamp""",
    """CREATE TABLE loanstream.dead_letters (
        tenant LowCardinality(String), application_id String, stage LowCardinality(String),
        cause LowCardinality(String), at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY (tenant, at)""",
    """CREATE TABLE loanstream.human_decisions (
        tenant LowCardinality(String), application_id String, revision UInt32, decision LowCardinality(String),
        kafka_timestamp DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY (tenant, application_id)""",
    """CREATE TABLE loanstream.service_metrics (
        at DateTime64(3, 'UTC'), stage LowCardinality(String), worker LowCardinality(String),
        name LowCardinality(String), value Float64, labels Map(LowCardinality(String), String))
        ENGINE = MergeTree ORDER BY (stage, name, at)""",
)


@pytest.fixture(scope="session")
def engine() -> Iterator[Link]:
    """The engine, with empty tables."""
    link = Link(":memory:")
    link.run("CREATE DATABASE IF NOT EXISTS loanstream")
    for shape in SHAPES:
        link.run(shape)
    yield link
    link.close()


@pytest.fixture
def warehouse(engine: Link) -> Iterator[Link]:
    """The engine; what a test writes is gone after it."""
    yield engine
    for shape in SHAPES:
        engine.run(f"TRUNCATE TABLE {shape.split()[2]}")
