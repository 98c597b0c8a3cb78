"""What any client may put on the wire, against a real broker: nothing stops, and every offset ends somewhere."""

import base64
import json
import sys
import time
from contextlib import closing
from pathlib import Path

from confluent_kafka import Producer

from loanstream.ask.reconcile import reconcile
from schemas.records import Unreadable
from schemas.topics import TENANT_TOPICS, TOPICS
from stores.topics import KafkaTopics

sys.path.append(str(Path(__file__).parents[1]))  # test folders are no packages
import wire

BANK, BESIDE = "poisoned", "beside-poison"
TOPIC = f"loan.applications.v1.{BANK}"
BAD_NAME = [(b"x-\xff\xfe", b"v")]
FAR_MS, NEGATIVE_MS = 4_000_000_000_000_000, -5
PATIENCE_S = 60.0


def named(shipped_example, tenant, name, **changes):
    return json.dumps(shipped_example | {"tenant": tenant, "application_id": name} | changes).encode()


def good(shipped_example, name, delta=0, **more):
    return wire.record(delta, name.encode(), named(shipped_example, BANK, name), **more)


def batches(example):
    """What is sent to one partition after the other: each with what becomes of its records, by offset."""
    letter, decided = "letter", "decided"
    yield wire.bomb(1), [letter]
    yield wire.bomb(3, at=1), [letter] * 3
    yield wire.bomb(600, at=599), [letter] * 600
    for codec in (None, "gzip", "lz4", "zstd"):
        name = f"in-{codec}"
        yield wire.batch([good(example, name), wire.record(1, b"no", b"json")], codec), [decided, letter]
    for deltas in ((1_000_000,), (0, 1_000_000), (0, 1, 2_000_000)):  # offsets beyond the partition's end
        yield wire.batch([wire.record(delta, b"key", b"forged") for delta in deltas]), [letter] * len(deltas)
    yield wire.batch([good(example, "name", headers=BAD_NAME), good(example, "behind", 1)]), [letter, decided]
    yield wire.batch([good(example, "null", headers=[(b"n", None), (b"", b""), (b"v", b"\xff")])]), [decided]
    yield wire.batch([good(example, "many", headers=[(b"h", b"v")] * 5000)]), [decided]
    yield wire.batch([good(example, "huge", headers=[(b"h" * 70_000, b"v" * 70_000)])]), [decided]
    for key in (None, b"", b"\xff\xfe", b"k" * 1_000_000):
        yield wire.batch([wire.record(0, key, named(example, BANK, "key"))]), [letter]
    yield wire.batch([wire.record(0, b"tombstone", None), wire.record(1, b"empty", b"")]), [letter] * 2
    yield wire.batch([wire.record(0, b"large", b" " * 3_000_000)], "gzip"), [letter]
    for stamp in (NEGATIVE_MS, FAR_MS):
        yield wire.batch([good(example, f"at{stamp}")], timestamp=stamp), [decided]
    yield wire.batch([good(example, "last")]), [decided]
    yield wire.batch([good(example, "last-but-one")]), [decided]


def sent(stack, topic, data, partition=0):
    error, offset = wire.produce(stack.bootstrap, topic, partition, data, stack.security)
    assert error == 0, (topic, error)
    return offset


def ends(topics, bank=BANK):
    """Where the bank's applications ended: the places of letters, the ids of decisions."""
    letters, decisions = [], []
    for key in ("applications_dlq", "applications_slow_dlq", "verifications_dlq"):
        letters += [json.loads(value) for value in values(topics, TOPICS[key].name(bank))]
    decisions += [json.loads(value) for value in values(topics, TOPICS["decisions"].name(bank))]
    own = [letter for letter in letters if letter["stage"] in {"verify", "verify-slow", "score"}]
    return own, [decision["application_id"] for decision in decisions]


def values(topics, name):
    for place, bounds in topics.bounds([name]).items():
        yield from (record.value() for record in topics.read(place, bounds) if not isinstance(record, Unreadable))


def until(happened):
    end = time.monotonic() + PATIENCE_S
    while not (found := happened()) and time.monotonic() < end:
        time.sleep(0.5)
    return found


def test_whatever_is_on_the_wire_ends_as_a_decision_or_a_letter_and_stops_nobody(stack, bank, shipped_example):
    """Headers, keys, stamps, codecs and sizes that no bank should send, batches that nobody can unpack on every topic that
    a worker reads, and an aborted transaction: each offset has one end, the bank beside is decided, reconcile is clean.
    """
    expected = {}
    for number, (data, becomes) in enumerate(batches(shipped_example)):
        partition = number % 2
        first = sent(stack, TOPIC, data, partition)
        expected |= {(partition, first + delta): what for delta, what in enumerate(becomes)}
    aborted(stack, shipped_example)
    strangers = [topic for topic in TENANT_TOPICS if topic.key not in {"applications", "rejections"}] + [
        TOPICS["control"],
        TOPICS["metrics"],
    ]
    places = {}
    for topic in strangers:
        name = topic.name(BANK) if topic.per_tenant else topic.name()
        first = sent(stack, name, wire.bomb(2))
        unnamed = wire.batch([wire.record(delta, b"k", b"{}", BAD_NAME) for delta in range(2)])
        second = sent(stack, name, unnamed)  # a letter about another may lie between the two
        places[name] = [(0, begin + delta) for begin in (first, second) for delta in range(2)]
    for number in range(5):
        key = f"beside-{number}"
        bank.publish(BESIDE, key, named(shipped_example, BESIDE, key))
    bank.flush()
    letters_due = {place for place, what in expected.items() if what == "letter"}
    decided_due = list(expected.values()).count("decided")
    with closing(KafkaTopics(stack.bootstrap, stack.security)) as topics:
        until(lambda: len(ends(topics, BESIDE)[1]) == 5)
        assert sorted(ends(topics, BESIDE)[1]) == [f"beside-{number}" for number in range(5)]

        def answered():
            letters, decided = ends(topics)
            own = [letter for letter in letters if letter["origin"]["topic"] == TOPIC]
            return len(own) >= len(letters_due) and len(decided) >= decided_due

        until(answered)
        letters, decided = ends(topics)
        of_applications = [place_of(letter) for letter in letters if letter["origin"]["topic"] == TOPIC]
        assert sorted(of_applications) == sorted(letters_due)
        assert len(decided) == len(set(decided)) == decided_due
        bombs = [letter for letter in letters if letter["cause"] == "too_large" and letter["value_sha256"] is None]
        assert len([letter for letter in bombs if letter["origin"]["topic"] == TOPIC]) == 604
        (kept,) = [letter for letter in letters if letter["cause"] == "unreadable_headers" and letter["value_size"] > 9]
        assert base64.b64decode(kept["value_base64"]) == named(shipped_example, BANK, "name")
        assert kept["headers"] is None
        for name, due in places.items():
            topic = name if name.endswith(".dlq") else f"{name}.dlq"
            found = until(lambda topic=topic, name=name, due=due: due == letters_about(topics, topic, name) and due)
            assert found, (name, letters_about(topics, topic, name))
    assert reconcile(stack, [BANK, BESIDE]).differences == []


def letters_about(topics, letters, topic):
    """The places of `topic` that its letters are about, each once: score's and record's letters of one are two."""
    found = [json.loads(value) for value in values(topics, letters)]
    own = [letter for letter in found if letter and letter["origin"]["topic"] == topic]
    return sorted({place_of(letter) for letter in own if letter["cause"] in {"too_large", "unreadable_headers"}})


def place_of(letter):
    return letter["origin"]["partition"], letter["origin"]["offset"]


def aborted(stack, example):
    """An application in a transaction that its bank takes back: it never was."""
    producer = Producer({**stack.admin_settings, "transactional.id": "a-bank", "log_level": 2})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(TOPIC, named(example, BANK, "never"), "never", 2)
    producer.flush(30)
    producer.abort_transaction(30)
