"""The stages as functions: records in, records out, without a broker."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest

from processors.deadletters import ORIGINAL_MAX_BYTES, dead_letter, ends_here
from processors.identity import Worker
from processors.stages.envelope import BrokerMisconfigured, accept
from processors.stages.guard import ErrorBudget, Guard
from processors.stages.score import ScoreStage
from processors.stages.verify.lanes import STORE_AWAY, Sorted, StoreUnavailable
from processors.stages.verify.stage import VerifyStage
from processors.transport.batches import Batch
from registry.history import ActivationHistory, InForce
from registry.port import MemoryActivations
from registry.scorers import POLICY_FILE, Scorers
from schemas.application import ApplicationAccepted
from schemas.decision import LoanDecision
from schemas.decode import decode
from schemas.headers import ORIGIN, header
from schemas.operations import Activation, DeadLetter
from schemas.problem import Problem
from schemas.records import MemoryMessage, Unreadable
from schemas.topics import APPLICATION_MAX_BYTES
from schemas.verification import ApplicationVerified, ExtractedField, Extraction
from scoring.bundle import load_bundle
from scoring.policy_document import parse_policy
from scoring.receipt import ReceiptKey
from scoring.shipped import shipped_bundle_files, shipped_policy_text
from stores.artefacts import ArtefactMissing, ArtefactStore

ACCEPTED_MS = 1_780_000_000_123
SHA = "a" * 64
APPLICATION = {
    "tenant": "bank-a",
    "application_id": "a-1",
    "submitted_at": "2026-01-01T00:00:00Z",
    "currency": "INR",
    "applicant": {"dependents": 2, "education": "graduate", "self_employed": False, "name": "Asha Rao"},
    "loan": {"amount": 2_900_000, "term_years": 12},
    "annual_income": "1200000",
    "cibil_score": 778,
    "assets": {"residential": 2_400_000, "commercial": 0, "luxury": 700_000, "bank": 800_000},
}
DOCUMENT = {"kind": "payslip", "sha256": SHA, "media_type": "application/pdf", "size": 10}


def worker(stage="verify"):
    return Worker(stage, f"{stage}-0", "test", lambda: ACCEPTED_MS + 5)


def record(fields=None, *, offset=0, partition=0, key=b"a-1", topic="loan.applications.v1.bank-a", value=None, stamp=2):
    data = json.dumps(APPLICATION | (fields or {})).encode() if value is None else value
    return MemoryMessage(topic, partition, offset, key, data, None, (stamp, ACCEPTED_MS))


def extraction(**fields):
    base = {"sha256": SHA, "kind": "payslip", "status": "read", "reader": "test", "lane": "fast", "pages": 1}
    found = (ExtractedField(name="gross_monthly", value="100000.00", confidence=1.0, page=1),)
    return Extraction(**(base | {"fields": found} | fields))


class Desk:
    """Answers every document alike: an extraction, None (too late), or an exception."""

    parallel = 2

    def __init__(self, answer):
        self.answer = answer

    async def extraction(self, tenant, ref, lane, deadline):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def verify(*records, answer=None, lane="fast"):
    return asyncio.run(VerifyStage(lane, Desk(answer), worker())(Batch(list(records), 0)))


def test_an_application_without_documents_is_verified_as_not_provided():
    """The verification carries the broker's time as accepted_at and names no document."""
    (output,) = verify(record()).outputs
    event = decode(ApplicationVerified, output.value)
    assert output.topic == "loan.verifications.v1.bank-a"
    assert event.verification_result == "not_provided"
    assert event.accepted_at.timestamp() == ACCEPTED_MS / 1000
    assert header(output.headers, "ce_type") == b"loan.application.verified"
    assert output.key == b"a-1"


def test_the_monitoring_block_goes_no_further_than_verify():
    """Protected attributes never reach a later event."""
    (output,) = verify(record({"monitoring": {"gender": "female-canary"}})).outputs
    assert b"canary" not in output.value
    assert b"monitoring" not in output.value


def test_a_document_that_is_read_in_time_is_checked_in_the_fast_lane():
    """The extraction travels with the verification."""
    (output,) = verify(record({"documents": [DOCUMENT]}), answer=extraction()).outputs
    event = decode(ApplicationVerified, output.value)
    assert event.extractions[0].fields[0].value == "100000.00"
    assert event.checks


def test_a_document_that_takes_too_long_sends_the_application_to_the_slow_lane():
    """The slow lane's record keeps the acceptance of the first, and the slow lane answers with a verification."""
    (output,) = verify(record({"documents": [DOCUMENT]}), answer=None).outputs
    assert output.topic == "loan.applications.slow.v1.bank-a"
    assert decode(ApplicationAccepted, output.value).accepted_at.timestamp() == ACCEPTED_MS / 1000
    slow = record(value=output.value, topic=output.topic, stamp=1)
    (verified,) = verify(slow, answer=extraction(lane="slow"), lane="slow").outputs
    event = decode(ApplicationVerified, verified.value)
    assert event.accepted_at.timestamp() == ACCEPTED_MS / 1000
    assert event.processing.lane == "slow"


def test_what_is_made_of_an_application_names_its_record_through_both_lanes(store):
    """Verification and decision say where the application's record stands; what a bank writes there itself counts not."""
    own = [(ORIGIN, b"loan.applications.v1.bank-b/0/7")]
    sent = replace(record({"documents": [DOCUMENT]}, partition=2, offset=41), _headers=own)
    (slow,) = verify(sent, answer=None).outputs
    waiting = MemoryMessage(slow.topic, 2, 5, slow.key, slow.value, slow.headers, (1, ACCEPTED_MS))
    (verified,) = verify(waiting, answer=extraction(lane="slow"), lane="slow").outputs
    message = MemoryMessage(verified.topic, 2, 9, verified.key, verified.value, verified.headers, (1, ACCEPTED_MS))
    (decided,) = scored(score_stage(*store), message).outputs
    for made in (slow, verified, decided):
        assert header(made.headers, ORIGIN) == b"loan.applications.v1.bank-a/2/41"


def test_what_has_no_origin_is_given_none(store):
    """A verification of a former version names no record: neither does its decision."""
    (verified,) = verify(record()).outputs
    message = MemoryMessage(verified.topic, 0, 0, verified.key, verified.value, None, (1, ACCEPTED_MS))
    (decided,) = scored(score_stage(*store), message).outputs
    assert header(decided.headers, ORIGIN) is None


def test_a_document_store_that_is_away_holds_up_its_own_partitions_only():
    """No outcome is invented: the partition's records come again, the others' are answered."""
    waiting = record({"documents": [DOCUMENT]}, partition=1)
    beside = record({"application_id": "a-2"}, key=b"a-2", partition=1, offset=1)
    bad = record(value=b"{", partition=1, offset=2)
    processed = verify(waiting, beside, bad, record(partition=2), answer=StoreUnavailable())
    assert processed.deferred == {("loan.applications.v1.bank-a", 1): STORE_AWAY}
    assert [output.origin for output in processed.outputs] == [("loan.applications.v1.bank-a", 2)]


def test_a_partition_waits_for_what_is_down_whatever_else_of_it_waits_for_its_turn(monkeypatch):
    """Its other application was not begun in this turn; the operator hears of the store."""

    async def read(*_):
        item = accept(record(), ACCEPTED_MS)
        return Sorted([], [], [(item, None), (item, STORE_AWAY), (item, None)])

    monkeypatch.setattr("processors.stages.verify.stage.read_documents", read)
    assert verify().deferred == {("loan.applications.v1.bank-a", 0): STORE_AWAY}


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (record(value=b"{"), "not_json"),
        (record(value=b""), "empty"),
        (record({"annual_income": -1}), "invalid_event"),
        (record(key=b"other"), "key_mismatch"),
        (record(key=None), "key_mismatch"),
        (record({"tenant": "bank-b"}), "tenant_mismatch"),
        (record(value=b'"' + b"x" * APPLICATION_MAX_BYTES + b'"'), "too_large"),
    ],
)
def test_a_bad_record_becomes_a_dead_letter_and_the_good_ones_go_on(message, cause):
    """The dead letter has the cause, the origin and the original bytes; the bank is told, by the side of it."""
    outputs = verify(message, record(offset=1)).outputs
    letters = [output for output in outputs if output.topic.endswith(".dlq")]
    assert [output.topic for output in letters] == ["loan.applications.v1.bank-a.dlq"]
    letter = decode(DeadLetter, letters[0].value)
    assert (letter.cause, letter.stage, letter.attempts) == (cause, "verify", 1)
    assert letter.origin.offset == 0
    told, good = (output for output in outputs if not output.topic.endswith(".dlq"))
    assert (told.topic, good.topic) == ("loan.rejections.v1.bank-a", "loan.verifications.v1.bank-a")


UNNAMEABLE = Unreadable(
    "loan.applications.v1.bank-a", 0, 0, b"a-1", None, None, (2, ACCEPTED_MS), "unreadable_headers", "names in UTF-8",
    json.dumps(APPLICATION).encode(), has_original=True,
)  # fmt: skip
UNPACKABLE = Unreadable("loan.applications.v1.bank-a", 0, 0, cause="too_large", expected="a smaller batch")


@pytest.mark.parametrize("lane", ["fast", "slow"])
@pytest.mark.parametrize("unreadable", [UNNAMEABLE, UNPACKABLE])
def test_a_record_that_could_not_be_handed_over_is_a_dead_letter_like_any_other(lane, unreadable):
    """With the cause and what was expected; its neighbours are answered."""
    (letter,) = [
        decode(DeadLetter, output.value)
        for output in verify(unreadable, lane=lane).outputs
        if output.topic == "loan.applications.v1.bank-a.dlq"
    ]
    assert (letter.cause, letter.errors[0].expected) == (unreadable.cause, unreadable.expected)
    assert (letter.tenant, letter.origin.offset, letter.attempts) == ("bank-a", 0, 1)


def test_of_a_record_whose_headers_cannot_be_read_the_letter_keeps_the_rest():
    """Key and value are there for the bank, and for a redrive; which headers it had, nobody knows."""
    letter = decode(DeadLetter, dead_letter(UNNAMEABLE, "unreadable_headers", [], worker()).value)
    assert (letter.key_base64, letter.value_base64) == ("YS0x", base64.b64encode(UNNAMEABLE.original).decode())
    assert letter.value_size == len(UNNAMEABLE.original)
    assert letter.headers is None
    assert letter.origin.timestamp_ms == ACCEPTED_MS


def test_of_a_record_in_a_batch_that_cannot_be_unpacked_the_letter_knows_only_where_it_stood():
    """Neither hash nor size is made up."""
    letter = decode(DeadLetter, dead_letter(UNPACKABLE, "too_large", [], worker()).value)
    unknown = (letter.key_base64, letter.value_base64, letter.value_sha256, letter.value_size, letter.headers)
    assert unknown == (None,) * 5
    assert letter.origin.timestamp_ms == -1


def test_a_letter_about_what_lies_among_dead_letters_lies_there_too_and_has_none_about_itself():
    """There is no .dlq of a .dlq, and letters about letters must come to an end."""
    foreign = MemoryMessage("loan.applications.v1.bank-a.dlq", 0, 4, b"k", b"[]", None, (1, 0))
    about = dead_letter(foreign, "invalid_event", [], worker("record"))
    assert about.topic == foreign.topic()
    again = MemoryMessage(about.topic, 0, 5, about.key, about.value, None, (1, 0))
    assert (ends_here(foreign), ends_here(again)) == (False, True)
    assert not ends_here(record())
    ordinary = dead_letter(record(value=b"{"), "not_json", [], worker())
    assert not ends_here(MemoryMessage(ordinary.topic, 0, 6, None, ordinary.value, None, (1, 0)))


def test_a_topic_that_stamps_the_producers_clock_stops_the_worker():
    """accepted_at must be the broker's: without it nothing is decided."""
    with pytest.raises(BrokerMisconfigured):
        verify(record(stamp=1))


def test_a_record_too_large_to_be_carried_in_a_dead_letter_leaves_hash_and_origin():
    """The dead letter still fits its topic."""
    huge = MemoryMessage("loan.applications.v1.bank-a", 0, 7, b"k", b"x" * (ORIGINAL_MAX_BYTES + 1), None, (2, 0))
    output = dead_letter(huge, "too_large", [], worker())
    letter = decode(DeadLetter, output.value)
    assert letter.value_base64 is None
    assert letter.value_size == ORIGINAL_MAX_BYTES + 1
    assert letter.origin.offset == 7


def test_attempts_are_counted_over_redrives():
    """The redriven record says how often it was tried."""
    again = MemoryMessage("loan.applications.v1.bank-a", 0, 7, b"k", b"{", [("loanstream-attempts", b"2")], (2, 0))
    assert decode(DeadLetter, dead_letter(again, "not_json", [], worker()).value).attempts == 3


def activation(number, chosen, tenant=None):
    return Activation(
        activation_id=f"00000000-0000-4000-8000-{number:012d}",
        tenant=tenant,
        bundle_id=chosen.bundle_id,
        policy_id=chosen.policy_id,
        actor="tester",
        reason="test",
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = ArtefactStore(tmp_path_factory.mktemp("artefacts"))
    files, text = shipped_bundle_files("default"), shipped_policy_text("standard")
    chosen = InForce(load_bundle(files).bundle_id, parse_policy(text).policy_id)
    store.put(chosen.bundle_id, files)
    store.put(chosen.policy_id, {POLICY_FILE: text.encode()})
    return store, chosen


def score_stage(store, chosen, *later):
    """A stage where `chosen` decides from the first; `later` are further activations, published with it."""
    history = ActivationHistory()
    for published in (activation(0, chosen), *later):
        history.add(published, ACCEPTED_MS - 60_000)
    key = ReceiptKey("test", b"k" * 32)
    return ScoreStage(MemoryActivations(history), Scorers(store), lambda tenant: key, worker("score"))


def verified_of(tenant, partition=0, offset=0):
    """A record of the tenant's verifications topic."""
    (made,) = verify(record({"tenant": tenant}, topic=f"loan.applications.v1.{tenant}")).outputs
    return MemoryMessage(made.topic, partition, offset, made.key, made.value, made.headers, (1, ACCEPTED_MS))


def scored(stage, *messages):
    return asyncio.run(stage(Batch(list(messages), 0)))


def test_a_verification_becomes_a_decision_that_its_schema_accepts(store):
    """The whole path from bytes to bytes, verify and score."""
    (verified,) = verify(record({"documents": [DOCUMENT]}), answer=extraction()).outputs
    message = MemoryMessage(verified.topic, 3, 9, verified.key, verified.value, verified.headers, (1, ACCEPTED_MS))
    stage = score_stage(*store)
    (output,) = asyncio.run(stage(Batch([message], 0))).outputs
    decision = decode(LoanDecision, output.value)
    assert output.topic == "loan.decisions.v1.bank-a"
    assert decision.application_id == "a-1"
    assert decision.reasons
    assert decision.receipt.bundle_id == store[1].bundle_id
    assert decision.processing.verify_worker == "verify-0"
    trace = header(verified.headers, "traceparent")[:36]
    assert header(output.headers, "traceparent")[:36] == trace
    assert b"Asha" not in output.value


def test_a_batch_keeps_the_order_of_its_records(store):
    """Dead letters and decisions stand where their records stood."""
    (verified,) = verify(record()).outputs
    good = [MemoryMessage(verified.topic, 0, n, verified.key, verified.value, None, (1, 0)) for n in (0, 2)]
    bad = MemoryMessage(verified.topic, 0, 1, b"a-1", b"{", None, (1, 0))
    outputs = asyncio.run(score_stage(*store)(Batch([good[0], bad, good[1]], 0))).outputs
    assert [output.topic.endswith(".dlq") for output in outputs] == [False, True, False]


NOWHERE = "sha256:" + "0" * 64


@pytest.mark.parametrize("kind", ["bundle", "policy"])
def test_an_artefact_that_is_not_in_the_store_holds_up_its_own_tenant_only(store, kind):
    """No version is skipped: its partition waits and says for what; the other bank is decided."""
    box, chosen = store
    lost = InForce(NOWHERE, chosen.policy_id) if kind == "bundle" else InForce(chosen.bundle_id, NOWHERE)
    stage = score_stage(box, chosen, activation(1, lost, "bank-b"))
    bad = MemoryMessage("loan.verifications.v1.bank-b", 1, 1, b"a-1", b"{", None, (1, 0))
    processed = scored(stage, verified_of("bank-b", 1), bad, verified_of("bank-a"), verified_of("bank-b", 2))
    why = f"{kind} {NOWHERE} is not in the artefact store"
    assert processed.deferred == {("loan.verifications.v1.bank-b", number): why for number in (1, 2)}
    assert [output.topic for output in processed.outputs] == ["loan.decisions.v1.bank-a"]


@pytest.mark.parametrize("partition", [0, 1])
def test_a_partition_of_which_a_record_waits_waits_as_a_whole(store, partition):
    """Of its records none may overtake another; those of another partition go on."""
    box, chosen = store
    stage = score_stage(box, chosen, activation(1, InForce(NOWHERE, chosen.policy_id)))
    before = verify(record()).outputs[0].value.replace(b"2026-05-28T20:26:40.123Z", b"2026-05-28T20:20:40.123Z")
    assert b"20:20:40" in before
    earlier = MemoryMessage("loan.verifications.v1.bank-a", partition, 0, b"a-1", before, None, (1, 0))
    processed = scored(stage, earlier, verified_of("bank-a", 0, 1))
    assert set(processed.deferred) == {("loan.verifications.v1.bank-a", 0)}
    assert len(processed.outputs) == partition


def test_a_tenant_for_which_nothing_is_in_force_waits_for_its_first_activation(store):
    """The bank is named, and the others are decided."""
    history = ActivationHistory()
    history.add(activation(0, store[1], "bank-a"), 0)
    key = ReceiptKey("test", b"k" * 32)
    stage = ScoreStage(MemoryActivations(history), Scorers(store[0]), lambda tenant: key, worker("score"))
    processed = scored(stage, verified_of("bank-b", 1), verified_of("bank-a"))
    assert processed.deferred == {("loan.verifications.v1.bank-b", 1): "no activation is in force for bank-b"}
    assert [output.topic for output in processed.outputs] == ["loan.decisions.v1.bank-a"]
    history.add(activation(1, store[1], "bank-b"), ACCEPTED_MS)
    assert len(scored(stage, verified_of("bank-b", 1)).outputs) == 1


def test_a_bank_whose_keys_are_not_there_waits_for_them(store):
    """No letter and no end of the worker: the bank is named, the others are decided, and it goes on once they are there."""
    history = ActivationHistory()
    history.add(activation(0, store[1]), 0)
    held = {"bank-a": ReceiptKey("test", b"k" * 32)}

    def keys(tenant):
        if tenant not in held:
            raise Problem(f"no keys for tenant {tenant}")
        return held[tenant]

    stage = ScoreStage(MemoryActivations(history), Scorers(store[0]), keys, worker("score"))
    processed = scored(stage, verified_of("bank-b", 1), verified_of("bank-a"))
    assert processed.deferred == {("loan.verifications.v1.bank-b", 1): "no keys for tenant bank-b"}
    assert [output.topic for output in processed.outputs] == ["loan.decisions.v1.bank-a"]
    held["bank-b"] = held["bank-a"]
    assert len(scored(stage, verified_of("bank-b", 1)).outputs) == 1


def test_a_tenant_whose_bundle_does_not_load_waits_and_is_decided_once_it_is_withdrawn(store):
    """The bundle is named, and in one line what is wrong with it."""
    box, chosen = store
    broken = "sha256:" + "b" * 64
    box.put(broken, {"manifest.json": b"{}"})
    bad = activation(1, InForce(broken, chosen.policy_id), "bank-b")
    stage = score_stage(box, chosen, bad)
    processed = scored(stage, verified_of("bank-b", 1), verified_of("bank-a"))
    (why,) = processed.deferred.values()
    assert why == f"bundle {broken} does not load: manifest.json: format: Field required"
    assert [output.topic for output in processed.outputs] == ["loan.decisions.v1.bank-a"]
    withdrawal = activation(2, chosen).model_copy(
        update={"bundle_id": None, "policy_id": None, "withdraws": bad.activation_id}
    )
    stage = score_stage(box, chosen, bad, withdrawal)
    assert len(scored(stage, verified_of("bank-b", 1), verified_of("bank-a")).outputs) == 2


def failing(bad):
    def work(items):
        if any(item.offset() in bad for item in items):
            raise KeyError("a value of the applicant's")
        return [item.offset() for item in items]

    return work


def test_our_own_error_on_one_record_among_many_costs_that_record_only():
    """Within the budget of 1 % it becomes a dead letter, internal_error, and the rest goes on."""
    messages = [record(offset=n) for n in range(200)]
    outputs = Guard(worker()).all_or_each(messages, failing({7}), lambda item: item)
    assert len(outputs) == 200
    letter = decode(DeadLetter, outputs[7].value)
    assert letter.cause == "internal_error"
    assert "applicant" not in str(letter.errors)


def test_our_own_errors_beyond_the_budget_stop_the_worker():
    """Rather than turning a topic into dead letters."""
    messages = [record(offset=n) for n in range(200)]
    with pytest.raises(KeyError):
        Guard(worker()).all_or_each(messages, failing({1, 2, 3}), lambda item: item)


def test_the_error_budget_forgets_after_a_minute():
    """Old errors do not count against new ones."""
    budget = ErrorBudget()
    assert not budget.spend(0, 10, 1)
    assert budget.spend(61_000, 100, 1)


def test_artefacts_are_kept_as_they_were_first_put(store):
    """A second put of the same id changes nothing, and an id that is no hash is refused."""
    box, chosen = store
    before = box.get(chosen.policy_id)
    box.put(chosen.policy_id, {"other": b""})
    assert box.get(chosen.policy_id) == before
    with pytest.raises(ArtefactMissing):
        box.get("sha256:../../etc")
