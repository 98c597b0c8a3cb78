"""What a running stack tells of itself: on the terminal of `up`, on the workers' pages and in their logs."""

import json
import os
import re
import signal
import time
from collections.abc import Callable

from loanstream.doctor.check import Check
from loanstream.doctor.report import run_doctor
from loanstream.stack import ports
from loanstream.stack.layout import read_stack
from loanstream.stack.probe import page
from schemas.topics import TOPICS

TENANT = "told"
TIMED = re.compile(r"^\d\d:\d\d:\d\dZ ")


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def test_a_refusal_a_death_and_a_return_are_told(stack, bank, shipped_example):
    """A bad record and a good one are counted by bank, cause and outcome, and doctor shows both the bad one and a bank
    that is well; a killed worker is back with the time it was away; every line of a worker is JSON.
    """
    said = stack.layout.state.parent / f"{stack.layout.state.name}.log"  # what `up` says: see `demo.run.stack`
    bank.publish(TENANT, shipped_example["application_id"], json.dumps(shipped_example | {"tenant": TENANT}).encode())
    bank.publish(TENANT, "bad", b"this is no JSON")
    bank.flush()
    bank.wait_for(TENANT, 2)
    known = ports.remembered(stack.layout.ports)
    pages = {name: f"http://127.0.0.1:{known[name]}/metrics" for name in ("verify-0", "score-0")}
    letter = f'loanstream_letters_total{{cause="not_json",slot="0",stage="verify",tenant="{TENANT}"}} 1.0'
    decided = re.compile(rf'loanstream_decisions_total{{outcome="\w+",slot="0",stage="score",tenant="{TENANT}"}} 1.0')
    until(lambda: letter in page(pages["verify-0"]).body.decode())
    until(lambda: decided.search(page(pages["score-0"]).body.decode()))
    until(lambda: f"{TENANT}: 1 record refused, not_json (loanstream dlq list shows them)" in said.read_text())

    pid = {part["name"]: part["pid"] for part in read_stack(stack.layout.state)["processes"]}["verify-0"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: re.search(r"verify-0 is back after [0-9.]+ s", said.read_text()))
    lines = [line for line in said.read_text().splitlines() if "verify-0" in line or "refused" in line]
    assert all(TIMED.match(line) for line in lines), lines
    for name in ("verify-0", "verify-slow-0", "score-0", "record-0", "supervisor"):
        for line in (stack.layout.logs / f"{name}.log").read_text().splitlines():
            assert {"time", "level", "logger", "stage", "worker", "message"} <= json.loads(line).keys(), line
    until(lambda: f"{TENANT}: not_json 1" in _doctor(stack)["refusals"].found)
    until(lambda: all(_doctor(stack)[name].ok for name in ("readers", "progress", "refusals", "verify-0")))


def _doctor(stack) -> dict[str, Check]:
    return {check.name: check for check in run_doctor(stack.layout.state)}


def test_a_partition_that_stands_still_is_in_no_page_while_all_is_well(stack):
    """The gauge of a standstill has no line, and the page says how much waits."""
    known = ports.remembered(stack.layout.ports)
    text = page(f"http://127.0.0.1:{known['record-0']}/metrics").body.decode()
    assert "loanstream_standstill_seconds{" not in text
    assert "loanstream_waiting_offsets{" in text
    assert TOPICS["metrics"].name() not in text
