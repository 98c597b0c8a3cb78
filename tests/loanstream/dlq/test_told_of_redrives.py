"""What a bank hears when an operator handles letters about its records."""

import asyncio
import json

import pytest

from processors.deadletters import refused
from processors.identity import Worker
from processors.stages.verify.stage import VerifyStage
from processors.transport.batches import Batch
from schemas.decode import Undecodable
from schemas.headers import REJECTED, header
from schemas.rejections import RecordRejected, RejectionWithdrawn
from schemas.topics import TOPICS

BANK = "bank-a"
APPLICATIONS, OUTCOMES, REJECTIONS = (TOPICS[key].name(BANK) for key in ("applications", "outcomes", "rejections"))


def answered(flow, record, cause, stage="verify", *, exists=True):
    """A stage refuses a record: what it writes stands on the flow's topics."""
    worker = Worker(stage, f"{stage}-0", "1", lambda: 1_770_000_000_000)
    for made in refused(record, cause, [], worker, lambda _: exists):
        flow.put(made.topic, made.key, made.value, made.headers)


def told(flow):
    return [record for record in flow.topics.records.get((REJECTIONS, 0), []) if record.value()]


def verified(flow, record):
    """The verify stage takes a record up; what it writes stands on the flow's topics."""
    stage = VerifyStage("fast", None, Worker("verify", "verify-0", "1", lambda: 1_770_000_000_500))
    for made in asyncio.run(stage(Batch([record]))).outputs:
        flow.put(made.topic, made.key, made.value, made.headers)


def test_what_a_redrive_sends_back_is_withdrawn_once_verify_takes_it(flow):
    """Not before: until then nobody knows whether it will be."""
    value = flow.application(application_id="a-1")
    answered(flow, flow.put(APPLICATIONS, b"a-1", value), "unreadable_headers")
    assert flow.box().redrive(force=True).sent == 1
    (before,) = told(flow)
    again = flow.topics.records[APPLICATIONS, 0][-1]
    verified(flow, again)
    rejected = RecordRejected.model_validate_json(before.value())
    withdrawn = RejectionWithdrawn.model_validate_json(told(flow)[-1].value())
    assert (withdrawn.origin.topic, withdrawn.origin.offset) == (rejected.origin.topic, rejected.origin.offset)
    assert (again.offset(), rejected.origin.offset) == (1, 0)


def test_a_second_redrive_still_knows_what_the_bank_was_told_first(flow):
    """Refused, sent back, failed for our own fault, sent back, taken: one withdrawal, of the first place."""
    answered(flow, flow.put(APPLICATIONS, b"a-1", flow.application(application_id="a-1")), "unreadable_headers")
    flow.box().redrive(force=True)
    answered(flow, flow.topics.records[APPLICATIONS, 0][-1], "internal_error")
    flow.box().redrive(force=True)
    verified(flow, flow.topics.records[APPLICATIONS, 0][-1])
    assert [header(one.headers(), "ce_type").decode() for one in told(flow)] == [
        "loan.record.rejected",
        "loan.rejection.withdrawn",
    ]
    assert RejectionWithdrawn.model_validate_json(told(flow)[-1].value()).origin.offset == 0


@pytest.mark.parametrize(("cause", "exists"), [("internal_error", True), ("not_json", False)])
def test_nothing_is_withdrawn_of_which_the_bank_never_heard(flow, cause, exists):
    """A fault of ours, and a letter of before there was a topic: the record goes back without a word."""
    answered(flow, flow.put(APPLICATIONS, b"a-1", flow.application(application_id="a-1")), cause, exists=exists)
    flow.box().redrive(force=True)
    again = flow.topics.records[APPLICATIONS, 0][-1]
    assert header(again.headers(), REJECTED) is None
    verified(flow, again)
    assert told(flow) == []


TOLD_LATE = {
    "tenant": "bank-a",
    "application_id": "a-1",
    "at": "2026-01-31T10:00:00Z",
    "kind": "repayment",
    "repayment": "performing",
}
"""An outcome that the code of today takes."""
REFUSED = Undecodable("refused_by_warehouse")


def outcome(flow, *, topic=True, exists=True):
    """An outcome that record refused, of which the bank was told."""
    if topic:
        flow.put(REJECTIONS, b"x", b"")
    answered(flow, flow.put(OUTCOMES, b"a-1", json.dumps(TOLD_LATE).encode()), "invalid_event", "record", exists=exists)


def test_an_outcome_that_is_recorded_after_all_is_withdrawn_in_the_same_transaction(flow):
    """Record's letters are recorded again, not sent back: the note and the word to the bank go together."""
    outcome(flow)
    assert flow.box(lambda _: None).redrive().count("recorded") == 1
    withdrawal, note = flow.post.sent
    withdrawn = RejectionWithdrawn.model_validate_json(withdrawal.value)
    assert (withdrawal.topic, withdrawal.key, withdrawn.application_id) == (REJECTIONS, b"a-1", "a-1")
    assert (withdrawn.origin.topic, withdrawn.origin.offset) == (OUTCOMES, 0)
    assert header(withdrawal.headers, "ce_type") == b"loan.rejection.withdrawn"
    assert json.loads(note.value)["action"] == "recorded"


@pytest.mark.parametrize(
    ("records", "topic", "exists"), [(False, True, True), (True, False, False), (True, True, False)]
)
def test_no_word_goes_to_a_bank_that_was_not_told_or_whose_outcome_is_refused_still(flow, records, topic, exists):
    """Nothing was taken, or nothing was said."""
    outcome(flow, topic=topic, exists=exists)
    flow.box(lambda _: None if records else REFUSED).redrive()
    assert [record.topic for record in flow.post.sent if record.topic == REJECTIONS] == []


def test_a_discarded_letter_stays_rejected(flow):
    """The bank is to send another record."""
    outcome(flow)
    flow.box().discard(actor="j.doe", reason="sent again")
    assert [record.topic for record in flow.post.sent if record.topic == REJECTIONS] == []
