"""A third worker of a stage, which joins beside the two of the stack and may misbehave in itself (see `patches`).

That it joined and misbehaved is asked of it: a fault that did not happen would be a green row for nothing.
"""

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loanstream.stack.bound import bound
from loanstream.stack.ports import LOOPBACK
from loanstream.stack.probe import page
from schemas.problem import Problem

SLOT = 7
PATCHES = Path(__file__).parent / "patches"
"""What `PYTHONPATH` names for a worker that is to misbehave."""

JOINED_WITHIN_S = 60.0
STAYS_S = 10.0
PROVED_WITHIN_S = 30.0
STOPS_WITHIN_S = 30.0

JUMPED = "chaos: the clock jumped"
"""What a worker says once when somebody first reads its clock after the jump."""
_ABORTS = re.compile(rb"^loanstream_aborts_total\{.*\} ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True)
class ThirdWorker:
    """The process, its web port and what it writes."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def joined(self) -> bool:
        """It has partitions to read."""
        ready = self._get("/readyz")
        return bool(ready) and bool(json.loads(ready)["partitions"])  # null before it has joined

    def aborted(self) -> bool:
        """Transactions of its were aborted."""
        found = _ABORTS.search(self._get("/metrics"))
        return found is not None and float(found[1]) > 0

    def jumped(self) -> bool:
        """Its clock was read after it had jumped."""
        return JUMPED in self.log.read_text(errors="replace")

    def require(self, holds: Callable[["ThirdWorker"], bool], within_s: float, otherwise: str) -> None:
        """Return once it `holds`. Problem where it does not within so many seconds or has ended."""
        until = time.monotonic() + within_s
        while self.process.poll() is None and time.monotonic() < until:
            if holds(self):
                return
            time.sleep(0.2)
        ended = "" if self.process.returncode is None else f" and ended with {self.process.returncode}"
        raise Problem(f"the fault did not happen: the third worker {otherwise}{ended}; see {self.log}")

    def _get(self, path: str) -> bytes:
        """A page, of whatever status; nothing where nobody answers."""
        found = page(f"http://{LOOPBACK}:{self.port}{path}")
        return b"" if found is None else found.body


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What makes a worker misbehave, how that is seen, and what is said where it is not."""

    environment: Mapping[str, str] = field(default_factory=dict)
    seen: Callable[[ThirdWorker], bool] = ThirdWorker.joined
    otherwise: str = "lost its partitions"

    def within(self, environment: Mapping[str, str]) -> dict[str, str]:
        """An environment in which a worker misbehaves so; without the patches it would not."""
        return {**patched(environment), **self.environment} if self.environment else dict(environment)


def patched(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment that has the patches, and whatever it already names: a worker runs the code that the others run.

    >>> patched({"PYTHONPATH": "/checkout"})["PYTHONPATH"].rpartition("patches:")[2]
    '/checkout'
    """
    paths = [str(PATCHES), environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


_ABORTING = {"LOANSTREAM_CHAOS_ABORTS": "0.3"}
_NO_ABORT = "aborted no transaction"
NONE = Misbehaviour()
CLOCK_AHEAD = Misbehaviour(
    # Looks so seldom that only the rule makes it see what is published meanwhile, not the second that has passed.
    {"LOANSTREAM_CHAOS_CLOCK_S": "3600", "LOANSTREAM_CHAOS_LOOKS_S": "120"},
    ThirdWorker.jumped,
    "did not see its clock jump",
)
ABORTS = Misbehaviour(_ABORTING, ThirdWorker.aborted, _NO_ABORT)
ABORTS_AHEAD = Misbehaviour(_ABORTING | {"LOANSTREAM_CHAOS_POLLS_AHEAD": "1"}, ThirdWorker.aborted, _NO_ABORT)


def join_and_leave(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    misbehaviour: Misbehaviour = NONE,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Run the worker, see it join, let it work and misbehave for a while, see that it did, and stop it.

    `meanwhile` is called once it has joined. Problem where it did not join, or not misbehave.
    """
    with _running(command, misbehaviour.within(environment), log) as third:
        third.require(ThirdWorker.joined, JOINED_WITHIN_S, "got no partitions")
        meanwhile()
        time.sleep(STAYS_S)
        third.require(misbehaviour.seen, PROVED_WITHIN_S, misbehaviour.otherwise)


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[ThirdWorker]:
    port = _free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            bound([*command, "--slot", str(SLOT)]),
            env={**environment, "LOANSTREAM_PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    try:
        yield ThirdWorker(process, port, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])
