"""What was referred, decided by command and by HTTP on the running stack, and which of two decisions counts."""

import json
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

TENANT = "reviewed"
EXAMPLE = Path(__file__).resolve().parents[2] / "schemas" / "examples" / "loan.application.submitted.json"
IDS = ("by-command", "by-http", "by-two")

GOOD = {
    "annual_income": "7200000.00",
    "monthly_obligations": "20000.00",
    "cibil_score": 801,
    "loan": {"amount": "15000000.00", "term_years": 10},
    "assets": {"residential": "6100000.00", "commercial": "1200000.00", "luxury": "9800000.00", "bank": "4300000.00"},
}
"""Claims that would approve with documents; without any a person decides."""


def referred(name):
    """An application of this id that is referred."""
    event = json.loads(EXAMPLE.read_text()) | GOOD | {"tenant": TENANT, "application_id": name}
    return {field: value for field, value in event.items() if value is not None}


@pytest.fixture(scope="module")
def waiting(stack):
    """The reviews of three applications without documents, by application."""
    producer = Producer({**stack.producer_settings(TENANT), "log_level": 2})
    for name in IDS:
        producer.produce(f"loan.applications.v1.{TENANT}", key=name, value=json.dumps(referred(name)).encode())
    assert producer.flush(30) == 0
    return {}


def until(asked, what, patience_s=60):
    """The answer, once `what` holds for it."""
    end = time.monotonic() + patience_s
    while not what(found := asked()):
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return found


@pytest.fixture
def reviews(waiting, cli):
    """The ids of the reviews by application; they wait until somebody decides."""

    def listed():
        return json.loads(cli("review", "list", "--tenant", TENANT, "--json").stdout)["reviews"]

    if not waiting:
        found = until(listed, lambda rows: len(rows) == len(IDS))
        waiting |= {row["application_id"]: row["review_id"] for row in found}
    return waiting


@pytest.fixture
def shown(cli):
    """A review as `review show` has it."""
    return lambda review_id: json.loads(cli("review", "show", review_id, "--tenant", TENANT, "--json").stdout)


@pytest.fixture
def http(https):
    """Asks the stack's gateway for a bank's reviews, by the token of its desk."""

    def ask(method, path="", tenant=TENANT, **more):
        return https("gateway-reviewer", tenant).request(method, f"/v1/reviews{path}", **more)

    return ask


def test_a_review_is_decided_once_by_command(reviews, shown, cli):
    """It leaves the queue; a second decision names the first; story and list tell it beside the machine's."""
    review_id = reviews["by-command"]
    words = ("--tenant", TENANT, "--reason", "seen the accounts", "--actor", "asha", "--yes")
    cli("review", "decide", review_id, "approve", *words)
    found = until(lambda: shown(review_id), lambda review: review["state"] == "decided")
    assert found["human_decisions"][0]["counts"]
    assert "by asha: approve" in cli("review", "decide", review_id, "decline", *words, code=1).stderr
    said = cli("show", "by-command", "--tenant", TENANT).stdout
    assert "Decision: REFER" in said
    assert "A person decided: APPROVE   by asha" in said
    rows = {row["application_id"]: row for row in json.loads(cli("decisions", "--tenant", TENANT, "--json").stdout)}
    assert (rows["by-command"]["outcome"], rows["by-command"]["human_decision"]) == ("refer", "approve")
    assert rows["by-two"]["human_actor"] is None


def test_a_review_is_decided_once_by_http(reviews, shown, http):
    """The client that names the reviewer is recorded beside him; another bank sees nothing of it."""
    review_id = reviews["by-http"]
    body = {"decision": "decline", "reason": "the employer denies it", "actor": "priya"}
    assert http("GET", f"/{review_id}", "bank-a").status_code == 404
    assert http("POST", f"/{review_id}", "bank-a", json=body).status_code == 404
    done = http("POST", f"/{review_id}", json=body)
    assert done.status_code == 202, done.text
    (human,) = until(lambda: shown(review_id), lambda review: review["state"] == "decided")["human_decisions"]
    assert (human["actor"], human["asserted_by"], human["place"]) == (
        "priya",
        f"{TENANT}-gateway-reviewer",
        done.json()["place"],
    )
    assert http("GET", f"/{review_id}").json() == shown(review_id)
    again = http("POST", f"/{review_id}", json=body)
    assert again.status_code == 409
    assert "priya" in again.json()["detail"]


def test_of_two_who_decide_at_once_the_first_record_counts(reviews, shown, stack, cli):
    """Whatever their clocks say; both records stay, and reconcile finds nothing amiss."""
    producer = Producer({**stack.producer_settings(TENANT), "log_level": 2})
    for actor, verdict, at in (
        ("first", "decline", "2026-03-02T10:00:00.000Z"),
        ("second", "approve", "2026-03-01T10:00:00.000Z"),
    ):
        said = {"tenant": TENANT, "application_id": "by-two", "kind": "human_decision", "decision": verdict}
        said |= {"actor": actor, "reason": "looked at it", "at": at}
        producer.produce(f"loan.outcomes.v1.{TENANT}", key="by-two", value=json.dumps(said).encode())
    assert producer.flush(30) == 0
    found = until(lambda: shown(reviews["by-two"]), lambda review: len(review["human_decisions"]) == 2)
    assert [(one["actor"], one["counts"]) for one in found["human_decisions"]] == [("first", True), ("second", False)]
    (chapter,) = json.loads(cli("show", "by-two", "--tenant", TENANT, "--json").stdout)["revisions"]
    assert [one["actor"] for one in chapter["outcomes"] if one["counts"]] == ["first"]
    assert json.loads(cli("reconcile", "--tenant", TENANT, "--json").stdout)["differences"] == []
