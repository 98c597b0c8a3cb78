"""What `show` does not take for true: rows that somebody altered, and an empty warehouse while records wait."""

import json

import orjson
import pytest
from bank_topics import APPLICATIONS, CIPHER, DECISIONS, START, VERIFICATIONS, altered, example, flow, record

from loanstream.ask.activated import UNCHECKED, Activated
from loanstream.ask.held import NO_PROOF, NOT_IN_FORCE, TIMES_ALONE
from loanstream.ask.origins import WITHOUT
from loanstream.ask.story import story
from loanstream.ask.story_text import story_text, unrecorded_text
from loanstream.ask.unrecorded import unrecorded
from registry.history import Published
from schemas.operations import Activation
from schemas.problem import Problem
from schemas.records import MemoryMessage
from schemas.verification import ApplicationVerified
from scoring.canonical import application_bytes, evidence_bytes
from scoring.receipt import ReceiptKey
from stores.topics import MemoryTopics

KEY = ReceiptKey("bank-a-1", b"r" * 32)


@pytest.fixture
def told(empty, refused):
    """The first chapter of the application a-000, which was decided with a receipt under KEY."""
    topics = flow(1, origins=True)
    event = ApplicationVerified.model_validate_json(topics[VERIFICATIONS, 0][0].value())
    decided = topics[DECISIONS, 0][0]
    decision = orjson.loads(decided.value())
    decision["receipt"] |= {
        "key_id": KEY.key_id,
        "input_hmac": KEY.hash(application_bytes(event.application)),
        "evidence_hmac": KEY.hash(evidence_bytes(event.application, event.extractions)),
    }
    value, headers = orjson.dumps(decision), decided.headers()
    topics[DECISIONS, 0] = [MemoryMessage(DECISIONS, 0, 0, b"a-000", value, headers, decided.timestamp())]
    topics["loan.outcomes.v1.bank-a", 0] = [
        MemoryMessage(
            "loan.outcomes.v1.bank-a", 0, 0, b"a-000",
            json.dumps(example("loan.outcome.recorded") | {"application_id": "a-000"}).encode(), None, (2, 1_790_000_000_000),
        )
    ]  # fmt: skip
    record(empty, refused, topics)
    assert refused == []
    return lambda keys=lambda _: KEY, history=None: story(
        empty.client("reader"), CIPHER, "a-000", "bank-a", keys, history
    )


def test_rows_that_nobody_altered_are_proven(told):
    """Claims, decision and receipt follow from each other: nothing stands on top, nothing is left unproven."""
    [chapter] = told().chapters
    assert (chapter.altered, chapter.unproven) == ([], [])


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("applications_log", "cibil_score = 899", f"applications_log {APPLICATIONS}/0/0: cibil_score"),
        ("decisions_log", "outcome = 'decline'", f"decisions_log {DECISIONS}/0/0: outcome"),
        ("verifications_log", "verification_result = 'suspicious'", "verification_result"),
        ("outcomes_log", "reason = 'none'", "outcomes_log loan.outcomes.v1.bank-a/0/0: content_sha256"),
    ],
)
def test_an_altered_row_stands_on_top(empty, told, table, change, said):
    """Whoever reads the claims beside a decision is told first that somebody altered them."""
    altered(empty, table, change, "application_id = 'a-000'")
    [chapter] = told().chapters
    assert said in chapter.altered[0]
    text = story_text(told())
    assert text.index("ALTERED") < text.index(chapter.altered[0]) < text.index("Claims")


def activations_from(at_ms, decision):
    """The control topic whose first activation is another bundle's; that of the decision follows at `at_ms`."""
    said = {"tenant": None, "actor": "a person", "reason": "a test"}
    ids = {name: decision["receipt"][name] for name in ("bundle_id", "policy_id")}
    first = Activation(activation_id=f"{1:036}", **ids | {"bundle_id": "sha256:" + "0" * 64}, **said)
    return Activated([Published(first, 0), Published(Activation(activation_id=f"{2:036}", **ids, **said), at_ms)])


def test_a_decision_by_what_was_not_in_force_stands_on_top(told):
    """The control topic says what could decide; where it does not tell, that stands at the end."""
    [chapter] = told().chapters
    in_force = activations_from(START - 60_000, chapter.decision)
    assert [(one.altered, one.unproven) for one in told(history=lambda: in_force).chapters] == [([], [])]
    [later] = told(history=lambda: activations_from(START + 60_000, chapter.decision)).chapters
    assert later.altered == [f"decisions_log {DECISIONS}/0/0: {NOT_IN_FORCE}"]
    [unknown] = told(history=Activated).chapters
    assert unknown.unproven == [f"decisions_log {DECISIONS}/0/0: {UNCHECKED}"]


def test_an_erased_origin_hides_no_altered_claim(empty, told, monkeypatch):
    """A row of this version without the place of its application's record is not proven, and the claims are held
    against the event of the same moment all the same.
    """
    monkeypatch.setattr("loanstream.ask.held.origins_since_ms", lambda _: START)
    for table in ("verifications_log", "decisions_log"):
        altered(empty, table, "origin_topic = NULL, origin_partition = NULL, origin_offset = NULL", "1")
    altered(empty, "applications_log", "cibil_score = 899", "1")
    [chapter] = told().chapters
    assert chapter.altered == [f"applications_log {APPLICATIONS}/0/0: cibil_score"]
    assert sorted(chapter.unproven) == [
        f"decisions_log {DECISIONS}/0/0: {WITHOUT}",
        f"verifications_log {VERIFICATIONS}/0/0: {WITHOUT}",
    ]


def test_a_receipt_of_another_application_is_told(empty, told):
    """An event altered with its columns and hash: its receipt is not of the sealed event."""
    [row] = empty.client().query("SELECT event FROM loanstream.decisions_log").result_rows
    said = row[0].replace(json.loads(row[0])["receipt"]["input_hmac"], "hmac-sha256:" + "0" * 64)
    empty.client().command(
        "ALTER TABLE loanstream.decisions_log UPDATE event = {event:String} WHERE 1 SETTINGS mutations_sync = 1",
        parameters={"event": said},
    )
    altered(empty, "decisions_log", f"receipt_input_hmac = 'hmac-sha256:{'0' * 64}'", "1")
    assert any("its receipt is not of its verified event" in one for one in told().chapters[0].altered)
    altered(empty, "decisions_log", "event = 'x'", "1")
    with pytest.raises(Problem, match="its event is no decision"):
        told()


def test_what_cannot_be_proven_is_said(empty, told):
    """Without the verified event the receipt proves the claims but for two times; without the key nothing does."""
    empty.client().command("ALTER TABLE loanstream.verifications_log DELETE WHERE 1 SETTINGS mutations_sync = 2")
    [chapter] = told().chapters
    assert chapter.altered == []
    assert any(TIMES_ALONE in one for one in chapter.unproven)
    assert any(NO_PROOF in one for one in told(None).chapters[0].unproven)
    assert any("receipt key bank-a-1 is not here" in one for one in told(None).chapters[0].unproven)
    assert "Not proven" in story_text(told())
    altered(empty, "applications_log", "annual_income = 99", "1")
    assert told().chapters[0].altered == [f"applications_log {APPLICATIONS}/0/0: (not the application in its receipt)"]


class Behind(MemoryTopics):
    """Topics of which the record stage has recorded the first record of each alone."""

    def recorded(self, partitions):
        return {place: self.records[place][0].offset() + 1 for place in partitions if self.records[place]}


def test_an_application_on_its_way_is_told_by_its_place():
    """The warehouse knows nothing yet: how many records wait is told, and where those of the application stand."""
    found = unrecorded(Behind(flow(4, dead={3})), ["bank-a"], "a-002")
    assert unrecorded_text(found) == (
        "7 records of the topics of bank-a not recorded yet\n"
        f"  one of its applications stands at {APPLICATIONS}/0/4\n"
        f"  one of its verifications stands at {VERIFICATIONS}/0/4\n"
        f"  one of its decisions stands at {DECISIONS}/0/4"
    )
    assert unrecorded_text(unrecorded(MemoryTopics(flow(4)), ["bank-a"], "a-002")) == (
        "every record of the topics of bank-a is recorded"
    )
    some = unrecorded(Behind(flow(4)), ["bank-a"], "a-002", within_s=0.0)
    assert unrecorded_text(some).startswith("more than 1 record of")
    assert unrecorded_text(None) == "Kafka does not answer: whether something is not recorded yet is not known"
