"""A fault inside a worker has to happen: the third worker joins and misbehaves, or the run has failed."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from loanstream.lab.chaos import third
from loanstream.lab.chaos.third import ABORTS, CLOCK_AHEAD, JUMPED, NONE, PATCHES, join_and_leave
from schemas.problem import Problem

WORKER = """
import http.server, json, os, sys
PAGES = json.loads(os.environ["PAGES"])
print(os.environ.get("SAYS", ""), flush=True)
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503)
        self.end_headers()
        self.wfile.write(PAGES[self.path].encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["LOANSTREAM_PORT"])), Page).serve_forever()
"""
METRIC = 'loanstream_aborts_total{slot="7",stage="score"} %s\n'


@pytest.fixture
def run_third(tmp_path, monkeypatch):
    """A stand-in for a worker that answers so much on its pages, joins and leaves."""
    monkeypatch.setattr(third, "STAYS_S", 0.0)
    monkeypatch.setattr(third, "PROVED_WITHIN_S", 0.5)

    def run(misbehaviour, partitions=2, aborts="0.0", says="", program=WORKER):
        # What never joins is not waited for as long as what has to.
        monkeypatch.setattr(third, "JOINED_WITHIN_S", 3.0 if partitions else 1.0)
        pages = {"/readyz": json.dumps({"partitions": partitions}), "/metrics": METRIC % aborts}
        environment = {"PAGES": json.dumps(pages), "SAYS": says}
        # Without the patches: they are for real workers.
        misbehaviour = replace(misbehaviour, environment={})
        join_and_leave([sys.executable, "-c", program], environment, tmp_path / "score-7.log", misbehaviour)
        return (tmp_path / "score-7.log").read_text()

    return run


@pytest.mark.parametrize(
    ("misbehaviour", "pages"), [(NONE, {}), (ABORTS, {"aborts": "2.0"}), (CLOCK_AHEAD, {"says": f"{JUMPED} by 1 s"})]
)
def test_a_fault_that_is_seen_to_happen_is_one(run_third, misbehaviour, pages):
    """Partitions are there, and aborts or a jump where they were wanted; what the worker says is kept."""
    assert run_third(misbehaviour, **pages).startswith(pages.get("says", ""))


@pytest.mark.parametrize(
    ("misbehaviour", "pages", "words"),
    [
        (NONE, {"partitions": None}, "got no partitions; see"),
        (NONE, {"partitions": 0}, "got no partitions; see .*score-7.log"),
        (ABORTS, {}, "aborted no transaction; see"),
        (CLOCK_AHEAD, {"says": "worker started"}, "did not see its clock jump; see"),
        (NONE, {"program": "raise SystemExit(3)"}, "got no partitions and ended with 3; see"),
    ],
)
def test_a_fault_that_did_not_happen_is_a_failed_run(run_third, misbehaviour, pages, words):
    """A plain join instead of a misbehaving worker, or none at all, would be a green row for nothing."""
    with pytest.raises(Problem, match=f"the fault did not happen: the third worker {words}"):
        run_third(misbehaviour, **pages)


def test_a_clock_that_jumps_says_so_once_and_is_an_hour_ahead():
    """And not before it jumps."""
    program = """
import sitecustomize, sys, time
before = time.time()
sitecustomize.JUMP_AFTER_S = -1
sys.stdout.write(f"{time.time() - before:.0f} {(time.time_ns() / 1e9) - before:.0f}")
"""
    environment = CLOCK_AHEAD.within(os.environ)
    command = [sys.executable, "-c", program, "loanstream.worker"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == "3600 3600"
    assert done.stderr.count(JUMPED) == 1


def test_a_worker_whose_clock_jumps_looks_at_the_control_topic_seldom():
    """A look every second would hide that it trusts its clock."""
    program = """
import registry.control, sitecustomize, sys, time
before = registry.control.LOOK_EVERY_S
time.sleep(sitecustomize.JUMP_AFTER_S + 2 * before)
sys.stdout.write(f"{before} {registry.control.LOOK_EVERY_S}")
"""
    command = [sys.executable, "-c", program, "loanstream.worker"]
    environment = CLOCK_AHEAD.within(os.environ)
    assert subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout == "1.0 120.0"


def test_what_is_to_happen_meanwhile_happens_once_it_has_joined(tmp_path, monkeypatch):
    """With the third worker at work, and its clock ahead."""
    monkeypatch.setattr(third, "STAYS_S", 0.0)
    pages = {"/readyz": json.dumps({"partitions": 2})}
    done = []
    command = [sys.executable, "-c", WORKER]
    join_and_leave(command, {"PAGES": json.dumps(pages)}, tmp_path / "log", meanwhile=lambda: done.append("meanwhile"))
    assert done == ["meanwhile"]


def test_a_third_worker_runs_the_code_that_the_others_run():
    """Other code beside the stack's would decide under another code version, and replay would find a difference."""
    others = {"PYTHONPATH": "/checkout", "LOANSTREAM_STATE": "/state"}
    assert NONE.within(others) == others
    assert ABORTS.within(others) == others | ABORTS.environment | {"PYTHONPATH": f"{PATCHES}:/checkout"}
    assert CLOCK_AHEAD.within({})["PYTHONPATH"] == str(PATCHES)
