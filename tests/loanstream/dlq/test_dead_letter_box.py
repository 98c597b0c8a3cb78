"""Dead letters on a broker in memory: which are sent back, and what is remembered of it."""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaException, TopicPartition

from loanstream.dlq import box as deadletters
from loanstream.dlq.box import DeadLetterBox, LetterId, LetterProblem
from loanstream.dlq.redrive_position import METADATA_MAX
from loanstream.problem import describe_problem
from schemas.records import MemoryMessage
from stores.topics import TopicsUnreadable

EXAMPLE = json.loads(
    (Path(__file__).parents[3] / "schemas" / "examples" / "loan.dead_letter.json").read_text(encoding="utf-8")
)
FIRST, SECOND = "loan.applications.slow.v1.bank-a.dlq", "loan.applications.v1.bank-a.dlq"


class Message(MemoryMessage):
    def error(self):
        return None


class End:
    def error(self):
        return SimpleNamespace(name=lambda: "_PARTITION_EOF")


class Broker:
    """Topics of one partition, a group's offsets, and transactions. What is sent back fails again: `again` says where."""

    def __init__(self) -> None:
        self.topics = {FIRST: [], SECOND: []}
        self.first = defaultdict(int)
        self.offsets = {}
        self.sent = []
        self.again = None
        self.refuses = self.silent = False
        self.open = None

    def put(self, topic, number, **changes) -> str:
        origin = EXAMPLE["origin"] | {"topic": topic.removesuffix(".dlq"), "offset": number}
        value = json.dumps(EXAMPLE | {"origin": origin, "stage": "verify"} | changes).encode()
        self.topics[topic].append(Message(topic, 0, len(self.topics[topic]), b"k", value, None, (2, 1)))
        return f"{topic}/0/{len(self.topics[topic]) - 1}"

    # The clients' side of it.
    def list_topics(self, timeout):
        return SimpleNamespace(topics=dict.fromkeys(self.topics, SimpleNamespace(partitions=[0])))

    def committed(self, places, timeout):
        return [TopicPartition(at.topic, at.partition, *self.offsets.get(at.topic, (-1001,))) for at in places]

    def get_watermark_offsets(self, place, timeout):
        return self.first[place.topic], len(self.topics[place.topic])

    def assign(self, places):
        self.topic, self.at = places[0].topic, places[0].offset

    def poll(self, timeout):
        if self.silent:
            return None
        if self.at == len(self.topics[self.topic]):
            return End()
        self.at += 1
        return self.topics[self.topic][self.at - 1]

    def consumer_group_metadata(self):
        return None

    def init_transactions(self, timeout):
        assert self.open is None

    def begin_transaction(self):
        self.open = ([], {})

    def produce(self, topic, key, value, headers):
        self.open[0].append((topic, value, headers))

    def send_offsets_to_transaction(self, positions, group, timeout):
        self.open[1].update({at.topic: (at.offset, at.metadata) for at in positions})

    def commit_transaction(self, timeout):
        if self.refuses:
            raise KafkaException("refused")
        sent, offsets = self.open
        self.sent += sent
        self.offsets |= offsets
        self.open = None
        if self.again:
            for number in range(len(sent)):
                self.put(self.again, 100 + number)

    def abort_transaction(self, timeout):
        self.open = None

    def close(self):
        pass


class Client:
    """A client of the broker: as consumer and producer it has a `poll` each."""

    def __init__(self, broker, **own):
        self.broker = broker
        self.__dict__ |= own

    def __getattr__(self, name):
        return getattr(self.broker, name)


@pytest.fixture
def broker(monkeypatch):
    made = Broker()
    monkeypatch.setattr(deadletters, "Consumer", lambda _: Client(made))
    monkeypatch.setattr(deadletters, "Producer", lambda _: Client(made, poll=lambda _: 0))
    return made


@pytest.fixture
def box(broker):
    return DeadLetterBox("127.0.0.1:1", {})


def redriven(box) -> dict[str, bool]:
    return {str(letter.id): letter.redriven for letter in box.letters()}


def test_letters_that_are_made_during_a_redrive_are_not_sent_again(broker, box):
    """Three letters are three records sent, though each comes back as a letter in a partition read later."""
    for number in range(3):
        broker.put(FIRST, number)
    broker.again = SECOND
    assert box.redrive().sent == 3
    assert list(redriven(box).values()) == [True] * 3 + [False] * 3


def test_a_letter_sent_by_itself_is_not_sent_by_the_next_redrive(broker, box):
    """The list says that it was redriven, its neighbours not, and the redrive sends those alone."""
    ids = [broker.put(SECOND, number) for number in range(4)]
    for wanted in (ids[2], ids[1]):
        assert box.redrive(only=LetterId.parse(wanted)).sent == 1
    assert redriven(box) == dict(zip(ids, (False, True, True, False), strict=True))
    assert box.letter(LetterId.parse(ids[2])).redriven
    assert box.redrive().sent == 2
    assert set(redriven(box).values()) == {True}
    assert broker.offsets == {SECOND: (4, "")}
    assert box.redrive().sent == 0


def test_a_letter_whose_headers_nobody_could_read_goes_back_without_them(broker, box):
    """With what it has: its value, and how often it was tried."""
    broker.put(SECOND, 0, cause="unreadable_headers", headers=None)
    assert box.redrive().sent == 1
    ((_, value, headers),) = broker.sent
    assert (value is not None, [name for name, _ in headers]) == (True, ["loanstream-attempts"])


def test_a_letter_that_knows_only_a_place_cannot_go_back(broker, box):
    """It is counted, and is not called redriven; the letters beside it go."""
    unknown = dict.fromkeys(("key_base64", "value_base64", "value_sha256", "value_size", "headers"))
    wanted = broker.put(SECOND, 0, cause="too_large", **unknown)
    broker.put(SECOND, 1)
    done = box.redrive()
    assert (done.sent, done.not_redrivable) == (1, 1)
    assert redriven(box)[wanted] is False


def test_a_letter_is_sent_by_itself_as_often_as_it_is_asked_for(broker, box):
    """Whether it went alone or with all others before."""
    wanted = LetterId.parse(broker.put(SECOND, 0))
    assert [box.redrive(only=wanted).sent for _ in range(2)] == [1, 1]
    box.redrive()
    assert box.redrive(only=wanted).sent == 1
    assert broker.offsets == {SECOND: (1, "")}


def test_single_letters_beyond_a_batch_are_still_remembered(broker, box, monkeypatch):
    """The redrive passes them in a later transaction; one that fails in between forgets nothing."""
    monkeypatch.setattr(deadletters, "LETTERS_AT_ONCE", 2)
    ids = [broker.put(SECOND, number) for number in range(4)]
    box.redrive(only=LetterId.parse(ids[3]))
    commit, left = broker.commit_transaction, iter((True, False))

    def commit_once(timeout):
        broker.refuses = not next(left)
        commit(timeout)

    broker.commit_transaction = commit_once
    with pytest.raises(KafkaException):
        box.redrive()
    assert broker.offsets == {SECOND: (2, "3")}
    assert broker.open is None
    assert redriven(box) == dict(zip(ids, (True, True, False, True), strict=True))


def test_what_could_not_be_sent_is_not_called_redriven(broker, box):
    """A letter without its original stays as it was; the record stage's waits for a warehouse that takes it."""
    ids = [broker.put(SECOND, 0, value_base64=None), broker.put(SECOND, 1, stage="record")]
    for wanted in ids:
        assert box.redrive(only=LetterId.parse(wanted)).not_redrivable == 1
    assert broker.offsets == {}
    taking = DeadLetterBox("127.0.0.1:1", {}, lambda _: True)
    assert taking.redrive(only=LetterId.parse(ids[1])).recorded == 1
    assert redriven(box) == {ids[0]: False, ids[1]: True}


def test_what_is_refused_again_waits_for_the_next_redrive(broker, monkeypatch):
    """The list goes on to say that it was not redriven; its neighbours went, and go no second time."""
    monkeypatch.setattr(deadletters, "LETTERS_AT_ONCE", 2)
    ids = [broker.put(SECOND, number, stage="record") for number in range(5)]
    ids.append(broker.put(SECOND, 5, value_base64=None))
    tried, refuses = [], {1, 4}

    def record_again(message):
        tried.append(message.offset())
        return message.offset() not in refuses

    box = DeadLetterBox("127.0.0.1:1", {}, record_again)
    done = box.redrive()
    assert (done.recorded, done.not_redrivable) == (3, 3)
    assert redriven(box) == dict(zip(ids, (True, False, True, True, False, False), strict=True))
    assert broker.offsets == {SECOND: (6, "!1,!4")}

    tried.clear()
    refuses.discard(4)
    done = box.redrive()
    assert tried == [1, 4]
    assert (done.recorded, done.not_redrivable) == (1, 1)
    assert broker.offsets == {SECOND: (6, "!1")}

    refuses.clear()
    assert box.redrive(only=LetterId.parse(ids[1])).recorded == 1
    assert broker.offsets == {SECOND: (6, "")}


def test_thousands_that_are_refused_in_a_row_all_wait(broker):
    """A warehouse that was mended too late refused them all once more: none is lost to sight."""
    ids = [broker.put(SECOND, number, stage="record") for number in range(1_500)]
    assert DeadLetterBox("127.0.0.1:1", {}, lambda _: False).redrive().not_redrivable == 1_500
    assert broker.offsets == {SECOND: (1_500, "!0-1499")}
    taking = DeadLetterBox("127.0.0.1:1", {}, lambda _: True)
    assert set(redriven(taking).values()) == {False}
    later = broker.put(SECOND, 1_500, stage="record")
    done = taking.redrive()
    assert (done.recorded, done.forgotten) == (1_501, 0)
    assert redriven(taking) == dict.fromkeys([*ids, later], True)


def test_of_more_than_can_be_remembered_the_newest_wait_and_the_others_are_counted(broker):
    """Every second one is refused, for two thousand: that many do not fit beside an offset, and the redrive says so."""
    for number in range(2_000):
        broker.put(SECOND, number, stage="record")
    refusing = DeadLetterBox("127.0.0.1:1", {}, lambda message: message.offset() % 2 == 0)
    done = refusing.redrive()
    assert (done.recorded, done.not_redrivable) == (1_000, 1_000)
    waiting = [offset for offset, sent in enumerate(redriven(refusing).values()) if not sent]
    assert done.forgotten == 1_000 - len(waiting) > 0
    assert waiting == list(range(1_998 - 2 * (len(waiting) - 1) + 1, 2_000, 2))


def test_single_letters_leave_no_room_for_refused_ones_and_the_redrive_goes_on(broker):
    """It advises itself where too many were sent singly, so it must not fail for the same reason."""
    for number in range(600):
        broker.put(SECOND, number, stage="record")
    singly = ",".join(str(10**7 + number) for number in range(455))
    assert len(singly) <= METADATA_MAX
    broker.offsets[SECOND] = (0, singly)
    done = DeadLetterBox("127.0.0.1:1", {}, lambda message: message.offset() % 2 == 0).redrive()
    assert (done.recorded, done.forgotten) == (300, 300)
    assert broker.offsets[SECOND] == (600, singly)


def test_more_single_letters_than_can_be_remembered_are_refused(broker, box):
    """One line says what to do, and nothing was sent: it would be sent again without a trace."""
    number = broker.put(SECOND, 0)
    broker.offsets[SECOND] = (0, ",".join(str(10**9 + offset) for offset in range(METADATA_MAX // 11)))
    broker.offsets[SECOND] = (0, broker.offsets[SECOND][1] + ",2000000000,2000000001,2000000002,2000000003")
    with pytest.raises(LetterProblem, match="send all that wait with: loanstream dlq redrive"):
        box.redrive(only=LetterId.parse(number))
    assert broker.sent == []
    assert broker.open is None


def test_what_retention_took_is_not_remembered(broker, box):
    """Single letters that are gone make room for others."""
    ids = [broker.put(SECOND, number) for number in range(3)]
    box.redrive(only=LetterId.parse(ids[0]))
    broker.first[SECOND] = 1
    box.redrive(only=LetterId.parse(ids[2]))
    assert broker.offsets == {SECOND: (1, "2")}


@pytest.mark.parametrize("trouble", ["silent", "a foreign note"])
def test_what_cannot_be_read_is_told_in_one_line(broker, box, trouble):
    """A broker that stops answering and a note that is not ours are no bugs of ours."""
    broker.put(SECOND, 0)
    broker.silent = trouble == "silent"
    broker.offsets = {} if broker.silent else {SECOND: (0, "other tool")}
    with pytest.raises(TopicsUnreadable) as caught:
        box.redrive()
    assert SECOND in (describe_problem(caught.value) or "")
