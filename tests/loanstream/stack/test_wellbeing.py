"""Workers that run and are not well are told, and so is that it is over."""

import pytest

from loanstream.stack.probe import Page
from loanstream.stack.wellbeing import SILENT, Wellbeing, complaint_in


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def look(wellbeing, clock, complaint):
    clock.now += 5
    return list(wellbeing.lines({"score-0": complaint, "verify-0": None}))


def test_a_complaint_is_told_once_and_so_is_its_end():
    """The second look believes it, later ones do not repeat it; who is well is never mentioned."""
    clock = Clock()
    wellbeing = Wellbeing(clock)
    assert look(wellbeing, clock, None) == []
    assert look(wellbeing, clock, "in[2] stands still") == []
    assert look(wellbeing, clock, "in[2] stands still") == ["score-0 is not well: in[2] stands still"]
    assert look(wellbeing, clock, "in[2] stands still") == []
    assert look(wellbeing, clock, None) == ["score-0 is well again after 15 s"]
    assert look(wellbeing, clock, None) == []


def test_a_moment_is_no_illness():
    """A restart is told by the supervisor; a single look that finds nobody is not worth a line."""
    clock = Clock()
    wellbeing = Wellbeing(clock)
    assert [look(wellbeing, clock, complaint) for complaint in (SILENT, None, SILENT, None)] == [[]] * 4


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (Page(200, b'{"healthy": true, "complaint": null}'), None),
        (Page(503, b'{"healthy": false, "complaint": "in[2] stands still"}'), "in[2] stands still"),
        (Page(404, b"what is this"), "it answers with status 404 at /healthz"),
        (None, SILENT),
    ],
)
def test_understands_a_worker_s_page(found, complaint):
    """Whatever answers at its port."""
    assert complaint_in(found) == complaint
