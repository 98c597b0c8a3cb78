"""The demo's equations: each can fail, and then the demo does."""

import io
from collections import Counter
from types import SimpleNamespace

import pytest
from rich.console import Console, Group

from loanstream.demo import run, show
from loanstream.demo.result import ASKED, Result
from loanstream.stack.layout import Layout
from schemas.problem import Problem


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


def drawing(state, monkeypatch, picture) -> Result:
    """What the demo notes where `picture` is what becomes of the drawing."""
    monkeypatch.setattr("loanstream.looking.picture", picture)
    found, layout = result(answers={name: [] for name in ASKED}), Layout(state)
    run._draw(SimpleNamespace(layout=layout), found, lambda *_: None)
    return found


def told(found: Result, state) -> str:
    return "\n".join(str(part) for part in show._summary(found, state) if isinstance(part, str))


def test_the_demo_leaves_a_picture_of_today_and_says_how_to_open_it(tmp_path, monkeypatch):
    """It is the owner's alone, a next demo may take it away, and scripts find its place."""
    found = drawing(tmp_path, monkeypatch, lambda *_: "<svg/>")
    file = tmp_path / "today.svg"
    assert file.read_text() == "<svg/>"
    assert file.stat().st_mode & 0o777 == 0o600
    assert Layout(tmp_path).foreign() == []
    assert show.as_object(found)["picture"] == str(file)
    assert f"drawn in {file}" in told(found, tmp_path)
    assert f"loanstream dashboards preview --state {tmp_path}" in told(found, tmp_path)


def test_figures_stand_without_a_picture(tmp_path, monkeypatch):
    """A warehouse that is too slow to draw from costs the demo its picture and nothing else."""

    def refused(*_):
        raise Problem("no picture was made")

    found = drawing(tmp_path, monkeypatch, refused)
    assert list(tmp_path.iterdir()) == []
    assert show.as_object(found)["picture"] is None
    assert "drawn" not in told(found, tmp_path)
    assert found.adds_up


def test_the_summary_says_what_applicants_are_told(tmp_path):
    """A row a factor of the principal reasons, with one sentence as applicants read it."""
    row = {"outcome": "refer", "factor": "credit_history", "example": "There is no CIBIL score.", "decisions": 3}
    found = result(answers={name: [] for name in ASKED} | {"principal_reasons": [row]})
    written = io.StringIO()
    Console(file=written, width=120).print(Group(*show._summary(found, tmp_path)))
    (line,) = [line for line in written.getvalue().splitlines() if "credit_history" in line]
    assert [cell.strip() for cell in line.split("│")] == ["refer", "credit_history", "3", "There is no CIBIL score."]
