"""What a bank is told of its records: by the letter, without a value, and only of what it can mend itself."""

import asyncio
import json
import string
from contextlib import nullcontext
from importlib import resources

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from processors.deadletters import dead_letter, refused
from processors.identity import Worker
from processors.rejections import rejection_of
from processors.stages.record.letters import DeadLetterProducer
from processors.stages.record.rows import rows_of_all
from processors.stages.verify.lanes import StoreUnavailable
from processors.stages.verify.stage import VerifyStage
from processors.topics_there import AGAIN_S, TopicsThere
from processors.transport.batches import Batch
from schemas.causes import CAUSES
from schemas.decode import Undecodable
from schemas.headers import ATTEMPTS, FIRST_STOOD, REJECTED, header
from schemas.operations import DeadLetter, FieldError
from schemas.originals import first_stood
from schemas.records import MemoryMessage, Unreadable
from schemas.rejections import RecordRejected, RejectionWithdrawn
from schemas.topics import TOPICS

BANK = "bank-a"
APPLICATIONS, OUTCOMES = TOPICS["applications"].name(BANK), TOPICS["outcomes"].name(BANK)
REJECTIONS = TOPICS["rejections"].name(BANK)
AT_MS = 1_780_000_000_123
WORKER = Worker("verify", "verify-0", "test", lambda: AT_MS + 5)
EXAMPLE = json.loads((resources.files("schemas") / "examples" / "loan.application.submitted.json").read_text("utf-8"))
OUTCOME = json.loads((resources.files("schemas") / "examples" / "loan.outcome.recorded.json").read_text("utf-8"))
NAME = EXAMPLE["application_id"]
KEY = NAME.encode()


def record(value, *, key=KEY, headers=None, topic=APPLICATIONS, offset=7):
    data = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return MemoryMessage(topic, 0, offset, key, data, headers, (2, AT_MS))


class Shelf:
    """Answers for no document: it has none, or is away."""

    parallel = 1

    async def extraction(self, tenant, ref, lane, deadline):
        raise StoreUnavailable


def verify(*records, exists=lambda _: True):
    return asyncio.run(VerifyStage("fast", Shelf(), WORKER, exists)(Batch(list(records)))).outputs


def told(outputs):
    return [output for output in outputs if output.topic == REJECTIONS]


def letters(outputs):
    return [DeadLetter.model_validate_json(one.value) for one in outputs if one.topic.endswith(".dlq")]


def test_a_bad_record_is_told_once_and_a_good_one_never():
    """The bank hears of field, expectation and place of its record, beside the letter in one batch of outputs."""
    outputs = verify(record(EXAMPLE | {"annual_income": "-5"}), record(EXAMPLE, offset=8))
    (output,), (letter,) = told(outputs), letters(outputs)
    rejected = RecordRejected.model_validate_json(output.value)
    assert (rejected.tenant, rejected.application_id, rejected.cause) == (BANK, NAME, "invalid_event")
    assert (rejected.origin.topic, rejected.origin.partition, rejected.origin.offset) == (APPLICATIONS, 0, 7)
    assert rejected.origin.timestamp_ms == AT_MS
    (problem,) = rejected.errors
    assert (problem.field, problem.expected) == ("annual_income", "above 0 and at most 10000000000000")
    assert problem.found == "string of 2 characters"
    assert letter.sender_told
    assert (output.key, header(output.headers, "ce_type")) == (NAME.encode(), b"loan.record.rejected")
    assert header(output.headers, "ce_subject") == NAME.encode()
    assert output.origin == (APPLICATIONS, 0)  # a topic that is taken away holds up this partition alone


@pytest.mark.parametrize("cause", CAUSES)
def test_a_bank_is_told_of_what_is_its_own_making_alone(cause):
    """What our code, a crash or the warehouse did is no message to a bank, and no event of ours is one."""
    ours = {"internal_error", "crashes_worker", "refused_by_warehouse"}
    assert CAUSES[cause].sender == (cause not in ours)
    for topic in (APPLICATIONS, OUTCOMES):
        outputs = refused(record(b"{", topic=topic), cause, [], WORKER)
        assert bool(told(outputs)) == (cause not in ours) == letters(outputs)[0].sender_told
    inner = [key for key, topic in TOPICS.items() if key not in ("applications", "outcomes")]
    for key in inner:
        topic = TOPICS[key].name(BANK if TOPICS[key].per_tenant else None)
        outputs = refused(record(b"{", topic=topic), cause, [], WORKER)
        assert (len(outputs), letters(outputs)[0].sender_told) == (1, False)


def test_a_letter_of_our_own_fault_says_that_nobody_was_told():
    """A crash is answered by a letter alone."""
    made = dead_letter(record(b"{"), "crashes_worker", [], WORKER)
    assert not DeadLetter.model_validate_json(made.value).sender_told


def test_a_bank_without_the_topic_gets_its_letters_all_the_same():
    """A tenant of an earlier version: nothing waits for the topic, and the letter says that the bank was not told."""
    asked = []
    outputs = verify(record(b"{"), record(EXAMPLE, offset=8), exists=lambda topic: asked.append(topic) is not None)
    assert (told(outputs), [letter.sender_told for letter in letters(outputs)]) == ([], [False])
    assert len(outputs) == 2
    assert asked == [REJECTIONS]  # a good record asks nothing


FIRST = f"{APPLICATIONS}/0/3"
REDRIVEN = [(ATTEMPTS, b"1"), (FIRST_STOOD, FIRST.encode()), (REJECTED, FIRST.encode())]


def test_a_record_that_is_taken_after_a_redrive_withdraws_its_rejection():
    """The bank hears that the record it sent is taken, at the place where it sent it, under the same key."""
    outputs = verify(record(EXAMPLE, headers=REDRIVEN, offset=40))
    (output,) = told(outputs)
    withdrawn = RejectionWithdrawn.model_validate_json(output.value)
    assert (withdrawn.tenant, withdrawn.application_id) == (BANK, NAME)
    assert (withdrawn.origin.topic, withdrawn.origin.partition, withdrawn.origin.offset) == (APPLICATIONS, 0, 3)
    assert header(output.headers, "ce_type") == b"loan.rejection.withdrawn"
    (first,) = told(verify(record(EXAMPLE | {"annual_income": "-5"}, offset=3)))
    assert output.key == first.key
    assert sum(one.topic.startswith("loan.verifications") for one in outputs) == 1


def test_a_redriven_record_that_is_refused_again_is_told_again_where_the_bank_sent_it():
    """The bank knows its own record's place alone: attempts count on, the origin stays."""
    outputs = verify(record(EXAMPLE | {"annual_income": "-5"}, headers=REDRIVEN, offset=40))
    (output,), (letter,) = told(outputs), letters(outputs)
    rejected = RecordRejected.model_validate_json(output.value)
    assert (rejected.origin.offset, rejected.origin.timestamp_ms, rejected.attempts) == (3, -1, 2)
    assert letter.origin.offset == 40


def test_a_withdrawal_waits_for_no_topic_either():
    """Were it written where there is no topic, the partition would be held up: its topic was deleted since."""
    (output,) = verify(record(EXAMPLE, headers=REDRIVEN, offset=40), exists=lambda _: False)
    assert output.topic == "loan.verifications.v1.bank-a"


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [(ATTEMPTS, b"1"), (FIRST_STOOD, FIRST.encode())],
        [(REJECTED, b"")],
        [(REJECTED, b"\xff")],
        [(REJECTED, b"loan.applications.v1.bank-b/0/3")],
        [(REJECTED, b"loan.decisions.v1.bank-a/0/3")],
        [(REJECTED, b"somewhere")],
    ],
)
def test_nothing_is_withdrawn_that_was_not_told(headers):
    """A first record, one that failed for a fault of ours, and a header that can say nothing true: no withdrawal."""
    assert told(verify(record(EXAMPLE, headers=headers))) == []


def test_what_waits_for_its_documents_is_withdrawn_when_it_is_taken():
    """An application that is deferred comes again, and would be told twice."""
    document = {"kind": "payslip", "sha256": "a" * 64, "media_type": "application/pdf", "size": 10}
    assert verify(record(EXAMPLE | {"documents": [document]}, headers=REDRIVEN)) == []


def test_a_rejection_is_made_of_the_letter():
    """Whoever has the letter can say what the bank was told: reconcile does."""
    for message in (record(b"{"), record(EXAMPLE, key=b"other"), record(None), record(b"{", headers=REDRIVEN)):
        outputs = verify(message)
        (output,), (letter,) = told(outputs), letters(outputs)
        assert rejection_of(letter) == RecordRejected.model_validate_json(output.value)


@pytest.mark.parametrize("key", [None, b"", b"k" * 65, b"\xff", b"Asha Rao", b"a/b", b"k" * 100_000])
def test_a_key_that_is_no_applications_id_is_not_told(key):
    """It may be anything, a person's name too: the place of the record stands for it."""
    (output,) = told(verify(record(EXAMPLE, key=key)))
    rejected = RecordRejected.model_validate_json(output.value)
    assert (rejected.application_id, rejected.errors[0].field) == (None, "(key)")
    assert output.key == f"{APPLICATIONS}/0/7".encode()


def test_a_record_that_nobody_could_read_is_told_by_its_place():
    """The bank's own log knows what it sent there."""
    batch = Unreadable(APPLICATIONS, 0, 9, cause="too_large", expected="a smaller batch")
    rejected = RecordRejected.model_validate_json(told(verify(batch))[0].value)
    assert (rejected.application_id, rejected.cause, rejected.origin.offset) == (None, "too_large", 9)
    assert (rejected.origin.timestamp_ms, rejected.errors[0].expected) == (-1, "a smaller batch")


CANARY = "zqjxkanarienvogel"
places = st.sampled_from(
    ["/" + "/".join(path) for path in (("applicant", "name"), ("currency",), ("loan", "amount"), ("tenant",))]
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.just(CANARY), st.text(string.printable).map(lambda t: t + CANARY)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.just(CANARY), st.text(string.ascii_letters, max_size=5)), inner, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip
paths = st.sampled_from(
    [(name,) for name in EXAMPLE]
    + [("applicant", name) for name in ("name", "dependents", "education", "employer", "identifiers", CANARY)]
    + [("loan", name) for name in ("amount", "term_years", "purpose", CANARY)]
    + [(CANARY,), ("extensions",), ("documents",), ("monitoring",), ("assets", "bank")]
)
spoils = st.sampled_from(
    [
        lambda text: text,
        lambda text: text[:-1],
        lambda text: text + CANARY,
        lambda text: CANARY + text,
        json.dumps,
        lambda text: f"[{text}]",
        lambda text: "{" + f'"{CANARY}": 1, "{CANARY}": 2, "a": {text}' + "}",
        lambda text: '{"schema": {}, "payload": ' + text + "}",
    ]
)
keys = st.sampled_from([NAME.encode(), None, f"{CANARY} of a person".encode(), CANARY.encode() + b"\xff", b"other"])
headers = st.sampled_from([None, [("x", CANARY.encode())], [(CANARY, b"")], [(FIRST_STOOD, CANARY.encode()), (ATTEMPTS, b"1")], [("traceparent", CANARY.encode())]])  # fmt: skip


@given(st.lists(st.tuples(paths, json_values), min_size=1, max_size=4), spoils, keys, headers, st.booleans())
def test_a_rejection_never_holds_what_was_found(changes, spoil, key, headers, is_outcome):
    """Wherever a bank puts a value, in fields, names, key or headers: nothing of it comes back on the topic."""
    event = json.loads(json.dumps(OUTCOME if is_outcome else EXAMPLE))
    for path, value in changes:
        at = event
        for part in path[:-1]:
            at = at.setdefault(part, {}) if isinstance(at, dict) else {}
        if isinstance(at, dict):
            at[path[-1]] = value
    value = spoil(json.dumps(event)).encode()
    if is_outcome:
        message = record(value, key=key, headers=headers, topic=OUTCOMES)
        (found,) = rows_of_all([message], None)
        outputs = refused(message, found.cause, found.errors, WORKER) if isinstance(found, Undecodable) else []
    else:
        outputs = verify(record(value, key=key, headers=headers))
    for output in told(outputs):
        whole = output.value + (output.key or b"") + repr(output.headers).encode()
        assert CANARY.encode() not in whole
        assert b"Asha" not in whole


class FakeProducer:
    """Confirms what it is given; holds what was produced."""

    def __init__(self):
        self.records = []

    def produce(self, topic, *, key, value, headers, on_delivery):
        self.records.append((topic, key, value))
        on_delivery(None, None)

    def flush(self, _):
        return 0


@pytest.fixture
def recording(monkeypatch):
    """The record stage's letters on a producer in memory; `exists` may be changed."""

    def made(exists):
        letters = DeadLetterProducer("nowhere:1", {}, Worker("record", "record-0", "test", lambda: AT_MS), exists)
        letters._producer = FakeProducer()
        return letters

    return made


@pytest.mark.parametrize(("exists", "topics"), [(True, 2), (False, 1)])
def test_record_tells_of_outcomes_before_their_offset_is_committed(recording, exists, topics):
    """Both are confirmed when `send` returns; without the topic the letter goes alone."""
    letters = recording(lambda _: exists)
    fault = Undecodable("invalid_event", FieldError(field="decision", error="missing", expected="'approve'"))
    letters.send([(record(b"{}", topic=OUTCOMES), fault)])
    sent = letters._producer.records
    assert [topic for topic, _, _ in sent] == [f"{OUTCOMES}.dlq", REJECTIONS][:topics]
    assert DeadLetter.model_validate_json(sent[0][2]).sender_told == exists


class Admin:
    """Knows some topics; may be deaf."""

    def __init__(self, *there):
        self.there, self.asked, self.deaf = set(there), 0, False

    def __call__(self, settings, logger):
        return nullcontext(self)

    def list_topics(self, topic, timeout):
        self.asked += 1
        if self.deaf:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        metadata = type("Metadata", (), {"error": None if topic in self.there else KafkaError(3)})()
        return type("Cluster", (), {"topics": {topic: metadata}})()


def test_a_topic_that_comes_later_is_seen_soon():
    """`install` makes it while workers run: what is rejected from then on is told."""
    admin, clock = Admin(), [0.0]
    there = TopicsThere("nowhere:1", {}, admin, lambda: clock[0])
    assert [there(REJECTIONS), there(REJECTIONS)] == [False, False]
    assert admin.asked == 1
    admin.there.add(REJECTIONS)
    clock[0] = AGAIN_S
    assert [there(REJECTIONS), there(REJECTIONS)] == [True, True]
    assert admin.asked == 2


def test_a_broker_that_does_not_answer_hides_no_topic_and_holds_up_no_batch():
    """What cannot be asked is written, and waits for the broker as everything else does; it is asked again soon."""
    admin, clock = Admin(), [0.0]
    admin.deaf = True
    there = TopicsThere("nowhere:1", {}, admin, lambda: clock[0])
    assert [there(REJECTIONS) for _ in range(500)] == [True] * 500
    assert admin.asked == 1
    admin.deaf = False
    clock[0] = AGAIN_S
    assert not there(REJECTIONS)


def test_a_letter_of_a_former_version_says_that_nobody_was_told():
    """It has no such field."""
    made = json.loads(dead_letter(record(b"{"), "not_json", [], WORKER).value)
    del made["sender_told"]
    old = DeadLetter.model_validate_json(json.dumps(made))
    assert (old.sender_told, first_stood(old)) == (False, None)
