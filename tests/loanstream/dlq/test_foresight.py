"""What a stage would say today to a dead letter's record, before anything is sent."""

import json
from importlib import resources

import pytest

from loanstream.dlq import foresight
from loanstream.dlq.foresight import READERS, foreseen
from processors.deadletters import dead_letter
from processors.identity import Worker, code_version
from schemas.operations import DeadLetter
from schemas.records import MemoryMessage
from schemas.stages import STAGES
from schemas.topics import TOPICS

EVENTS = {
    "verify": "loan.application.submitted",
    "verify-slow": "loan.application.accepted",
    "score": "loan.application.verified",
    "record": "loan.decision.made",
}


def letter(stage, cause="not_json", change=lambda event: event, code="1"):
    """The letter that a stage made of its event's example, changed."""
    event = json.loads((resources.files("schemas") / "examples" / f"{EVENTS[stage]}.json").read_text("utf-8"))
    key = event.get("application", event)["application_id"].encode()
    read = "decisions" if stage == foresight.RECORD else STAGES[stage].reads[0]
    topic = TOPICS[read].name(event.get("application", event)["tenant"])
    record = MemoryMessage(topic, 0, 3, key, json.dumps(change(event)).encode(), None, (2, 1_770_715_800_120))
    made = dead_letter(record, cause, [], Worker(stage, f"{stage}-0", code, lambda: 1_770_715_800_130))
    return DeadLetter.model_validate_json(made.value)


def poorer(event):
    (event.get("application") or event)["annual_income"] = "-5"
    return event


@pytest.mark.parametrize("stage", EVENTS.keys() - {foresight.RECORD})
def test_every_stage_is_asked_by_its_own_function(stage):
    """What it would take goes, what it would refuse waits with today's cause and field."""
    assert foreseen(letter(stage)) is None
    refused = foreseen(letter(stage, change=poorer))
    assert refused.cause == "invalid_event"
    assert refused.errors[0].field.endswith("annual_income")
    assert str(refused).startswith(f"invalid_event {refused.errors[0].field}: above 0")


def test_no_stage_that_sends_letters_back_is_forgotten():
    """A stage without a reader here would multiply what it refuses, or hold the warehouse to blame for it."""
    assert set(READERS) == set(STAGES)


def test_of_a_record_that_makes_a_row_only_trying_can_tell():
    """Trying makes no letter; so it is done even where our own code failed before. What makes no row is told."""
    decision = letter("record", "internal_error", code=code_version())
    assert foreseen(decision) is None
    assert foreseen(letter("record", change=lambda event: event | {"outcome": "maybe"})).cause == "invalid_event"


@pytest.mark.parametrize("cause", ["internal_error", "crashes_worker"])
def test_the_same_code_would_fail_again(cause):
    """It is told as the cause it was; other code is given a try."""
    assert foreseen(letter("score", cause, code=code_version())).cause == cause
    assert foreseen(letter("score", cause, code="0.0.1")) is None
    assert foreseen(letter("score", "not_json", code=code_version())) is None


def test_a_stage_s_code_that_fails_on_a_record_stops_no_redrive(monkeypatch):
    """The letter waits; its neighbours have their turn. Nothing of the record is told."""

    def fail(_):
        raise ZeroDivisionError("4111 1111")

    monkeypatch.setitem(READERS, "score", fail)
    assert str(foreseen(letter("score"))) == "internal_error (record): code without this fault"
