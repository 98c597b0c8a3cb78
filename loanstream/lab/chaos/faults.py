"""The table of faults: what is done to the stack, how often, and how long outcomes may stay away for it."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import psutil

from loanstream.dlq.asked import Asked
from loanstream.dlq.box import kafka_box
from loanstream.lab.chaos import third
from loanstream.lab.chaos.load import Load, stored
from loanstream.stack.probe import answers
from loanstream.stack.running import RunningStack
from producers.synthetic.broken import bomb
from registry.publish import publish
from registry.scorers import POLICY_FILE
from schemas.operations import ACTIVATION_LEAD_MS, Activation
from scoring.policy_document import parse_policy
from scoring.shipped import shipped_policy_text

SESSION_S, TRANSACTION_S = 10.0, 5.0
"""A member's session and a transaction's timeout, as the transport sets them."""

KILL_GOAL_S = SESSION_S + 5
FREEZE_GOAL_S = SESSION_S + TRANSACTION_S + 5
BROKER_GOAL_S = 45.0
OTHER_GOAL_S = 5.0
FREEZE_S = SESSION_S + 4
AWAY_S = 5.0
RESTART_S = 120.0
BURST = 10_000
BUSY_AFTER_S = 0.5
"""A burst keeps the stages busy for seconds; after so long both work at it."""
READING = 2
"""Documents, one for each bank: a worker that has both reads them at once, each in the six seconds it may take. More
would wait for one another, and the silence would be that of the reading.
"""
JUMPED_WITHIN_S = 6.0
HANDED_OVER_S = 0.8
"""After so long the fast lane has given documents up, and the slow lane reads them."""


@dataclass
class Ground:
    """What a fault may act on. `redriven` counts records that a fault sent again itself; `given_up` are the traces of
    records that nobody waits for any more.
    """

    running: RunningStack
    load: Load
    redriven: int = 0
    given_up: set[str] = field(default_factory=set)

    def pid(self, name: str) -> int:
        """The process id of a process of the stack, as stack.json names it now."""
        processes = RunningStack.at(self.running.layout.state).stack["processes"]
        return next(process["pid"] for process in processes if process["name"] == name)

    def wait_for_successor(self, name: str, before: int) -> None:
        """Return when the supervisor has started `name` again."""
        until = time.monotonic() + RESTART_S
        while time.monotonic() < until:
            if self.pid(name) != before:
                return
            time.sleep(0.1)
        raise TimeoutError(f"{name} was not started again")

    def wait_for_warehouse(self) -> None:
        """Return when the warehouse answers: decisions do not wait for it, so a fault before may have left it away."""
        until = time.monotonic() + RESTART_S
        while not answers(f"{self.running.warehouse_url}/ping"):
            if time.monotonic() > until:
                raise TimeoutError("the warehouse does not answer")
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Fault:
    """One row: its name, what it does (the load goes on meanwhile), how often, and its goal in seconds of silence.

    Where it hits the `slow_lane` the silence is that of the applications which this lane verifies: the others do not
    need it, and would hide that it stands still.
    """

    name: str
    do: Callable[[Ground], None]
    times: int
    goal_s: float
    slow_lane: bool = False


def _signal(name: str, ground: Ground, number: int) -> None:
    before = ground.pid(name)
    os.kill(before, number)
    ground.wait_for_successor(name, before)


def _kill_behind(name: str, ground: Ground) -> None:
    """Killed in the midst of a burst, with transactions one after the other and batches waiting."""
    burst = f"burst-{time.time_ns()}"
    for number in range(BURST):
        ground.load.publish(ground.running.tenants[number % 2], f"{burst}-{number}")
    time.sleep(BUSY_AFTER_S)
    _signal(name, ground, signal.SIGKILL)


def _kill_reading(name: str, ground: Ground) -> None:
    """Killed while the slow lane reads documents."""
    for number in range(READING):
        ground.load.publish_slow(ground.running.tenants[number % 2])
    ground.load.flush()
    time.sleep(HANDED_OVER_S)
    _signal(name, ground, signal.SIGKILL)


def _freeze(name: str, seconds: float, ground: Ground) -> None:
    pid = ground.pid(name)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)


def _stutter(name: str, ground: Ground) -> None:
    """Slow: the process runs a fifth of the time."""
    pid = ground.pid(name)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.4)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.1)


def _third_worker(
    stage: str,
    misbehaviour: third.Misbehaviour,
    ground: Ground,
    meanwhile: Callable[[Ground], object] = lambda _: None,
) -> None:
    """A worker beside those of the stack, with the command and the environment of the first and a slot of its own."""
    process = psutil.Process(ground.pid(f"{stage}-0"))
    command = process.cmdline()[:-2]  # all but --slot and its number
    log = ground.running.layout.logs / f"{stage}-{third.SLOT}.log"
    third.join_and_leave(command, process.environ(), log, misbehaviour, lambda: meanwhile(ground))


def _activate_another(ground: Ground) -> None:
    """Another policy for one bank, which decides alike under another id; returns when it is in force.

    After a moment: by then a clock that jumps has jumped, and was read.
    """
    time.sleep(JUMPED_WITHIN_S)
    running = ground.running
    text = shipped_policy_text("standard").replace("name: standard", f"name: standard-{time.time_ns()}")
    policy_id, store = parse_policy(text).policy_id, running.artefacts
    store.put(policy_id, {POLICY_FILE: text.encode()})
    activation = Activation(
        activation_id=str(uuid.uuid4()),
        tenant=running.tenants[0],
        bundle_id=None,
        policy_id=policy_id,
        actor="chaos",
        reason="to see who decides by it",
    )
    publish(running.bootstrap, running.security, activation, store)
    time.sleep(ACTIVATION_LEAD_MS / 1000)


def _refuse_rows(ground: Ground) -> None:
    """A warehouse that can be read but takes no rows."""
    tables = ("decisions_log", "applications_log", "verifications_log")
    ground.wait_for_warehouse()
    with closing(ground.running.warehouse_writer()) as writer:
        for table in tables:
            writer.command(f"ALTER TABLE {table} MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1")
        try:
            time.sleep(10)
        finally:
            for table in tables:
                writer.command(f"ALTER TABLE {table} RESET SETTING parts_to_throw_insert, parts_to_delay_insert")


def _store_gone(ground: Ground) -> None:
    """The document store away while applications with documents come in."""
    tenant = ground.running.tenants[0]
    reference = stored(ground.running.documents, tenant, b"%PDF-1.4 not much of a document")
    root = ground.running.layout.documents
    away = root.with_name("documents-away")
    root.rename(away)
    try:
        for number in range(20):
            ground.load.publish(tenant, f"store-{time.time_ns()}-{number}", documents=[reference])
        time.sleep(AWAY_S)
    finally:
        away.rename(root)


def _poison(ground: Ground) -> None:
    for number in range(2000):
        poison = b'{"tenant": 1, "tenant": 2}'
        ground.load.publish_bytes(ground.running.tenants[0], f"poison-{number}", poison, "dead letter")


def _bombs(ground: Ground) -> None:
    """Hostile documents of one bank, with the load of both going on."""
    tenant = ground.running.tenants[0]
    for number in range(20):
        reference = stored(ground.running.documents, tenant, bomb(number))
        ground.load.publish(tenant, f"bomb-{time.time_ns()}-{number}", documents=[reference])


def _repeats(ground: Ground) -> None:
    """The same record several times, and the same application with another amount: each record has its outcome."""
    tenant = ground.running.tenants[0]
    for number in range(100):
        name = f"repeat-{time.time_ns()}"
        ground.load.publish(tenant, name)
        ground.load.publish(tenant, name)
        ground.load.publish(tenant, name, annual_income=f"{1_000_000 + number}.00")


def _redrive(ground: Ground) -> None:
    """Every dead letter of a bank back into the stream while it runs."""
    ground.load.flush()
    time.sleep(3)
    running = ground.running
    with closing(kafka_box(running.bootstrap, running.security)) as box:
        # All would be refused again: that is what the fault is about.
        ground.redriven += box.redrive(Asked(running.tenants[1]), force=True).sent


def table(kills: int, restarts: int, others: int) -> list[Fault]:
    """All faults, each so often; the workers of a stage in turn."""
    rows = []
    for stage in ("verify", "verify-slow", "score", "record"):
        slow_lane = stage == "verify-slow"
        kill = _kill_reading if slow_lane else partial(_signal, number=signal.SIGKILL)
        rows += [
            Fault(f"kill {stage}-{slot}", partial(kill, f"{stage}-{slot}"), times, KILL_GOAL_S, slow_lane)
            for slot, times in enumerate(((kills + 1) // 2, kills // 2))
        ]
    for stage in ("verify", "score"):
        rows.append(Fault(f"kill {stage}-0 behind", partial(_kill_behind, f"{stage}-0"), others, KILL_GOAL_S))
    for stage in ("verify", "score", "record"):
        rows.append(Fault(f"freeze {stage}-0", partial(_freeze, f"{stage}-0", FREEZE_S), others, FREEZE_GOAL_S))
    for stage in ("verify", "score"):
        rows.append(Fault(f"join and leave {stage}", partial(_third_worker, stage, third.NONE), others, KILL_GOAL_S))
    rows += [
        Fault("broker stopped", partial(_signal, "kafka", number=signal.SIGTERM), restarts, BROKER_GOAL_S),
        Fault("broker killed", partial(_signal, "kafka", number=signal.SIGKILL), restarts, BROKER_GOAL_S),
        Fault("warehouse killed", partial(_signal, "warehouse", number=signal.SIGKILL), others, OTHER_GOAL_S),
        Fault("warehouse slow", partial(_stutter, "warehouse"), others, OTHER_GOAL_S),
        Fault("warehouse refuses rows", _refuse_rows, others, OTHER_GOAL_S),
        Fault("document store gone", _store_gone, others, AWAY_S + OTHER_GOAL_S),
        Fault(
            "clock jumps",
            partial(_third_worker, "score", third.CLOCK_AHEAD, meanwhile=_activate_another),
            others,
            KILL_GOAL_S,
        ),
        *(
            Fault(f"aborts {stage}{pace}", partial(_third_worker, stage, misbehaviour), others, KILL_GOAL_S)
            for pace, misbehaviour in (("", third.ABORTS), (" polling ahead", third.ABORTS_AHEAD))
            for stage in ("verify", "score")
        ),
        Fault("poison flood", _poison, others, OTHER_GOAL_S),
        Fault("bomb flood", _bombs, others, OTHER_GOAL_S),
        Fault("repeats and conflicts", _repeats, others, OTHER_GOAL_S),
        Fault("redrive under load", _redrive, others, OTHER_GOAL_S),
    ]
    return [row for row in rows if row.times]


class NoSuchFault(Exception):
    """What was asked for names no fault of the table; the text says which there are."""


def chosen(faults: Sequence[Fault], only: str) -> list[Fault]:
    """The faults whose names hold one of the words of `only` (by commas), all of them where it holds none.

    Raises `NoSuchFault` for a word that no name holds: a run of no fault would be green.
    """
    words = [word for part in only.split(",") if (word := part.strip())]
    there_are = f"there are: {', '.join(row.name for row in faults) or 'none, of so few rounds'}"
    for word in words:
        if not any(word in row.name for row in faults):
            raise NoSuchFault(f"no fault is named {word!r}; {there_are}")
    found = [row for row in faults if not words or any(word in row.name for word in words)]
    if not found:
        raise NoSuchFault(there_are)
    return found
