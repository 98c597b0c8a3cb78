"""Nothing that belongs to a person leaves the places that may hold it."""

import json
import time
import urllib.request

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

pytestmark = pytest.mark.stack

TENANT = "private"
CANARY = "CANARY5d1e"
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
    time.sleep(6)  # a worker publishes its metrics every five seconds
    assert found_in_topics(stack) == []
    assert found_in_warehouse(stack) == []
    assert found_in_logs(stack) == []
    assert found_in_metrics(stack) == []


def found_in_topics(stack):
    consumer = Consumer({**stack.admin_settings, "group.id": "privacy", "enable.auto.commit": False})
    found = []
    for name, topic in consumer.list_topics(timeout=15).topics.items():
        if name.startswith("__") or name.endswith(".dlq") or name.startswith(MAY_HOLD):
            continue
        consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in topic.partitions])
        while message := consumer.poll(0.5):
            if CANARY in repr((message.key(), message.value(), message.headers())):
                found.append((name, message.offset()))
    # What verify and score made of it may hold the name in its value, never in its headers.
    for stem in MAY_HOLD[1:]:
        name = f"{stem}.{TENANT}"
        consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in range(4)])
        while message := consumer.poll(0.5):
            if CANARY in repr(message.headers()) or '"monitoring"' in repr(message.value()):
                found.append((name, message.offset()))
    consumer.close()
    return found


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
        # The protected attributes' own table is where they may be.
        if name != "monitoring_log"
        and CANARY in client.raw_query(f"SELECT * FROM loanstream.{name}", fmt="JSON").decode()
    ]


def found_in_logs(stack):
    return [path.name for path in stack.layout.logs.iterdir() if CANARY in path.read_text(errors="replace")]


def found_in_metrics(stack):
    found = []
    for name, port in json.loads(stack.layout.ports.read_text()).items():
        if name == "warehouse":
            continue
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            if CANARY in answer.read().decode():
                found.append(name)
    return found
