"""What a bank hears of its records, on the running stack: exactly once, without a value, and when it is taken after all."""

import json
import sys
import time
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from loanstream.ask.reconcile import reconcile
from loanstream.install.topics import provision
from processors.topics_there import AGAIN_S
from schemas.topics import TOPICS
from tests.integration.conftest import told

sys.path.append(str(Path(__file__).parents[1]))  # test folders are no packages
import wire

TENANT = "rejected"
APPLICATIONS, OUTCOMES = (TOPICS[key].name(TENANT) for key in ("applications", "outcomes"))
CANARY = "zqjxkanarienvogel"


def test_a_bank_hears_of_each_bad_record_once_and_of_its_taking(stack, bank, cli, shipped_example):
    """A bad application: one rejection; a good one: none; one that is sent back and taken: the withdrawal, under the same
    place; one that is sent back and refused again: another rejection there. The books balance.
    """

    def application(name, **changes):
        return json.dumps(shipped_example | {"tenant": TENANT, "application_id": name} | changes).encode()

    bank.publish(TENANT, "good", application("good"))
    bank.publish(TENANT, "poor", application("poor", annual_income=CANARY))
    bank.publish(TENANT, f"{CANARY} of a person", b"{not json" + CANARY.encode())
    bank.flush()
    named = [(b"x-\xff\xfe", CANARY.encode())]
    data = wire.batch([wire.record(0, b"named", application("named"), named)])
    assert wire.produce(stack.bootstrap, APPLICATIONS, 3, data, stack.security)[0] == 0
    outcome = {"tenant": TENANT, "application_id": "good", "kind": "human_decision", "decision": CANARY}
    producer = Producer({**stack.admin_settings, "log_level": 2})
    producer.produce(OUTCOMES, json.dumps(outcome).encode(), "good")
    assert producer.flush(30) == 0
    bank.wait_for(TENANT, 4)

    rejected = told(stack, 4, TENANT)
    assert {kind for kind, _, _ in rejected} == {"loan.record.rejected"}
    of_cause = {event["cause"]: event for _, event, _ in rejected if event["origin"]["topic"] == APPLICATIONS}
    assert set(of_cause) == {"invalid_event", "not_json", "unreadable_headers"}
    assert (len(rejected), CANARY in json.dumps([event for _, event, _ in rejected])) == (4, False)
    assert of_cause["invalid_event"]["application_id"] == "poor"
    assert of_cause["invalid_event"]["errors"][0]["field"] == "annual_income"
    assert of_cause["not_json"]["application_id"] is None
    ((_, of_outcome, key),) = [one for one in rejected if one[1]["origin"]["topic"] == OUTCOMES]
    assert (of_outcome["application_id"], key) == ("good", b"good")
    assert {"revision", "decision"} & {error["field"] for error in of_outcome["errors"]}
    for _, event, key in rejected:
        origin = event["origin"]
        place = f"{origin['topic']}/{origin['partition']}/{origin['offset']}"
        assert key.decode() == (event["application_id"] or place)

    sent = json.loads(cli("dlq", "redrive", "--tenant", TENANT, "--cause", "unreadable_headers", "--json").stdout)
    assert sent["redriven"] == 1
    cli("dlq", "redrive", "--force", "--id", letter(cli, "poor"))
    bank.wait_for(TENANT, 6)
    after = told(stack, 6, TENANT)
    assert len(after) == 6
    withdrawn = [event for kind, event, _ in after if kind == "loan.rejection.withdrawn"]
    assert [event["application_id"] for event in withdrawn] == ["named"]
    assert place_of(withdrawn[0]) == place_of(of_cause["unreadable_headers"])
    poor = [event for _, event, _ in after if event["application_id"] == "poor"]
    assert [(place_of(event), event["attempts"]) for event in poor] == [
        (place_of(of_cause["invalid_event"]), 1),
        (place_of(of_cause["invalid_event"]), 2),
    ]
    decisions, _ = bank.outcomes(TENANT, 6)
    assert sorted(decision["application_id"] for decision in decisions) == ["good", "named"]
    result = reconcile(stack, [TENANT])
    assert result.differences == []


def letter(cli, application):
    """The id of the letter about an application's record."""
    listed = cli("dlq", "list", "--tenant", TENANT, "--application", application, "--json").stdout.splitlines()
    (found,) = [row for row in map(json.loads, listed) if row["origin"].startswith(APPLICATIONS)]
    return found["id"]


def place_of(event):
    return tuple(event["origin"][part] for part in ("topic", "partition", "offset"))


def test_a_bank_without_the_topic_is_held_up_by_nothing(stack, bank, shipped_example):
    """Between an upgrade of workers and `install`: bad records become letters, good ones are decided, and from the moment
    that the topic is there the bank is told. Neither verify nor record stops.
    """
    tenant, producer = "untold", Producer({**stack.admin_settings, "log_level": 2})
    name = TOPICS["rejections"].name(tenant)
    with AdminClient({**stack.admin_settings, "log_level": 2}) as admin:
        admin.delete_topics([name])[name].result(30)

    def send(key):
        bank.publish(tenant, f"bad-{key}", b"{not json")
        event = shipped_example | {"tenant": tenant, "application_id": f"good-{key}"}
        bank.publish(tenant, f"good-{key}", json.dumps(event).encode())
        producer.produce(TOPICS["outcomes"].name(tenant), b"{not json", f"bad-{key}")
        bank.flush()
        assert producer.flush(30) == 0

    send(1)
    decisions, letters = bank.outcomes(tenant, 2)
    assert [decision["application_id"] for decision in decisions] == ["good-1"]
    assert [letter["sender_told"] for letter in letters] == [False]
    assert reconcile(stack, [tenant]).rejections == {"not_told": 2}
    provision(stack.bootstrap, [tenant], stack.security)
    time.sleep(AGAIN_S)
    send(2)
    events = told(stack, 2, tenant)
    assert sorted(event["origin"]["topic"] for _, event, _ in events) == [
        TOPICS[key].name(tenant) for key in ("applications", "outcomes")
    ]
    assert {event["application_id"] for _, event, _ in events} == {"bad-2"}
    result = reconcile(stack, [tenant])
    assert (result.differences, result.rejections) == ([], {"rejected": 2, "not_told": 2})
