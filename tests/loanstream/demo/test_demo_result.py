"""The demo's equations: each can fail, and then the demo does."""

from collections import Counter
from types import SimpleNamespace

import pytest

from loanstream.demo import run
from loanstream.demo.result import Result


def result(**changes) -> Result:
    found = {
        "published": Counter(honest=3, repeated=1, malformed=1),
        "over_https": 2,
        "answered": Counter(accepted=2),
        "decision_records": 4,
        "decision_ids": 3,
        "dead_letters": 1,
        "recorded": 3,
        "replay": {"equal": 3},
    }
    return Result(**(found | changes))


def test_a_demo_in_which_everything_is_accounted_for_adds_up():
    """5 published = 3 decided + 1 dead letter + 1 repeat."""
    assert result().repeats == 1
    assert result().adds_up


@pytest.mark.parametrize(
    "wrong",
    [
        {"dead_letters": 0},
        {"decision_records": 5},
        {"answered": Counter(accepted=1, decided=1)},
        {"recorded": 2},
        {"differences": ["lost"]},
        {"replay": {"equal": 2, "differs": 1}},
        {"replay": {}},
    ],
    ids=["lost", "twice", "not accepted", "not recorded", "not reconciled", "differs", "not replayed"],
)
def test_whatever_does_not_add_up_fails_the_demo(wrong):
    """The exit code says what the summary's lines say."""
    found = result(**wrong)
    assert not found.adds_up
    assert [proof.holds for proof in found.proofs].count(False) == 1


def test_every_step_of_the_demo_ends_complete(monkeypatch):
    """What reconciles and replays is shown to its end, one after the other."""
    monkeypatch.setattr("loanstream.ask.reconcile.reconcile", lambda _: SimpleNamespace(differences=[]))
    monkeypatch.setattr("loanstream.ask.replay.replay", lambda _: SimpleNamespace(totals={}))
    monkeypatch.setattr("dashboards.queries.run", lambda *_: [])
    answer = SimpleNamespace(first_row=[0], result_rows=[])
    running = SimpleNamespace(warehouse=lambda: SimpleNamespace(query=lambda _: answer, close=lambda: None))
    steps = []
    run._ask(running, result(), lambda *step: steps.append(step))
    ends = {what: (done, of) for what, done, of in steps}
    assert len(ends) == 2
    assert all(done == of for done, of in ends.values())
    assert [done for _, done, _ in steps] == [0, 1, 0, 1]
