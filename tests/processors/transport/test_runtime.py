"""How a worker's health is judged, how it ends, what it logs."""

import asyncio
import json
import logging
import platform
import subprocess
import sys
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from processors.transport import meters as transport_meters
from processors.transport.batches import Output, spans
from processors.transport.complaints import AGAIN_S, Complaints
from processors.transport.logs import JsonLines, place_of
from processors.transport.meters import METERS, Meters
from processors.transport.runtime import Progress, Watchdog, beat
from processors.transport.specs import RangeSpec
from schemas.records import MemoryMessage


def test_a_poll_thread_that_stands_still_is_unhealthy(clock):
    """Alive is not enough: the poll thread must have come round within ten seconds."""
    progress = Progress(30, clock)
    clock.now = 9
    assert progress.complaint() is None
    clock.now = 11
    assert progress.complaint() == "the poll thread has not turned for 11 s"


def test_waiting_input_without_a_commit_is_unhealthy_and_no_input_is_not(clock):
    """An idle worker is healthy for ever; one that has input must commit within its patience."""
    progress = Progress(30, clock)
    for clock.now in range(100):
        progress.looped(0)
    assert progress.complaint() is None
    for clock.now in range(100, 135):
        progress.looped(1)
    assert "nothing was committed" in progress.complaint()
    progress.committed()
    assert progress.complaint() is None


@pytest.mark.parametrize(("rounds", "begins"), [(True, "input has been waiting for "), (False, "the poll thread has ")])
def test_who_commits_nothing_says_what_it_is_at(clock, rounds, begins):
    """Whether the poll thread still turns or not: the sentence names it, and for how long it has been."""
    progress = Progress(30, clock)
    progress.looped(1)
    clock.now = 5
    progress.doing("committing the plan of in[2]")
    for clock.now in range(5, 40):
        if rounds:
            progress.looped(1)
    assert progress.complaint().startswith(begins)
    assert progress.complaint().endswith(": for 34 s it has been committing the plan of in[2]")
    progress.doing(None)
    assert "it has been" not in progress.complaint()


def test_a_complaint_stands_in_the_workers_own_log(clock, caplog):
    """Once when it begins, once when it becomes another one, each minute that it lasts, and once when it is over."""
    caplog.set_level(logging.INFO)
    found = [None, "waits for 31 s", "waits for 32 s", "stands at offset 7", "stands at offset 7", None, None]
    complaints = Complaints(lambda: found.pop(0), "healthy", clock)
    said = []
    while found:
        complaints.look()
        said.append(len(caplog.messages))
        clock.now += 1 if len(found) != 3 else AGAIN_S
    assert caplog.messages == [
        "waits for 31 s",
        "stands at offset 7",
        "stands at offset 7",
        "this worker is healthy again",
    ]
    assert said == [0, 1, 1, 2, 3, 4, 4]


def test_a_partition_that_waits_too_long_for_what_is_down_is_unhealthy(clock):
    """Others go on and commit meanwhile: the worker says which partition waits, since when and for what."""
    progress = Progress(30, clock)
    store, other = {("in", 3): "the store is away"}, {("in", 4): "the store is away"}
    assert progress.deferred(store) == ["in[3]: the store is away"]
    for clock.now in range(1, 40):
        progress.looped(0)
        assert progress.deferred(store) == []  # said once, not every second
        progress.committed({("in", 0): 1})
    assert progress.complaint() == "in[3] has been waiting for 39 s: the store is away"
    progress.deferred(other)
    progress.committed({("in", 3): 1})
    assert progress.complaint() is None


def test_what_a_partition_waits_for_may_change(clock):
    """The new reason is said, and it has been waiting as long as before."""
    progress = Progress(30, clock)
    place = ("in", 3)
    progress.deferred({place: "the bundle is missing"})
    clock.now = 20
    assert progress.deferred({place: "the bundle does not load"}) == ["in[3]: the bundle does not load"]
    clock.now = 35
    progress.looped(0)
    assert progress.complaint() == "in[3] has been waiting for 35 s: the bundle does not load"


def test_what_another_worker_has_now_is_no_complaint_of_this_one(clock):
    """A new assignment begins with nothing waiting."""
    progress = Progress(30, clock)
    progress.deferred({("in", 3): "the store is away"})
    progress.reassigned({("in", 0): 0, ("in", 1): 0})
    clock.now = 9
    progress.looped(0)
    clock.now = 40
    progress.looped(0)
    assert progress.complaint() is None


def test_a_worker_is_ready_after_the_first_turn_with_its_assignment():
    """An assignment alone, even of no partition at all, is not yet a poll."""
    progress = Progress(30)
    progress.looped(0)
    assert not progress.ready
    progress.assigned = 0
    progress.looped(0)
    assert progress.ready


@pytest.mark.parametrize(("step", "ends"), [(time.sleep, True), (None, False)], ids=["hangs", "waits"])
def test_a_stage_that_hangs_ends_its_worker_and_one_that_waits_does_not(step, ends):
    """A function that never gives the loop back would hold its partitions for ever, and look alive."""
    told = []
    watchdog = Watchdog(told.append, 0.2)
    watchdog.start()

    async def work():
        beating = asyncio.create_task(beat(watchdog, 0.02))
        await asyncio.sleep(0.05)
        if step is None:
            await asyncio.sleep(0.6)
        else:
            step(0.6)
        beating.cancel()
        watchdog.stop()

    asyncio.run(work())
    assert bool(told) == ends
    assert all("a step of the event loop has not returned" in line for line in told)


def test_a_call_that_does_not_return_ends_the_process():
    """The watchdog names the call; one that returned in time, or an idle thread, is left alone."""
    lines, ended = [], threading.Event()

    def die(line):
        lines.append(line)
        ended.set()

    dog = Watchdog(die, limit_s=0.2)
    dog.start()
    dog.busy("begin_transaction")
    dog.idle()
    assert not ended.wait(0.5)
    dog.busy("send_offsets")
    assert ended.wait(5)
    dog.stop()
    assert lines[0].startswith("send_offsets has not returned")


def test_a_log_line_says_type_and_place_of_an_error_and_not_its_text():
    """The text of an exception may quote the applicant."""
    try:
        int("Jane Canary")
    except ValueError as error:
        place = place_of(error)
        record = logging.LogRecord("a", logging.ERROR, "x", 1, "failed", (), (ValueError, error, error.__traceback__))
    line = json.loads(JsonLines("score", "score-3").format(record))
    assert place.startswith("ValueError at ")
    assert line["error"] == place
    assert (line["stage"], line["worker"], line["message"]) == ("score", "score-3", "failed")
    assert "Canary" not in json.dumps(line)


def test_every_metric_of_the_table_is_exposed_with_its_explanation():
    """One table makes the metrics, and a snapshot has the same names."""
    meters = Meters("score", 0)
    meters.add("records_in", 3)
    meters.set("open_batches", 2)
    meters.observe("commit_seconds", 0.5)
    text = meters.text().decode()
    assert all(f"loanstream_{meter.name}" in text and meter.tells in text for meter in METERS)
    found = meters.snapshot()
    assert (found["records_in_total"], found["open_batches"], found["commit_seconds_sum"]) == (3, 2, 0.5)


def test_decisions_and_letters_are_counted_by_tenant_and_by_what_they_are():
    """Only causes, outcomes and topics that are known become labels: what was found never does."""
    meters = Meters("score", 0)
    told = [
        ("loan.decisions.v1.bank-a", ("decisions", "approve")),
        ("loan.decisions.v1.bank-a", ("decisions", "approve")),
        ("loan.decisions.v1.bank-b", ("decisions", "refer")),
        ("loan.applications.v1.bank-a.dlq", ("letters", "not_json")),
        ("loan.applications.v1.bank-a.dlq", ("letters", "Jane Canary")),
        ("loan.control.v1.dlq", ("letters", "invalid_event")),
        ("elsewhere", ("letters", "empty")),
        ("loan.verifications.v1.bank-a", None),
    ]
    meters.tally(Output(topic, None, b"", (), tallied=tallied) for topic, tallied in told)
    found = {
        (sample.name, *(sample.labels[name] for name in ("tenant", "outcome", "cause") if name in sample.labels)): (
            sample.value
        )
        for family in text_string_to_metric_families(meters.text().decode())
        for sample in family.samples
        if sample.name in ("loanstream_decisions_total", "loanstream_letters_total")
    }
    assert found == {
        ("loanstream_decisions_total", "bank-a", "approve"): 2,
        ("loanstream_decisions_total", "bank-b", "refer"): 1,
        ("loanstream_letters_total", "bank-a", "not_json"): 1,
        ("loanstream_letters_total", "bank-a", "other"): 1,
        ("loanstream_letters_total", "shared", "invalid_event"): 1,
        ("loanstream_letters_total", "other", "empty"): 1,
    }
    assert not [name for name in meters.snapshot() if name.startswith(("decisions", "letters"))]


def test_tenants_beyond_a_bound_are_told_in_sum(monkeypatch):
    """However many topics there are, the page of metrics stays readable."""
    monkeypatch.setattr(transport_meters, "TENANTS_MOST", 2)
    meters = Meters("score", 0)
    for number in range(5):
        meters.tally([Output(f"loan.decisions.v1.bank-{number}", None, b"", (), tallied=("decisions", "refer"))])
    text = meters.text().decode()
    assert 'tenant="bank-1"} 1.0' in text.replace('outcome="refer",', "")
    assert 'tenant="other"} 3.0' in text.replace('outcome="refer",', "")


def test_a_gauge_with_labels_forgets_what_is_over():
    """A partition that moves again has no line any more."""
    meters = Meters("score", 0)
    meters.set_each("standstill_seconds", {("in", "2"): 31.0})
    assert 'partition="2"' in meters.text().decode()
    meters.set_each("standstill_seconds", {})
    assert 'partition="2"' not in meters.text().decode()


_LAST_WORDS = """
import sys, threading, warnings
from processors.transport.logs import log_to_stderr

class Careless:
    def __del__(self):
        raise ValueError("Jane Canary in a destructor")

def fail():
    raise ValueError("Jane Canary in a thread")

log_to_stderr("score", 3)
warnings.warn("old")
thread = threading.Thread(target=fail, name="commit")
thread.start()
thread.join()
careless = Careless()
del careless
raise ValueError("Jane Canary")
"""


def test_the_last_words_of_a_process_are_json_lines_too():
    """Warnings and exceptions that nobody caught, in whatever thread: type and place, never the text."""
    done = subprocess.run([sys.executable, "-c", _LAST_WORDS], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert [line["worker"] for line in lines] == ["score-3"] * 4
    said = [line["message"] for line in lines]
    assert "old" in said[0]
    assert said[1].startswith("thread commit ended: ValueError at ")
    assert said[2].startswith("an exception could not be raised: ValueError at ")
    assert said[3].startswith("the process ends: ValueError at ")
    assert "Canary" not in done.stderr


def test_a_subscription_that_no_client_would_take_is_refused():
    """An empty list and a broken pattern stop the start, not the stream."""
    with pytest.raises(ValueError, match="at least one topic"):
        RangeSpec("record", (), lambda *_: None)
    with pytest.raises(ValueError, match="no regular expression"):
        RangeSpec("record", ("^loan.(",), lambda *_: None)


def test_spans_cover_first_to_one_after_last_of_each_partition():
    """What a batch covers is what is committed for it, holes included."""
    messages = [MemoryMessage("t", 0, 4), MemoryMessage("t", 1, 9), MemoryMessage("t", 0, 7)]
    assert spans(messages) == {("t", 0): (4, 8), ("t", 1): (9, 10)}


_HOLES = """
import psutil
from processors.transport.runtime import give_back_memory

blocks = [bytes(2_000) for _ in range(50_000)]
kept = blocks[::50]
del blocks
held = psutil.Process().memory_info().rss
give_back_memory()
print(held - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library gives memory back by itself, or not")
def test_gives_back_what_was_freed_between_blocks_still_in_use():
    done = subprocess.run([sys.executable, "-c", _HOLES], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 50_000_000
