"""Workers that run and are not well are told, and so is that it is over."""

import threading

import pytest

from loanstream.stack import watch
from loanstream.stack.probe import Page
from loanstream.stack.wellbeing import Wellbeing, complaint_of

SILENT = "it does not answer at /healthz"


def look(wellbeing, clock, complaint):
    clock.now += 5
    return list(wellbeing.lines({"score-0": complaint, "verify-0": None}))


def test_a_complaint_is_told_once_and_so_is_its_end(clock):
    """The second look believes it, later ones do not repeat it; who is well is never mentioned."""
    wellbeing = Wellbeing(clock)
    assert look(wellbeing, clock, None) == []
    assert look(wellbeing, clock, "in[2] stands still") == []
    assert look(wellbeing, clock, "in[2] stands still") == ["score-0 is not well: in[2] stands still"]
    assert look(wellbeing, clock, "in[2] stands still") == []
    assert look(wellbeing, clock, None) == ["score-0 is well again after 15 s"]
    assert look(wellbeing, clock, None) == []


def test_a_moment_is_no_illness(clock):
    """A restart is told by the supervisor; a single look that finds nobody is not worth a line."""
    wellbeing = Wellbeing(clock)
    assert [look(wellbeing, clock, complaint) for complaint in (SILENT, None, SILENT, None)] == [[]] * 4


def test_what_was_told_of_a_process_that_ended_is_over(clock):
    """Its successor begins well; the supervisor tells of both."""
    wellbeing = Wellbeing(clock)
    look(wellbeing, clock, "in[2] stands still")
    look(wellbeing, clock, "in[2] stands still")
    wellbeing.forget("score-0")
    assert look(wellbeing, clock, None) == []


def test_a_worker_that_is_being_started_is_not_looked_at(monkeypatch):
    """That it does not answer is no news; of the others what they complain of and refuse is told."""
    letters = b'loanstream_letters_total{tenant="bank-a",cause="empty"} 2.0\n'
    pages = {"/healthz": Page(503, b'{"complaint": "in[2] stands still"}'), "/metrics": Page(200, letters)}
    asked, told, stop = [], [], threading.Event()

    def page(url):
        asked.append(url)
        if len(asked) > 20:
            stop.set()  # or a test that fails would look for ever
        return pages[url.removeprefix("score")]

    def tell(line):
        told.append(line)
        if len(told) == 2:
            stop.set()

    monkeypatch.setattr(watch, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(watch, "page", page)
    watch.watch({"score-0": "score", "verify-0": "verify"}, lambda name: name == "score-0", tell, stop)
    assert told == [
        "bank-a: 2 records refused, empty (loanstream dlq list shows them)",
        "score-0 is not well: in[2] stands still",
    ]
    assert not [url for url in asked if url.startswith("verify")]


WELL, READY = Page(200, b'{"healthy": true, "complaint": null}'), Page(200, b'{"ready": true, "why": null}')


@pytest.mark.parametrize(
    ("health", "readiness", "complaint"),
    [
        (WELL, READY, None),
        (Page(503, b'{"healthy": false, "complaint": "in[2] stands still"}'), READY, "in[2] stands still"),
        (
            WELL,
            Page(503, b'{"ready": false, "why": "no broker has answered for 9 s"}'),
            "no broker has answered for 9 s",
        ),
        (Page(404, b"what is this"), READY, "it answers with status 404 at /healthz"),
        (WELL, Page(200, b"[]"), "it answers with status 200 at /readyz"),
        (None, None, SILENT),
        (WELL, None, "it does not answer at /readyz"),
    ],
)
def test_understands_a_worker_s_pages(health, readiness, complaint):
    """Whatever answers at its port; who is healthy and waits for a broker is not well."""
    assert complaint_of("a", {"a/healthz": health, "a/readyz": readiness}.__getitem__) == complaint
