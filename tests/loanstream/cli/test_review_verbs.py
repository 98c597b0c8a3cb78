"""`loanstream review` with doubles for the warehouse and Kafka; the queue itself has tests against the engine."""

import json
from types import SimpleNamespace

import pytest

from loanstream.cli import options, review
from schemas.records import Place
from stores.reviews import Page, Review

REVIEW = "b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50"
WAITS = {
    "review_id": REVIEW,
    "application_id": "a-1",
    "revision": 1,
    "accepted_at": "2026-02-10T09:00:00.000Z",
    "score_final": 0.55,
    "verification_result": "not_provided",
    "basis": ["no_documents"],
    "first_reason": "No documents were provided.\x1b[2J",
}
DECISION = {
    "decision_id": REVIEW,
    "outcome": "refer",
    "accepted_at": "2026-02-10T09:00:00.000Z",
    "basis": ["no_documents"],
    "verification_result": "not_provided",
    "p_calibrated": 0.6,
    "score_final": 0.55,
    "reasons": [{"code": "no_documents", "text": "No documents were provided.", "points": None, "decisive": True}],
    "receipt": {"bundle_id": "sha256:" + "3c" * 32, "policy_id": "sha256:" + "4b" * 32},
}
RAVI = {
    "at": "2026-02-11T14:05:00.000Z",
    "decision": "decline",
    "actor": "ravi",
    "asserted_by": "core-banking",
    "reason": "the income is another's",
    "place": "loan.outcomes.v1.bank-a/1/3",
    "counts": True,
}


class Desk:
    """The queue and Kafka: one review that waits; `others` decide when they are asked for."""

    def __init__(self):
        self.human, self.sent, self.settings, self.closed = [], [], None, 0

    def queue(self, _client):
        return SimpleNamespace(waiting=self.waiting, one=self.one)

    def waiting(self, tenant, limit, *, order, after):
        self.asked = (tenant, limit, order, after)
        return Page([WAITS], f"1770714000000-{REVIEW}")

    def one(self, tenant, review_id):
        known = (tenant, review_id) == ("bank-a", REVIEW)
        return Review("bank-a", "a-1", 1, DECISION, self.human, None) if known else None

    def send(self, settings, outcome):
        self.settings = settings
        self.sent.append(outcome)
        return Place("loan.outcomes.v1.bank-a", 1, 7)

    def close(self):
        self.closed += 1


@pytest.fixture
def desk(monkeypatch):
    made = Desk()
    here = SimpleNamespace(
        tenant=lambda asked: asked or "bank-a",
        warehouse=lambda: made,
        producer_settings=lambda tenant: {"client.id": f"producer of {tenant}"},
    )
    monkeypatch.setattr(review, "installation_of", lambda _: here)
    monkeypatch.setattr(review, "ReviewQueue", made.queue)
    monkeypatch.setattr(review, "send_outcome", made.send)
    return made


def decide(loanstream, *more, code=0):
    return loanstream("review", "decide", REVIEW, "approve", "--reason", " seen the payslips ", *more, code=code)


def test_the_queue_is_listed_with_what_comes_next(loanstream, desk):
    """As a table without codes for the terminal, and as JSON; the cursor of the next page stands below."""
    said = loanstream("review", "list", "--order", "oldest", "--limit", "1", "--after", "1-x").stdout
    assert desk.asked == ("bank-a", 1, "oldest", "1-x")
    assert REVIEW in said
    assert "No documents" in said
    assert "\x1b" not in said
    assert f"--after 1770714000000-{REVIEW}" in said
    found = json.loads(loanstream("review", "list", "--json").stdout)
    assert (found["reviews"], found["next"]) == ([WAITS], f"1770714000000-{REVIEW}")
    assert desk.closed == 2


def test_a_review_is_shown_with_what_persons_decided(loanstream, desk):
    """Who, when, why, who vouches, and which of several counts."""
    desk.human = [RAVI, RAVI | {"actor": "asha", "counts": False, "asserted_by": None}]
    words = loanstream("review", "show", REVIEW).stdout.split()
    for part in (
        "decided: decline",
        "decided by: No documents were provided.",
        "2026-02-11T14:05:00.000Z  DECLINE by ravi, as core-banking asserts: the income is another's",
        "DECLINE by asha: the income is another's (does not count: another was recorded first)",
    ):
        assert part.split() in (words[at : at + len(part.split())] for at in range(len(words)))
    assert json.loads(loanstream("review", "show", REVIEW, "--json").stdout)["state"] == "decided"


def test_a_decision_is_shown_asked_for_and_sent(loanstream, desk):
    """With --yes; by the tenant's producer's account, with actor and reason as they are recorded."""
    done = decide(loanstream, "--actor", "asha", "--yes", "--json")
    assert "APPROVE by asha: seen the payslips" in done.stderr
    (outcome,) = desk.sent
    assert (outcome.tenant, outcome.application_id, outcome.revision) == ("bank-a", "a-1", 1)
    assert (outcome.kind, outcome.decision, outcome.actor) == ("human_decision", "approve", "asha")
    assert (outcome.reason, outcome.asserted_by) == ("seen the payslips", None)
    assert desk.settings == {"client.id": "producer of bank-a"}
    told = json.loads(done.stdout)
    assert (told["place"], told["decision"], told["actor"]) == ("loan.outcomes.v1.bank-a/1/7", "approve", "asha")


@pytest.mark.parametrize("words", [["--reason", " "], ["--reason", "a\nb"], ["--reason", "x" * 501], []])
def test_without_a_reason_nothing_is_sent(loanstream, desk, words):
    """A blank one, one of two lines and one that is too long are none."""
    loanstream("review", "decide", REVIEW, "approve", "--yes", *words, code=2)
    assert desk.sent == []


def test_a_second_decision_is_refused_and_told_who_decided_when(loanstream, desk):
    """Also where somebody decides while the question stands."""
    desk.human = [RAVI]
    said = decide(loanstream, "--yes", code=1).stderr
    assert "2026-02-11T14:05:00.000Z by ravi: decline" in said
    assert desk.sent == []


def test_somebody_decides_while_the_question_stands(loanstream, desk, monkeypatch):
    """What stood when the person said yes counts: it is asked once more."""

    def says_yes(_question, _otherwise):
        desk.human = [RAVI]

    monkeypatch.setattr(review, "confirm", says_yes)
    assert "by ravi" in decide(loanstream, code=1).stderr
    assert desk.sent == []


def test_nobody_there_to_say_yes(loanstream, desk, monkeypatch):
    """A pipeline says --yes."""
    monkeypatch.setattr(options.sys, "stdin", SimpleNamespace(isatty=lambda: False))
    assert "--yes" in decide(loanstream, code=1).stderr
    assert desk.sent == []


@pytest.mark.parametrize("verb", [["show", "b" * 36], ["decide", REVIEW, "approve", "--reason", "x", "--yes"]])
def test_another_bank_has_no_such_review(loanstream, desk, verb):
    """One line, and where to look."""
    assert "loanstream review list" in loanstream("review", *verb, "--tenant", "bank-b", code=1).stderr
    assert desk.sent == []
