"""Nothing that belongs to a person leaves the places that may hold it."""

import json
import time
import urllib.request

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from loanstream.stack.table import worker_names
from schemas.topics import TOPICS
from stores.topics import TO_THE_END

TENANT = "private"
CANARY = "CANARY5d1e"
WORKERS = set(worker_names(1))
MAY_HOLD = ("loan.applications.v1", "loan.applications.slow.v1", "loan.verifications.v1")


def planted(example):
    """Applications with a canary wherever a bank may put text about a person, good ones and bad ones."""
    person = example["applicant"] | {
        "name": f"{CANARY} name",
        "employer": f"{CANARY} employer",
        "identifiers": [{"kind": "pan", "value": f"{CANARY}-id"}],
    }
    good = example | {"tenant": TENANT, "applicant": person, "extensions": {"note": CANARY}}
    good |= {"monitoring": {"gender": CANARY}}
    yield "good", good
    yield "bad-value", good | {"application_id": "bad-value", "annual_income": CANARY}
    yield "bad-field", good | {"application_id": "bad-field", CANARY: 1}
    yield "bad-key", good | {"application_id": "another"}


def test_canaries_are_found_nowhere_but_where_they_may_be(stack, bank, shipped_example):
    """Logs, metrics, decisions, headers, and the warehouse's plain columns are searched for what was planted."""
    events = list(planted(shipped_example))
    for key, event in events:
        name = event["application_id"] if key == "good" else key
        bank.publish(TENANT, name, json.dumps(event).encode())
    bank.publish(TENANT, "bad-json", f'{{"name": "{CANARY}"'.encode())
    bank.flush()
    decisions, letters = bank.outcomes(TENANT, len(events) + 1)
    assert (len(decisions), len(letters)) == (1, len(events))
    assert CANARY not in json.dumps(decisions)
    answered_ms, until = time.time() * 1000, time.monotonic() + 15
    while not figures_since(stack, answered_ms) >= WORKERS and time.monotonic() < until:
        time.sleep(0.5)
    assert figures_since(stack, answered_ms) >= WORKERS
    assert found_in_topics(stack) == []
    assert found_in_warehouse(stack) == []
    assert found_in_logs(stack) == []
    assert found_in_metrics(stack) == []


def records(consumer, name):
    """Everything on a topic up to its end."""
    places = [
        TopicPartition(name, number, OFFSET_BEGINNING) for number in consumer.list_topics(name).topics[name].partitions
    ]
    consumer.assign(places)
    ended = 0
    while ended < len(places):
        message = consumer.poll(10)
        assert message is not None, name
        if message.error() is None:
            yield message
        else:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended += 1


def found_in_topics(stack):
    consumer = Consumer({**stack.admin_settings, "group.id": "privacy", **TO_THE_END})
    found = []
    for name in consumer.list_topics(timeout=15).topics:
        if name.startswith("__") or name.endswith(".dlq") or name.startswith(MAY_HOLD):
            continue
        found += [
            (name, message.offset())
            for message in records(consumer, name)
            if CANARY in repr((message.key(), message.value(), message.headers()))
        ]
    # What verify and score made of it may hold the name in its value, never in its headers.
    for stem in MAY_HOLD[1:]:
        name = f"{stem}.{TENANT}"
        found += [
            (name, message.offset())
            for message in records(consumer, name)
            if CANARY in repr(message.headers()) or '"monitoring"' in repr(message.value())
        ]
    consumer.close()
    return found


def figures_since(stack, moment_ms):
    """The workers whose figures the metrics topic got since."""
    consumer = Consumer({**stack.admin_settings, "group.id": "privacy", **TO_THE_END})
    told = {m.key().decode() for m in records(consumer, TOPICS["metrics"].name()) if m.timestamp()[1] > moment_ms}
    consumer.close()
    return told


PROTECTED = {
    *("monitoring_log", "watched_now", "decisions_by_group_now", "decisions_by_group"),
    *("decisions_by_now", "decisions_by_log"),
}
"""Where protected attributes may be: their own table, and the counts by group that are made of it."""


def found_in_warehouse(stack):
    client = stack.warehouse()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        known = client.query(f"SELECT count() FROM dead_letters WHERE tenant = '{TENANT}'").first_row[0]
        if known >= 4:
            break
        time.sleep(0.2)
    names = [row[0] for row in client.query("SELECT name FROM system.tables WHERE database = 'loanstream'").result_rows]
    assert "monitoring_log" in names
    return [
        name
        for name in names
        if name not in PROTECTED and CANARY in client.raw_query(f"SELECT * FROM loanstream.{name}", fmt="JSON").decode()
    ]


def found_in_logs(stack):
    return [path.name for path in stack.layout.logs.iterdir() if CANARY in path.read_text(errors="replace")]


def found_in_metrics(stack):
    found = []
    for name, port in json.loads(stack.layout.ports.read_text()).items():
        if name not in worker_names(1):
            continue
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            if CANARY in answer.read().decode():
                found.append(name)
    return found
