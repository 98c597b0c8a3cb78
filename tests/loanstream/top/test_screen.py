"""The screen: what stands on it, that it fits a small terminal, and what it says of what could not be asked."""

import io

import pytest
from rich.console import Console

from loanstream.top.frame import DECISION, Backlog, Frame, Pace, Told
from loanstream.top.screen import screen

ACTIVATION = {
    "at": "2026-02-12T09:30:00.120Z",
    "tenant": None,
    "bundle_id": "sha256:" + "3c" * 32,
    "policy_id": "sha256:" + "4b" * 32,
    "actor": "asha",
    "reason": "\x1b[2Ja reason of many words " * 20,
    "withdraws": None,
    "rolls_back": None,
}
BUSY = Frame(
    at="2026-02-12T09:30:00.120Z",
    tenant=None,
    backlogs={
        "verify": Backlog(2, 1_234_567, 5400.0),
        "verify-slow": Backlog(0, 0, None),
        "score": Backlog(None, 12, 0.31),
        "record": Backlog(1, 0, None),
    },
    told=Told(
        paces={
            "verify": Pace(12_345.6, 3.04, 21.0, 12_000.0),
            "score": Pace(99.94, None, 7.0, 340.0),
            DECISION: Pace(None, None, 41.0, 90_000.0),
        },
        decisions={"approve": (12, 3_400), "refer": (0, 1_200), "decline": (3, 200)},
        dead_letters={f"cause_number_{number}": 1000 - number for number in range(9)},
        activation=ACTIVATION,
    ),
)


def shown(frame, width=80, hint=""):
    console = Console(width=width, file=io.StringIO(), record=True, markup=False, emoji=False, color_system=None)
    console.print(screen(frame, hint))
    return console.export_text().splitlines()


def cells(lines, name):
    return next(line for line in lines if line.startswith(f"{name} ")).split()


def test_a_busy_installation_fits_eighty_columns_and_twenty_four_lines():
    """With long reasons, many causes, and something that could not be asked."""
    away = Frame(BUSY.at, "b" + "a" * 30, BUSY.backlogs, BUSY.told, {"broker": "words " * 20})
    for frame in (BUSY, away):
        lines = shown(frame, hint="(Ctrl-C ends)")
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80


def test_each_stage_is_a_line_with_its_figures():
    """Rates, what waits and for how long, how long one takes; a dash where nothing is known."""
    lines = shown(BUSY)
    assert cells(lines, "verify") == ["verify", "2", "12,346", "3.0", "1,234,567", "1.5", "h", "21", "ms", "12.0", "s"]
    assert cells(lines, "verify-slow") == ["verify-slow", "0", "-", "-", "0", "-", "-", "-"]
    assert cells(lines, "score") == ["score", "-", "99.9", "-", "12", "0.3", "s", "7", "ms", "340", "ms"]
    assert cells(lines, DECISION) == [DECISION, "41", "ms", "2", "min"]


def test_decisions_are_counted_by_outcome_with_their_share_of_the_hour():
    """So that an unusual share is seen at once."""
    assert cells(shown(BUSY), "approve") == ["approve", "12", "3,400", "70.8", "%"]


def test_what_was_refused_is_summed_and_its_most_frequent_causes_are_named():
    """The rest is counted."""
    (line,) = (line for line in shown(BUSY, 160) if line.startswith("dead letters"))
    assert line == (
        "dead letters in the last hour: 8964 "
        "(cause_number_0 1000, cause_number_1 999, cause_number_2 998 and 6 causes more)"
    )


def test_the_last_activation_says_what_and_who_and_nothing_moves_the_cursor():
    """A person's words are one line."""
    lines = shown(BUSY)
    at = next(number for number, line in enumerate(lines) if line.startswith("last activation"))
    assert lines[at] == "last activation: 2026-02-12T09:30Z  all banks: bundle 3c3c3c3c, policy 4b4b4b4b"
    assert lines[at + 1].startswith("  by asha:  [2Ja reason of many words")
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("backlogs", "told", "away"), [(None, BUSY.told, "broker"), (BUSY.backlogs, None, "warehouse")]
)
def test_what_could_not_be_asked_is_said_and_the_rest_stands(backlogs, told, away):
    """Neither is a nought where nothing is known."""
    lines = shown(Frame(BUSY.at, None, backlogs, told, {away: "it takes no connections"}))
    assert f"{away} not asked: it takes no connections" in lines
    verify = cells(lines, "verify")
    assert verify[1] == ("-" if backlogs is None else "2")
    assert verify[2] == ("-" if told is None else "12,346")
    assert any(line.startswith("approve") for line in lines) == (told is not None)


def test_figures_of_one_that_hangs_are_told_as_old():
    """They stand there for the seconds in which it may still answer; nobody is to take them for now's."""
    frame = Frame(BUSY.at, None, BUSY.backlogs, BUSY.told, {}, {"broker": 0.9, "warehouse": 6.2})
    assert [line for line in shown(frame) if "not heard" in line] == [
        "warehouse not heard for 6 s: its figures are of then"
    ]


def test_an_installation_in_which_nothing_happened_has_no_share():
    """And no division by nought."""
    told = Told({}, {"approve": (0, 0), "refer": (0, 0), "decline": (0, 0)}, {}, None)
    lines = shown(Frame(BUSY.at, None, None, told))
    assert cells(lines, "approve") == ["approve", "0", "0", "-"]
    assert "dead letters in the last hour: 0" in lines
    assert "last activation: none is known here" in lines
