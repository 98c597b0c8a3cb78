"""The one embedded stack of a test run, its tenants made in one go at its start."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

from loanstream.demo.run import stack as running_stack
from loanstream.install import topics
from loanstream.stack.kafka.broker import EmbeddedKafka
from loanstream.stack.running import RunningStack
from schemas.headers import header
from schemas.topics import PARTITIONS, TOPICS
from stores.topics import TO_THE_END

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

from gateway_clients import HttpsClients

TENANTS = (
    "bank-a",
    "bank-b",
    "broken-in",
    "papers",
    "bombs",
    "beside",
    "faults",
    "letters",
    "mirror",
    "cli",
    "private",
    "switched",
    "stranded",
    "restored",
    "twice",
    "governed",
    "repeats",
    "poisoned",
    "beside-poison",
    "told",
    "retained",
    "rejected",
    "decided",
    "untold",
    "gateway",
    "reviewed",
    "repaid",
    "watched",
    "attacked",
    "attacker",
    "figures",
)
SECURITY = os.environ.get("LOANSTREAM_TESTS_UP", "--secure")
"""Every test passes on an insecure stack, too."""
Outcomes = tuple[list[dict], list[dict]]
"""Decisions and dead letters."""

DEAD_LETTERS = ("applications_dlq", "applications_slow_dlq", "verifications_dlq")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """`loanstream up` with every tenant the tests use."""
    state = tmp_path_factory.mktemp("stack") / "state"
    with running_stack(state, SECURITY, "--tenants", ",".join(TENANTS)) as (running, _):
        yield running


@pytest.fixture
def https(stack: RunningStack) -> Iterator[HttpsClients]:
    """Clients of the stack's gateway: `https("producer", "bank-a")`."""
    clients = HttpsClients(stack)
    yield clients
    clients.close()


@pytest.fixture(scope="session")
def broker(bare_broker: EmbeddedKafka) -> str:
    """Where tests of the transport make topics of their own."""
    topics.provision(bare_broker.bootstrap, [])
    return bare_broker.bootstrap


@pytest.fixture(scope="session")
def bare_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker beside the stack's, with no topic but those that tests make: each module has tenants of its own there."""
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def cli(stack: RunningStack, loanstream) -> Callable[..., SimpleNamespace]:
    """The command line on the running stack, in this process."""
    return lambda *arguments, code=0: loanstream(*arguments, "--state", stack.layout.state, code=code)


@pytest.fixture
def bank(stack: RunningStack) -> "Banks":
    """Publishes applications and reads what becomes of them."""
    return Banks(stack)


class Banks:
    """A bank's systems on plain Kafka clients: no code of ours between the test and the wire."""

    def __init__(self, running: RunningStack) -> None:
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

    def outcomes(self, tenant: str, expected: int, patience_s: float = 90) -> Outcomes:
        """Decisions and dead letters of a tenant, once there are `expected` together and a moment more has passed."""
        # Anything made twice would follow at once.
        return self._read(tenant, expected, patience_s, quiet_s=1.0)

    def wait_for(self, tenant: str, expected: int) -> None:
        """Return once the tenant has so many outcomes; whether they stay that many is another test's question."""
        self._read(tenant, expected, patience_s=90, quiet_s=0.0)

    def so_far(self, tenant: str) -> Outcomes:
        """The tenant's outcomes that are there now."""
        return self._read(tenant, 0, patience_s=10, quiet_s=0.0)

    def _read(self, tenant: str, expected: int, patience_s: float, quiet_s: float) -> Outcomes:
        decisions: list[dict] = []
        letters: list[dict] = []
        names = [TOPICS[key].name(tenant) for key in ("decisions", *DEAD_LETTERS)]
        consumer, places = self._from_the_start(names)
        ended: set[tuple[str, int]] = set()
        until = time.monotonic() + patience_s
        enough_since: float | None = None
        try:
            while (now := time.monotonic()) < until:
                for message in consumer.consume(500, 0.1):
                    place, error = (message.topic(), message.partition()), message.error()
                    if error is not None:
                        assert error.code() == KafkaError._PARTITION_EOF, error
                        ended.add(place)
                        continue
                    (letters if message.topic().endswith(".dlq") else decisions).append(json.loads(message.value()))
                    enough_since = None
                if len(decisions) + len(letters) >= expected and len(ended) == places:
                    enough_since = enough_since or now
                    if now - enough_since >= quiet_s:
                        break
        finally:
            consumer.close()
        return decisions, letters

    def _from_the_start(self, names: list[str]) -> tuple[Consumer, int]:
        """A consumer at the beginning of the topics, and how many partitions those have."""
        consumer = Consumer(
            {**self.running.admin_settings, "group.id": "tests", **TO_THE_END, "fetch.wait.max.ms": 100}
        )
        found = consumer.list_topics(timeout=15).topics
        places = [TopicPartition(name, number, OFFSET_BEGINNING) for name in names for number in found[name].partitions]
        consumer.assign(places)
        return consumer, len(places)


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


def told(stack: RunningStack, count: int, tenant: str, quiet_s: float = 1.0) -> list[tuple[str, dict, bytes]]:
    """Everything on a bank's topic of rejections, as a read_committed consumer sees it, once there are `count` records and a moment
    more has passed: (ce_type, value, key).
    """
    settings = {**stack.admin_settings, "group.id": f"{tenant}.look", "isolation.level": "read_committed"}
    with closing(Consumer(settings)) as consumer:
        name = TOPICS["rejections"].name(tenant)
        consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in range(PARTITIONS)])
        found, until, enough = [], time.monotonic() + 60, None
        while time.monotonic() < until and (enough is None or time.monotonic() - enough < quiet_s):
            message = consumer.poll(0.1)
            if message is not None:
                assert message.error() is None
                found.append(
                    (header(message.headers(), "ce_type").decode(), json.loads(message.value()), message.key())
                )
            if len(found) >= count:
                enough = enough or time.monotonic()
    return found
