"""The one embedded stack of a test run, its tenants made in one go at its start."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from loanstream.demo.run import stack as running_stack
from loanstream.installation import Installation
from schemas.topics import TOPICS

TENANTS = (
    "bank-a",
    "bank-b",
    "broken-in",
    "papers",
    "bombs",
    "beside",
    "faults",
    "mirror",
    "cli",
    "private",
    "single",
    "switched",
    "stranded",
    "restored",
    "twice",
)
DEAD_LETTERS = ("applications_dlq", "applications_slow_dlq", "verifications_dlq")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """`loanstream up` with every tenant the tests use."""
    state = tmp_path_factory.mktemp("stack") / "state"
    with running_stack(state, "--tenants", ",".join(TENANTS)) as (running, _):
        yield running


@pytest.fixture(scope="session")
def broker(stack: Installation) -> str:
    """The stack's broker: tests of the transport make topics of their own there."""
    return stack.bootstrap


@pytest.fixture
def bank(stack: Installation) -> "Banks":
    """Publishes applications and reads what becomes of them."""
    return Banks(stack)


class Banks:
    """A bank's systems on plain Kafka clients: no code of ours between the test and the wire."""

    def __init__(self, running: Installation) -> None:
        self.running = running
        self._producer = Producer(
            {
                **running.admin_settings,
                "enable.idempotence": True,  # or a restart of the broker makes it send a record twice
                "message.max.bytes": 4_000_000,
                "linger.ms": 5,
                "log_level": 2,
            }
        )

    def publish(self, tenant: str, key: str | bytes | None, value: bytes, **more) -> None:
        self._producer.produce(f"loan.applications.v1.{tenant}", key=key, value=value, **more)
        self._producer.poll(0)

    def flush(self) -> None:
        assert self._producer.flush(90) == 0

    def outcomes(self, tenant: str, expected: int, patience_s: float = 90) -> tuple[list[dict], list[dict]]:
        """Decisions and dead letters of a tenant, once there are `expected` together and a moment more has passed."""
        decisions: list[dict] = []
        letters: list[dict] = []
        consumer = self._from_the_start([TOPICS[key].name(tenant) for key in ("decisions", *DEAD_LETTERS)])
        until, quiet = time.monotonic() + patience_s, 1.0
        try:
            while time.monotonic() < until:
                messages = consumer.consume(500, 0.2)
                for message in messages:
                    assert message.error() is None, message.error()
                    into = letters if message.topic().endswith(".dlq") else decisions
                    into.append(json.loads(message.value()))
                if len(decisions) + len(letters) >= expected and not messages:
                    # Anything made twice would follow at once.
                    until, expected = min(until, time.monotonic() + quiet), 10**9
        finally:
            consumer.close()
        return decisions, letters

    def _from_the_start(self, names: list[str]) -> Consumer:
        consumer = Consumer(
            {
                **self.running.admin_settings,
                "group.id": "tests",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        found = consumer.list_topics(timeout=15).topics
        consumer.assign([TopicPartition(n, p, OFFSET_BEGINNING) for n in names for p in found[n].partitions])
        return consumer


@pytest.fixture
def shipped_example() -> dict:
    """The shipped example of an application without documents."""
    path = Path(__file__).resolve().parents[2] / "schemas" / "examples" / "loan.application.submitted.json"
    return json.loads(path.read_text())


@pytest.fixture(scope="session")
def loans_csv(tmp_path_factory: pytest.TempPathFactory, sample_csv) -> Path:
    """The public loan approval data, or seeded data of the same layout where it is absent."""
    found = Path(os.environ.get("LOANSTREAM_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    csv = found / "loan_approval_dataset.csv"
    if csv.is_file():
        return csv
    made = tmp_path_factory.mktemp("data") / csv.name
    made.write_bytes(sample_csv(500, seed=1))
    return made
