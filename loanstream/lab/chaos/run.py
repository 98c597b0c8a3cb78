"""`loanstream chaos`: goes through the table of faults and counts what became of every record."""

import json
import math
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from loanstream.ask.reconcile import reconcile
from loanstream.ask.replay import replay
from loanstream.demo.run import stack
from loanstream.lab.chaos.faults import Fault, Ground
from loanstream.lab.chaos.load import Load, Sent, Verdict
from loanstream.lab.chaos.third import patched
from loanstream.stack.bound import bound
from loanstream.stack.fresh import clear
from loanstream.stack.running import RunningStack
from loanstream.terminal import console
from loanstream.terminal import table as text_table
from registry.history import ActivationHistory, InForce, Published
from registry.publish import activations
from schemas.problem import Problem
from schemas.values import ms_of_utc

WORKERS = 2
SETTLED_WITHIN_S = 90.0
RECENT_S = 3.0
"""What was sent this long ago has its outcome, where nothing is wrong."""
SINCE_S = 0.3
"""In it a standing broker confirms a dozen records."""

WITHIN_S = 120.0
BROKEN: dict[str, tuple[str, ...]] = {
    # a rule taken out of the transport (see `patches`): the faults that cannot but show it
    "commit-outside": ("--only", "behind"),
    "no-veto": ("--only", "polling ahead"),
}
RED, GREEN, FAILED_TO_RUN = "red", "green", "failed to run"
"""What the self-test calls a run. Red is a loss or a doubling that was counted: an exit code of 1 may be anything."""

MUST_BE_ZERO = (
    *("lost", "duplicated", "conflicting", "misjudged"),
    *("beyond_goal", "undelivered", "differences", "unequal"),
)
"""Of the totals, what decides the exit code; `beyond_goal` is a list of names and must be empty."""


@dataclass(slots=True)
class Outcomes:
    """What the witness saw, by trace."""

    file: Path
    read: int = 0
    at: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    decisions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ended: dict[str, set[Verdict]] = field(default_factory=lambda: defaultdict(set))
    slow: set[str] = field(default_factory=set)
    """Those that the slow lane verified."""
    made_by: dict[str, list[tuple[str, int, InForce]]] = field(default_factory=lambda: defaultdict(list))
    """Of decisions: the tenant, the moment of acceptance and what decided."""
    otherwise: frozenset[str] = frozenset()
    """Those that another bundle or policy decided than the history of activations says."""

    def compare(self, history: Iterable[Published]) -> None:
        """Hold every decision against the whole history, which no worker had when it decided."""
        told = ActivationHistory()
        for published in history:
            told.add(published.activation, published.at_ms)
        self.otherwise = frozenset(
            trace
            for trace, decisions in self.made_by.items()
            if any(told.in_force(tenant, accepted_ms) != chosen for tenant, accepted_ms, chosen in decisions)
        )

    def look(self) -> None:
        """Read what the witness has written since."""
        with self.file.open() as lines:
            lines.seek(self.read)
            while (line := lines.readline()).endswith("\n"):
                self.read = lines.tell()
                seen = json.loads(line)
                if "trace" in seen:
                    self._note(seen)

    def _note(self, seen: Mapping[str, Any]) -> None:
        trace = seen["trace"]
        self.at[trace].append(seen["at"])
        self.ended[trace].add(_verdict_of(seen))
        if seen["decision_id"] is not None:
            self.decisions[trace].add(seen["decision_id"])
            accepted_ms = ms_of_utc(datetime.fromisoformat(seen["accepted_at"]))
            self.made_by[trace].append((seen["tenant"], accepted_ms, InForce(seen["bundle_id"], seen["policy_id"])))
        if seen["lane"] == "slow":
            self.slow.add(trace)


def _verdict_of(seen: Mapping[str, Any]) -> Verdict:
    if seen["decision_id"] is None:
        return "dead letter"
    return "referral" if (seen["outcome"], seen["verification_result"]) == ("refer", "unreadable") else "decision"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault's figures. `misjudged` are records that did not end as they had to: a readable application as a dead
    letter, say, or one decided by another policy than was in force. `silence_s` is the longest time for which records
    of some partition waited and none had an outcome.
    """

    fault: str
    times: int
    sent: int
    decided: int
    lost: int
    duplicated: int
    conflicting: int
    misjudged: int
    silence_s: float
    goal_s: float


def totals(rows: Sequence[Row], strangers: int, redriven: int) -> dict[str, Any]:
    """All rows together; `strangers` are outcomes of no record of ours beside those of `redriven` ones."""
    return {
        "faults": sum(row.times for row in rows),
        "sent": sum(row.sent for row in rows),
        "lost": sum(row.lost for row in rows) + max(0, redriven - strangers),
        "duplicated": sum(row.duplicated for row in rows) + max(0, strangers - redriven),
        "conflicting": sum(row.conflicting for row in rows),
        "misjudged": sum(row.misjudged for row in rows),
        "longest_silence_s": max((row.silence_s for row in rows), default=0.0),
        "beyond_goal": [row.fault for row in rows if row.silence_s > row.goal_s],
    }


def count(fault: Fault, sent: Iterable[Sent], outcomes: Outcomes, silence_s: float) -> Row:
    """What became of the records of one fault."""
    own = list(sent)
    ids: dict[str, set[str]] = defaultdict(set)
    for record in own:
        ids[record.content] |= outcomes.decisions.get(record.trace, set())
    times = [len(outcomes.at.get(record.trace, ())) for record in own]
    return Row(
        fault.name,
        fault.times,
        len(own),
        sum(1 for record in own if outcomes.decisions.get(record.trace)),
        sum(1 for found in times if found == 0),
        sum(found - 1 for found in times if found > 1),
        sum(1 for found in ids.values() if len(found) > 1),
        sum(
            1
            for record in own
            if record.trace in outcomes.otherwise or outcomes.ended.get(record.trace, set()) - {record.due}
        ),
        round(silence_s, 1),
        fault.goal_s,
    )


def run_chaos(state: Path, faults: Sequence[Fault]) -> int:
    """Run the faults on a fresh stack at `state`; 0 only if nothing was lost, doubled, decided two ways or ended as it
    should not, no silence was beyond its goal, and the warehouse and the replay agree. The last line printed is one
    JSON object.

    An earlier state there is removed. Problem for anything else there.
    """
    clear(state)
    state.parent.mkdir(parents=True, exist_ok=True)
    with stack(state, "--workers", str(WORKERS)) as (running, _):
        rows, end = go_through(running, state.with_name(f"{state.name}-witness.jsonl"), faults)
    columns = [column.name.replace("_", " ") for column in fields(Row)]
    console().print(text_table("chaos", *columns, rows=[tuple(asdict(row).values()) for row in rows]))
    sys.stdout.write(json.dumps(end) + "\n")
    return exit_code(end)


def exit_code(end: Mapping[str, Any]) -> int:
    """0 where the totals hold nothing that must not be."""
    return 1 if any(end[name] for name in MUST_BE_ZERO) else 0


def selftest(state: Path) -> int:
    """Run chaos against transports with a rule taken out; 0 only if each run turns red: then green means something."""
    verdicts = {}
    for broken, faults in BROKEN.items():
        command = [sys.executable, "-m", "loanstream", "chaos", "--state", str(state / broken), *faults]
        environment = patched(os.environ) | {"LOANSTREAM_CHAOS_BREAK": broken}
        done = subprocess.run(bound(command), env=environment, check=False, stdout=subprocess.PIPE, text=True)
        sys.stdout.write(done.stdout)
        verdicts[broken] = verdict(done.stdout)
    sys.stdout.write(json.dumps(verdicts) + "\n")
    return 0 if set(verdicts.values()) == {RED} else 1


def verdict(printed: str) -> str:
    """What a run's last line says of it. A run that stopped before it had counted is neither red nor green.

    >>> verdict('{"faults": 2, "lost": 1, "duplicated": 0}')
    'red'
    """
    try:
        end = json.loads(printed.strip().rpartition("\n")[2])
        faults, wrong = end["faults"], end["lost"] + end["duplicated"]
    except (ValueError, KeyError, TypeError):
        return FAILED_TO_RUN
    if not faults:
        return FAILED_TO_RUN
    return RED if wrong else GREEN


def go_through(running: RunningStack, file: Path, faults: Sequence[Fault]) -> tuple[list[Row], dict[str, Any]]:
    """Every fault in turn, with witness and load; the rows and the totals with what the warehouse says."""
    outcomes = Outcomes(file)
    silences: dict[str, float] = {}
    with watching(running, file):
        ground = Ground(running, Load(running))
        ground.load.start()
        _settle(ground, outcomes)
        for fault in faults:
            ground.load.fault = fault.name
            for time_of in range(fault.times):
                began = time.time()
                fault.do(ground)
                _settle(ground, outcomes)
                watched = watched_by(fault, dict(ground.load.sent), outcomes, began)
                silence = longest_silence(outcomes, watched, began, time.time())
                silences[fault.name] = max(silence, silences.get(fault.name, 0.0))
                sys.stderr.write(f"{fault.name} {time_of + 1}/{fault.times}: silent for {silence:.1f} s\n")
        ground.load.end()
        _wait_for_all(ground, outcomes)
    outcomes.compare(activations(running.bootstrap, running.security))
    sent = list(ground.load.sent.values())
    warm_up = Fault("(no fault)", lambda _: None, 0, 0.0)
    rows = [
        count(fault, (one for one in sent if one.fault == fault.name), outcomes, silences.get(fault.name, 0.0))
        for fault in faults
    ]
    rows.append(count(warm_up, (one for one in sent if one.fault == "warm-up"), outcomes, 0.0))
    strangers = sum(len(found) for trace, found in outcomes.at.items() if trace not in ground.load.sent)
    end = totals(rows, strangers, ground.redriven) | {"undelivered": ground.load.failed}
    end["differences"] = len(reconcile(running).differences)
    replayed = replay(running).totals
    return rows, end | {"replayed": replayed["equal"], "unequal": replayed.total() - replayed["equal"]}


class watching:  # noqa: N801 - reads as a verb: with watching(...)
    """The witness, running."""

    def __init__(self, running: RunningStack, file: Path) -> None:
        file.unlink(missing_ok=True)
        module = [sys.executable, "-m", "loanstream.lab.chaos.witness"]
        command = [*module, str(running.layout.state), str(file), *running.tenants]
        self._file, self._process = file, subprocess.Popen(bound(command))

    def __enter__(self) -> None:
        until = time.monotonic() + WITHIN_S
        while not self._file.exists() or not self._file.stat().st_size:
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the witness did not begin to watch")
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def watched_by(fault: Fault, sent: Mapping[str, Sent], outcomes: Outcomes, began: float) -> Mapping[str, Sent]:
    """The records whose outcomes must not stay away: all, or those that the slow lane decides (or that wait for it).

    Problem where there are none of these: no silence would have been measured.
    """
    if not fault.slow_lane:
        return sent
    found = {
        trace: record
        for trace, record in sent.items()
        if trace in outcomes.slow or (record.due == "referral" and trace not in outcomes.at)
    }
    if not any(record.at > began for record in found.values()):
        raise Problem(f"{fault.name}: the slow lane had nothing to do, so its silence was not measured")
    return found


def longest_silence(outcomes: Outcomes, sent: Mapping[str, Sent], began: float, ended: float) -> float:
    """The longest time for which records of some partition waited and none of them had an outcome, between two moments
    (seconds since 1970): what its applicants waited for a sign of life.
    """
    waits: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for trace, record in sent.items():
        answered = min(outcomes.at.get(trace, (math.inf,)))
        if answered > began and record.at < ended:
            waits[record.partition].append((record.at, answered))
    return max((_silence(of_partition, began, ended) for of_partition in waits.values()), default=0.0)


def _silence(waits: Sequence[tuple[float, float]], began: float, ended: float) -> float:
    """Of waits (from, to): the longest time without an end of one, from the first beginning of those that end later."""
    longest, later, waiting_since = 0.0, ended, math.inf
    for since, answered in [*sorted(waits, key=itemgetter(1), reverse=True), (math.inf, began)]:
        longest = max(longest, later - max(answered, waiting_since))
        later, waiting_since = min(later, answered), min(waiting_since, since)
    return longest


def _settle(ground: Ground, outcomes: Outcomes) -> None:
    """Wait until what was sent some seconds ago has its outcome, something of it sent from now on.

    While the broker is away nothing counts as sent, and all that was may have its outcome: the fault has only begun.
    What has none after minutes is given up, and the count will tell.
    """
    asked, until = time.time(), time.monotonic() + SETTLED_WITHIN_S
    time.sleep(SINCE_S)
    while True:
        older = set(ground.load.sent) - ground.given_up
        time.sleep(RECENT_S)
        outcomes.look()
        waiting = older - outcomes.at.keys()
        if not waiting and any(ground.load.sent[trace].at > asked for trace in older):
            return
        if time.monotonic() > until:
            ground.given_up |= waiting
            return


def _wait_for_all(ground: Ground, outcomes: Outcomes) -> None:
    until = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < until:
        outcomes.look()
        expected = len(ground.load.sent) + ground.redriven
        if sum(len(found) for found in outcomes.at.values()) >= expected:
            break
        time.sleep(0.5)
    # A second outcome of a record would follow at once.
    time.sleep(RECENT_S)
    outcomes.look()
