"""Dead letters on the running stack, as an operator handles them; and the post behind it, on Kafka and in memory."""

import json
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from loanstream.dlq.post import GROUP, HANDLED, KafkaPost, MemoryPost, Record
from loanstream.install import topics as provisioning
from schemas.problem import Problem
from stores.topics import KafkaTopics, MemoryTopics

TENANT = "letters"
LETTERS = f"loan.applications.v1.{TENANT}.dlq"


@pytest.fixture
def dlq(cli):
    """A verb's answer as JSON, a value a line."""

    def ask(*arguments, code=0):
        return [json.loads(line) for line in cli("dlq", *arguments, "--json", code=code).stdout.splitlines()]

    return ask


def recorded(stack, where, count):
    """The rows of `dead_letters` once there are so many."""
    client, until = stack.warehouse(), time.monotonic() + 60
    try:
        while True:
            found = client.query(
                f"SELECT application_id, cause, action, action_by, action_reason FROM loanstream.dead_letters WHERE {where} ORDER BY at"
            ).result_rows
            if len(found) >= count:
                return found
            assert time.monotonic() < until, found
            time.sleep(0.1)
    finally:
        client.close()


def test_an_operator_looks_decides_sends_back_and_discards(cli, dlq, bank, stack, shipped_example):
    """Three causes: each waits until something is done with it, nothing is multiplied, and the books still balance."""

    def application(name, **changes):
        return json.dumps(shipped_example | {"tenant": TENANT, "application_id": name} | changes).encode()

    bank.publish(TENANT, "broken", b"{not json")
    bank.publish(TENANT, "poor", application("poor", annual_income="-5"))
    # Its key was wrong; the application itself is right, and its own key goes into the record that is sent again.
    bank.publish(TENANT, "another", application("stranger"))
    bank.publish(TENANT, "good", application("good"))
    bank.flush()
    bank.wait_for(TENANT, 4)
    listed = {letter["cause"]: letter for letter in dlq("list", "--tenant", TENANT, "--waiting")}
    assert set(listed) == {"not_json", "invalid_event", "key_mismatch"}
    assert listed["invalid_event"]["application_id"] == "poor"
    assert listed["invalid_event"]["errors"][0]["field"] == "annual_income"
    text = cli("dlq", "list", "--tenant", TENANT).stdout
    assert max(map(len, text.splitlines())) <= 100
    assert all(letter["id"] in text.splitlines() for letter in listed.values())

    (would,) = dlq("redrive", "--dry-run", "--tenant", TENANT, "--cause", "invalid_event", code=1)
    assert (would["redriven"], would["refused"], would["by"][0]["why"].split(":")[0]) == (
        0,
        1,
        "invalid_event annual_income",
    )
    (kept,) = dlq("redrive", "--tenant", TENANT, "--since", "1d", code=1)
    assert (kept["redriven"], kept["refused"]) == (0, 3)
    _, letters = bank.outcomes(TENANT, 4)
    assert len(letters) == 3

    (sent,) = dlq("redrive", "--tenant", TENANT, "--cause", "invalid_event", "--force", "--actor", "j.doe")
    assert sent["redriven"] == 1
    bank.wait_for(TENANT, 5)
    (came_back,) = dlq("list", "--tenant", TENANT, "--cause", "invalid_event")
    assert (came_back["attempts"], came_back["state"]) == (2, "waiting")
    assert came_back["first_origin"] == listed["invalid_event"]["origin"] != came_back["origin"]
    (shown,) = dlq("show", came_back["id"])
    assert [(event["action"], event["actor"]) for event in shown["history"]] == [
        ("refused", "verify"),
        ("redriven", "j.doe"),
        ("refused", "verify"),
    ]
    (twice,) = dlq("redrive", "--id", listed["invalid_event"]["id"])
    assert (twice["redriven"], twice["by"][0]["fate"]) == (0, "was_redriven")

    discard = ("discard", "--tenant", TENANT, "--cause", "not_json", "--reason", "a test file", "--actor", "j.doe")
    assert "nobody is there to say yes" in cli("dlq", *discard, code=1).stderr
    assert [dlq(*discard, "--yes")[0]["discarded"] for _ in range(2)] == [1, 0]
    (discarded,) = dlq("list", "--tenant", TENANT, "--cause", "not_json")
    assert (discarded["state"], discarded["last_action"]["reason"]) == ("discarded", "a test file")
    assert [letter["state"] for letter in dlq("list", "--tenant", TENANT, "--waiting")] == ["waiting", "waiting"]

    where = f"tenant = '{TENANT}' AND action = 'discarded'"
    assert recorded(stack, where, 1) == [("broken", "not_json", "discarded", "j.doe", "a test file")]
    assert len(recorded(stack, f"tenant = '{TENANT}'", 4)) == 4
    assert json.loads(cli("reconcile", "--tenant", TENANT, "--json").stdout)["differences"] == []


def test_an_id_at_which_no_letter_lies_sends_nothing(cli, bank):
    """Past the end, another tenant's, a transaction's marker: one line, exit 1."""
    bank.publish("mirror", "bad", b"{not json")
    bank.flush()
    _, before = bank.outcomes("mirror", 1)
    letter = json.loads(cli("dlq", "list", "--tenant", "mirror", "--json").stdout.splitlines()[-1])
    topic, partition, offset = letter["id"].split("/")
    marker = f"{topic}/{partition}/{int(offset) + 1}"
    for wanted in (marker, f"{topic}/{partition}/1000", f"{topic}/99/0", "no.such.topic/0/0"):
        for verb in (("show", wanted), ("redrive", "--id", wanted)):
            refused = cli("dlq", *verb, code=1)
            assert refused.stderr == f"loanstream: no dead letter {wanted}; see dlq list\n"
    assert "of bank-b" in cli("dlq", "redrive", "--tenant", "bank-b", "--id", letter["id"], code=1).stderr
    assert "expected topic/partition/offset" in cli("dlq", "redrive", "--id", "17", code=2).stderr
    _, after = bank.outcomes("mirror", len(before))
    assert len(after) == len(before)


@pytest.fixture(params=["memory", "kafka"])
def post(request):
    """A post, and a reader of its topics."""
    if request.param == "memory":
        topics = MemoryTopics({})
        yield MemoryPost(topics), topics
        return
    bootstrap = request.getfixturevalue("bare_broker").bootstrap
    provisioning.provision(bootstrap, ["post"])
    opened, topics = KafkaPost(bootstrap, {}), KafkaTopics(bootstrap, {})
    yield opened, topics
    opened.close()
    topics.close()


def test_what_is_sent_is_there_and_read_again(post):
    """The records with their headers, in their topics; nothing is noted of letters that nobody handled."""
    opened, topics = post
    assert HANDLED in opened.topics()
    opened.open()
    opened.send(
        [
            Record("loan.applications.v1.post", b"k", b"v", [("a", b"1"), ("b", None)]),
            Record(HANDLED, b"k", b"note", []),
        ]
    )
    found = {
        message.topic(): message
        for place, within in topics.bounds(["loan.applications.v1.post", HANDLED]).items()
        for message in topics.read(place, within)
    }
    assert {topic: one.value() for topic, one in found.items()} == {"loan.applications.v1.post": b"v", HANDLED: b"note"}
    assert dict(found["loan.applications.v1.post"].headers())["a"] == b"1"
    noted = opened.noted([(LETTERS, 0)])
    assert not any(one.holds(0) for one in noted.values())


def test_whoever_handles_letters_later_ends_the_earlier(bare_broker):
    """His transaction fails whole: no record of his is sent a second time."""
    provisioning.provision(bare_broker.bootstrap, ["fenced"])
    topic = "loan.applications.v1.fenced"
    first, second = KafkaPost(bare_broker.bootstrap, {}), KafkaPost(bare_broker.bootstrap, {})
    reader = KafkaTopics(bare_broker.bootstrap, {})
    try:
        first.open()
        second.open()
        with pytest.raises(KafkaException):
            first.send([Record(topic, b"k", b"first", [])])
        second.send([Record(topic, b"k", b"second", [])])
        found = [one.value() for place, within in reader.bounds([topic]).items() for one in reader.read(place, within)]
        assert found == [b"second"]
    finally:
        for opened in (first, second, reader):
            opened.close()


def test_a_broker_of_a_version_before_is_named_and_its_notes_are_read(bare_broker):
    """Without the topic of what was done nothing can be noted, so nothing is sent; what was sent back before stays so."""
    provisioning.provision(bare_broker.bootstrap, ["older"])
    letters = "loan.applications.v1.older.dlq"
    producer = Producer({"bootstrap.servers": bare_broker.bootstrap, "transactional.id": "older", "log_level": 2})
    producer.init_transactions(30)
    group = Consumer({"bootstrap.servers": bare_broker.bootstrap, "group.id": GROUP})
    producer.begin_transaction()
    note = TopicPartition(letters, 1, 2, "7,!1")
    producer.send_offsets_to_transaction([note], group.consumer_group_metadata(), 30)
    producer.commit_transaction(30)
    group.close()
    opened = KafkaPost(bare_broker.bootstrap, {})
    try:
        noted = opened.noted([(letters, number) for number in range(4)])
        assert [offset for offset in range(9) if noted[letters, 1].holds(offset)] == [0, 7]
        assert not noted[letters, 0].holds(0)
        opened.topics = lambda: [letters]
        with pytest.raises(Problem, match=r"topic loan\.letters\.handled\.v1 is absent"):
            opened.open()
    finally:
        opened.close()
