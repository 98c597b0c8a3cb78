"""The transport on a real broker: each record is answered once, whatever happens to its worker."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from loanstream.stack import ports

PROGRAM = Path(__file__).with_name("transport_worker.py")
PARTITIONS = 2


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def len_of_first(times: list[list[int]]) -> int:
    """How many records a range had, the first time it was written."""
    return len(times[0])


class Worker:
    """One worker process, its log and its web endpoints."""

    def __init__(self, kind: str, bootstrap: str, prefix: str, slot: int, directory: Path) -> None:
        self.port = ports.keep_or_pick(directory / f"{slot}.json", ("web",))["web"]
        self.log = directory / f"{slot}.log"
        with self.log.open("ab") as log:
            command = [sys.executable, PROGRAM, kind, bootstrap, prefix, str(slot), str(directory), str(self.port)]
            self.process = subprocess.Popen(command, stderr=log)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self) -> "Worker":
        until(lambda: self.get("/readyz")[0] == 200)
        return self

    @property
    def partitions(self) -> int:
        """How many it has, as it says itself; none while it says nothing."""
        said = self.get("/readyz")[1]
        return json.loads(said)["partitions"] or 0 if said else 0

    def wait(self) -> int:
        return self.process.wait(60)


class Flow:
    """Topics of one test's own, and the workers it started."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        self.bootstrap, self.directory = bootstrap, directory
        self.prefix = f"t{uuid.uuid4().hex[:10]}"
        self.workers: list[Worker] = []
        self._producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
        self._sent: Counter[int] = Counter()
        self.create("in", "out", "in.dlq")

    def create(self, *names: str) -> None:
        wanted = [NewTopic(f"{self.prefix}.{name}", PARTITIONS, 1) for name in names]
        with AdminClient({"bootstrap.servers": self.bootstrap}) as admin:
            for done in admin.create_topics(wanted).values():
                done.result()

    def begin_at_zero(self) -> "Flow":
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.prefix})
        places = [TopicPartition(f"{self.prefix}.in", partition, 0) for partition in range(PARTITIONS)]
        consumer.commit(offsets=places, asynchronous=False)
        consumer.close()
        return self

    def start(self, kind: str = "stage", slot: int = 0) -> Worker:
        worker = Worker(kind, self.bootstrap, self.prefix, slot, self.directory)
        self.workers.append(worker)
        return worker

    def send(self, partition: int, *values: str) -> None:
        for value in values:
            self._producer.produce(f"{self.prefix}.in", value.encode(), b"key", partition)
            self._sent[partition] += 1
        self._producer.flush(30)

    def send_together(self, partition: int, *values: str) -> None:
        """In one transaction, whose marker takes an offset of its own."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": self.prefix})
        producer.init_transactions(30)
        producer.begin_transaction()
        for value in values:
            producer.produce(f"{self.prefix}.in", value.encode(), b"key", partition)
        producer.commit_transaction(30)

    def committed(self, partition: int) -> int:
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.prefix})
        (found,) = consumer.committed([TopicPartition(f"{self.prefix}.in", partition)], timeout=10)
        consumer.close()
        return found.offset

    def delete(self, partition: int, before: int) -> None:
        """As retention does."""
        with AdminClient({"bootstrap.servers": self.bootstrap}) as admin:
            for done in admin.delete_records([TopicPartition(f"{self.prefix}.in", partition, before)]).values():
                done.result()

    @property
    def sent(self) -> set[str]:
        return {f"{partition}/{offset}" for partition, count in self._sent.items() for offset in range(count)}

    def read(self, *names: str) -> list[str]:
        """The origin of every committed record of the topics, in order."""
        settings = {"bootstrap.servers": self.bootstrap, "group.id": "look", "enable.partition.eof": True}
        consumer = Consumer({**settings, "auto.offset.reset": "earliest"})
        places = [TopicPartition(f"{self.prefix}.{name}", p, 0) for name in names for p in range(PARTITIONS)]
        consumer.assign(places)
        found, ended = [], 0
        while ended < len(places):
            message = consumer.poll(10)
            assert message is not None, "a transaction is still open"
            if message.error():
                ended += 1
            else:
                found.append(dict(message.headers())["from"].decode())
        consumer.close()
        return found

    def answered(self, *, without: int = 0) -> Callable[[], bool]:
        return lambda: len(self.read("out", "in.dlq")) >= len(self.sent) - without

    def rows(self) -> dict[str, list[list[int]]]:
        rows: dict[str, list[list[int]]] = {}
        for line in (self.directory / "rows").read_text().splitlines():
            token, offsets = json.loads(line)
            rows.setdefault(token, []).append(offsets)
        return rows


@pytest.fixture(scope="session")
def bootstrap(request: pytest.FixtureRequest) -> str:
    given = os.environ.get("LOANSTREAM_TEST_BOOTSTRAP")
    return given or request.getfixturevalue("broker")


@pytest.fixture
def flow(bootstrap: str, tmp_path: Path) -> Iterator[Flow]:
    flow = Flow(bootstrap, tmp_path)
    yield flow
    for worker in flow.workers:
        worker.process.kill()
        worker.process.wait(10)


def test_every_record_is_answered_once_and_a_worker_leaves_in_order(flow: Flow) -> None:
    """Two partitions, a thousand records, one answer each in order; SIGTERM ends with 0; endpoints tell the story."""
    worker = flow.begin_at_zero().start().ready()
    assert json.loads(worker.get("/readyz")[1]) == {
        "ready": True,
        "why": None,
        "since": None,
        "stage": flow.prefix,
        "slot": 0,
        "partitions": PARTITIONS,
    }
    for partition in range(PARTITIONS):
        flow.send(partition, *["v"] * 500)
    until(flow.answered())
    found = flow.read("out")
    assert Counter(found) == Counter(flow.sent)
    for partition in range(PARTITIONS):
        offsets = [int(place.split("/")[1]) for place in found if place.startswith(f"{partition}/")]
        assert offsets == sorted(offsets)
    assert worker.get("/healthz")[0] == 200
    assert f'loanstream_records_in_total{{slot="0",stage="{flow.prefix}"}} 1000.0' in worker.get("/metrics")[1]
    assert worker.get("/table")[0] == worker.get("/")[0] == 404
    worker.process.terminate()
    assert worker.wait() == 0


def test_a_killed_worker_loses_and_repeats_nothing(flow: Flow) -> None:
    """kill -9 in the middle of the stream, three times: the next holder of the slot goes on where commits ended."""
    flow.begin_at_zero()
    for _ in range(3):
        worker = flow.start().ready()
        for partition in range(PARTITIONS):
            flow.send(partition, *["v"] * 700)
        worker.process.kill()
        worker.wait()
    flow.start().ready()
    until(flow.answered())
    assert Counter(flow.read("out", "in.dlq")) == Counter(flow.sent)


def test_a_bug_in_the_stage_stops_the_worker_and_the_next_one_decides(flow: Flow) -> None:
    """An exception inside the agent: exit 1, nothing of its batch committed, and not a word of its text in the log."""
    worker = flow.begin_at_zero().start().ready()
    flow.send(0, "a", "bug", "b")
    assert worker.wait() == 1
    log = worker.log.read_text()
    assert "ValueError at" in log
    assert "CANARY" not in log
    assert "0/1" not in flow.read("out", "in.dlq")
    (flow.directory / "fixed").touch()
    flow.start()
    until(flow.answered())
    assert Counter(flow.read("out")) == Counter(flow.sent)


def test_a_record_that_kills_its_worker_twice_while_alone_is_answered_without_it(flow: Flow) -> None:
    """The record is found among its neighbours, answered by `crashed`, and the neighbours are processed as ever."""
    flow.begin_at_zero()
    flow.send(0, "a", "die", "b")
    for _ in range(3):
        assert flow.start().wait() == 9
    flow.start()
    until(flow.answered())
    assert flow.read("in.dlq") == ["0/1"]
    assert flow.read("out") == ["0/0", "0/2"]


def test_a_deferred_partition_waits_and_holds_up_no_other(flow: Flow) -> None:
    """While what it needs is down its records wait, in order; when it is back they are answered once."""
    flow.begin_at_zero()
    flow.send(0, "hold", "a")
    flow.send(1, "b", "c")
    flow.start()
    until(flow.answered(without=2))
    time.sleep(1)
    assert flow.read("out") == ["1/0", "1/1"]
    (flow.directory / "open").touch()
    until(flow.answered())
    assert sorted(flow.read("out")) == ["0/0", "0/1", "1/0", "1/1"]


def test_a_missing_output_topic_holds_up_only_its_own_input(flow: Flow) -> None:
    """One tenant's topic is not there: its input waits, the others' goes on, and it heals when the topic comes."""
    worker = flow.begin_at_zero().start().ready()
    flow.send(0, "nowhere")
    flow.send(1, *["v"] * 20)
    until(lambda: len(flow.read("out")) == 20)
    assert "do not exist" in worker.log.read_text()
    flow.create("nowhere")
    until(lambda: flow.read("nowhere") == ["0/0"])


def test_a_partition_without_a_committed_offset_stops_the_worker(flow: Flow) -> None:
    """Nobody said where to begin: one line names topic, partition and group; nothing is skipped or repeated."""
    worker = flow.start()
    assert worker.wait() == 1
    last = json.loads(worker.log.read_text().splitlines()[-1])
    assert f"{flow.prefix}.in[0] has no committed offset for group {flow.prefix}" in last["message"]


def test_an_offset_that_is_no_longer_there_stops_the_worker(flow: Flow) -> None:
    """Records were deleted before they were read: one line names the gap."""
    flow.begin_at_zero().send(0, "a", "b", "c")
    flow.delete(0, 2)
    worker = flow.start()
    assert worker.wait() == 1
    last = json.loads(worker.log.read_text().splitlines()[-1])
    assert "offsets 0 to 1 are gone" in last["message"]


@pytest.mark.parametrize("kind", ["stage", "range"])
def test_a_bank_is_served_after_retention_took_all_it_had(flow: Flow, kind: str) -> None:
    """Its worker has committed past the last marker: it reads on, and so does the one that comes after it."""
    (flow.directory / "soon").touch()

    def answered() -> list[int]:
        if kind == "stage":
            return [int(origin.removeprefix("0/")) for origin in flow.read("out")]
        return [offset for times in flow.rows().values() for offset in times[0]]

    worker = flow.begin_at_zero().start(kind).ready()
    flow.send_together(0, "a", "b")
    until(lambda: flow.committed(0) == 3)
    flow.delete(0, 3)
    flow.send_together(0, "c")
    until(lambda: flow.committed(0) == 5)
    worker.process.terminate()
    assert worker.wait() == 0
    flow.delete(0, 5)
    flow.start(kind).ready()
    flow.send_together(0, "d")
    until(lambda: flow.committed(0) == 7)
    assert answered() == [0, 1, 3, 5]


def test_a_slot_in_use_is_refused(flow: Flow) -> None:
    """A second worker for the same slot on this machine ends with one line."""
    flow.begin_at_zero().start().ready()
    second = flow.start()
    assert second.wait() == 1
    assert "slot 0 of stage" in second.log.read_text()


@pytest.mark.parametrize("kind", ["stage", "range"])
def test_a_worker_whose_slot_is_taken_over_elsewhere_ends(flow: Flow, kind: str) -> None:
    """The broker fences a static member when another joins under its name: polling on, it would get nothing for ever."""
    worker = flow.begin_at_zero().start(kind).ready()
    group = flow.prefix
    other = Consumer({"bootstrap.servers": flow.bootstrap, "group.id": group, "group.instance.id": f"{group}-0"})
    other.subscribe([f"{flow.prefix}.in"])
    until(lambda: other.poll(0.1) is None and worker.process.poll() is not None)
    other.close()
    assert worker.process.returncode == 1
    assert "fenced" in worker.log.read_text().splitlines()[-1]


def test_two_workers_share_the_partitions(flow: Flow) -> None:
    """A worker that joins takes its share, and one that is killed gives it back; nothing is lost or repeated."""
    first = flow.begin_at_zero().start().ready()
    flow.send(0, *["v"] * 300)
    second = flow.start(slot=1).ready()
    until(lambda: first.partitions == 1)
    flow.send(1, *["v"] * 300)
    second.process.kill()
    flow.send(0, *["v"] * 300)
    until(flow.answered())
    assert Counter(flow.read("out", "in.dlq")) == Counter(flow.sent)


def test_ranges_are_written_once_under_their_token_whatever_dies(flow: Flow) -> None:
    """Down when planned, killed, then killed between write and commit: equal ranges come again under equal tokens."""
    flow.begin_at_zero().send(0, *["v"] * 50)
    (flow.directory / "down").touch()
    waiting = flow.start("range").ready()
    until(lambda: "waits: the warehouse is down" in waiting.log.read_text())
    planned = json.loads(waiting.log.read_text().splitlines()[-1])["message"].split()[0]
    assert waiting.get("/healthz")[0] == 200
    waiting.process.kill()
    waiting.wait()
    flow.send(0, *["v"] * 50)
    (flow.directory / "down").unlink()
    (flow.directory / "die-after-write").touch()
    assert flow.start("range").wait() == 9
    last = flow.start("range").ready()
    until(lambda: sum(len(times[0]) for times in flow.rows().values()) == 100)
    rows = flow.rows()
    assert len(rows[planned]) == 2
    assert all(offsets == times[0] for times in rows.values() for offsets in times)
    assert sorted(offset for times in rows.values() for offset in times[0]) == list(range(100))
    last.process.send_signal(signal.SIGTERM)
    assert last.wait() == 0


def test_a_range_worker_that_is_behind_sees_it_by_its_full_ranges(flow: Flow) -> None:
    """It rests unless a range is full: a client that fetched less than a range at a time would have it rest for ever.

    So it was for an hour of our history: 50,000 decisions were recorded after 59 s instead of 29.
    """
    flow.begin_at_zero().send(0, *["v" * 4_000] * 8_000)
    worker = flow.start("range")
    until(lambda: (flow.directory / "rows").exists() and sum(map(len_of_first, flow.rows().values())) == 8_000)
    sizes = [len_of_first(times) for times in flow.rows().values()]
    assert sizes.count(1_000) >= 6, sizes
    worker.process.send_signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_a_frozen_worker_that_wakes_after_it_was_replaced_repeats_nothing(flow: Flow) -> None:
    """A zombie: stopped longer than its session, its partitions are taken over; awake again, its commits are refused."""
    first = flow.begin_at_zero().start().ready()
    second = flow.start(slot=1).ready()
    until(lambda: first.partitions == second.partitions == 1)
    for _ in range(20):
        for partition in range(PARTITIONS):
            flow.send(partition, *["v"] * 50)
    first.process.send_signal(signal.SIGSTOP)
    for partition in range(PARTITIONS):
        flow.send(partition, *["v"] * 500)
    until(lambda: second.partitions == PARTITIONS)
    first.process.send_signal(signal.SIGCONT)
    until(flow.answered(), 90)
    assert Counter(flow.read("out", "in.dlq")) == Counter(flow.sent)
