"""Runs the demo: stack up, publish, wait until everything is decided and recorded, reconcile, sum up."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from loanstream.demo.gateway import GatewayBank
from loanstream.demo.result import ASKED, Result
from loanstream.demo.traffic import Item, traffic
from loanstream.demo.watch import Watch
from loanstream.extras import need
from loanstream.stack.bound import bound
from loanstream.stack.fresh import clear
from loanstream.stack.running import RunningStack
from loanstream.stack.space import need_room
from producers.client import ApplicationProducer
from schemas.problem import Problem
from stores.private_files import write_private

RATE = 40
"""Applications a second: a pace at which documents are read while one looks on."""

PATIENCE_S = 120
"""How long nothing may move before the demo gives up."""

SINCE = "now-2h"
"""The time that the demo's picture shows: what is counted by the hour needs the whole of the hour before, too."""

Progress = Callable[[str, int, int], None]
"""Told what is going on, how far it is, of how many."""


@contextmanager
def stack(
    state: Path,
    *arguments: str,
    module: Sequence[str] = ("loanstream", "up"),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[tuple[RunningStack, float]]:
    """A fresh `loanstream up` in a process of its own; the connection to it and the seconds until it was ready.

    The lab runs stacks by another `module`, and with settings in their `environment`.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    # On a full disk the log below could not say why the stack ended.
    need_room(state)
    started = time.monotonic()
    log = state.parent / f"{state.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            bound([sys.executable, "-m", *module, "--state", str(state), *arguments]),
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1", **environment},
        )
    try:
        while not (state / "stack.json").exists():
            if process.poll() is not None:
                lines = log.read_text(errors="replace").strip().splitlines()
                raise Problem(lines[-1] if lines else f"the stack ended at once; see {log}")
            time.sleep(0.05)
        yield RunningStack.at(state), time.monotonic() - started
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def run(state: Path, progress: Progress, scale: float = 1.0) -> Result:
    """The demo on a fresh state at `state`; an earlier one there is removed. Problem for anything else there."""
    need("stack")
    clear(state)
    result = Result()
    items = list(traffic(scale))
    progress("starting the stack", 0, 1)
    with stack(state) as (running, result.stack_ready_s):
        progress("starting the stack", 1, 1)
        with Watch(running, tuple({item.tenant for item in items})) as watch:
            _publish(running, items, result, progress)
            _wait(watch, len(items), progress)
            result.decision_records, result.decision_ids = watch.decision_records, len(watch.decision_ids)
            result.dead_letters = watch.dead_letters
        _ask(running, result, progress)
        _draw(running, result, progress)
    return result


def _publish(running: RunningStack, items: list[Item], result: Result, progress: Progress) -> None:
    with ExitStack() as doors:
        banks = sorted({item.tenant for item in items})
        kafka = {
            tenant: doors.enter_context(ApplicationProducer(running.producer_settings(tenant), tenant))
            for tenant in banks
        }
        https = {tenant: doors.enter_context(GatewayBank(running.stack, tenant)) for tenant in banks}
        started = time.monotonic()
        for number, item in enumerate(items):
            if item.over_https:
                for document in item.documents:
                    https[item.tenant].store(document)
                result.answered[https[item.tenant].send(item.value)] += 1
            else:
                for document in item.documents:
                    running.documents.put(item.tenant, document.data)
                kafka[item.tenant].submit_raw(item.key, item.value)
            result.note(item.truth, item.key.decode(), over_https=item.over_https)
            progress("publishing applications", number + 1, len(items))
            time.sleep(max(0.0, started + (number + 1) / RATE - time.monotonic()))


def _wait(watch: Watch, expected: int, progress: Progress) -> None:
    seen, since = -1, time.monotonic()
    while watch.total < expected:
        progress("deciding", watch.total, expected)
        if watch.total != seen:
            seen, since = watch.total, time.monotonic()
        elif time.monotonic() - since > PATIENCE_S:
            return  # the figures will not add up, and say where
        time.sleep(0.1)
    progress("deciding", watch.total, expected)


def _ask(running: RunningStack, result: Result, progress: Progress) -> None:
    from dashboards.queries import run as ask
    from loanstream.ask.reconcile import reconcile
    from loanstream.ask.replay import replay

    progress("reconciling the warehouse with the topics", 0, 1)
    result.differences = list(reconcile(running).differences)
    progress("reconciling the warehouse with the topics", 1, 1)
    progress("replaying every decision from its receipt", 0, 1)
    result.replay = dict(replay(running).totals)
    progress("replaying every decision from its receipt", 1, 1)
    with closing(running.warehouse()) as warehouse:
        result.recorded = int(warehouse.query("SELECT count() FROM decisions").first_row[0])
        result.answers = {name: ask(warehouse, name) for name in ASKED}
        result.decided = dict(warehouse.query("SELECT application_id, outcome FROM decisions").result_rows)


def _draw(running: RunningStack, result: Result, progress: Progress) -> None:
    """Leave a picture of *Today* beside the state's own files; the figures stand without one, too."""
    from dashboards.today import TODAY
    from loanstream.looking import picture

    progress("drawing the dashboard Today", 0, 1)
    with suppress(Problem):
        write_private(running.layout.picture, picture(running, TODAY, None, SINCE).encode())
        result.picture = running.layout.picture
    progress("drawing the dashboard Today", 1, 1)
