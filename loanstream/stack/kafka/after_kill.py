"""Starts the broker, a killed one counted out first: `python -m loanstream.stack.kafka.after_kill DIR JAVA...`.

A single node that was killed still stands in its own metadata as its partitions' leader. When it comes up again it
leads by that, loses the lead when its last session runs out, and gets it back a moment later. Kafka's group
coordinator then loads a group's offsets twice, and takes the end of the first load for the end of the second: until
that ends too it answers with old offsets, and knows no members (docs/measured.md).
So after a kill the node's controller runs alone until it has counted the dead broker out, and the broker that starts
then gets its partitions once.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType

from loanstream.stack.bound import bound

FENCING = "Fencing broker"
COMMITTED = "Processed handleCommit"
"""What the controller says when a session has run out, and of each batch that its log then has;
`log4j2-controller.properties` lets it. The second batch after the first line is the fencing's own, or a later one."""
QUIET_BATCHES = 12
"""So many (there are two a second) without a fencing: then the broker had been counted out before."""
LONGEST_S = 15.0
"""Then the broker starts all the same: slower, and with the coordinator's trouble above."""

CONTROLLER: dict[str, str] = {
    "process.roles": "controller",
    # Its only task is to let a session run out; nobody is there who could still renew it.
    "broker.session.timeout.ms": "1000",
}
BROKERS_OWN = ("advertised.listeners", "inter.broker.listener.name")


def broker_command(directory: Path, java: Sequence[str]) -> list[str]:
    """The command that runs the broker of `directory`, itself `java`; the process stays the same one."""
    return [sys.executable, "-m", __name__, str(directory.resolve()), *java]


def was_killed(data: Path) -> bool:
    """Whether a broker ran in `data` and did not stop in order: Kafka leaves a file behind when it does."""
    return (data / "__cluster_metadata-0").is_dir() and not (data / ".kafka_cleanshutdown").exists()


def controller_properties(properties: str) -> str:
    """A combined node's `server.properties` as those of its controller alone."""
    lines = [line for line in properties.splitlines() if not line.startswith(BROKERS_OWN)]
    table = dict(line.split("=", 1) for line in lines)
    table |= CONTROLLER
    table["listeners"] = next(part for part in table["listeners"].split(",") if part.startswith("CONTROLLER:"))
    protocols = table["listener.security.protocol.map"].split(",")
    table["listener.security.protocol.map"] = next(part for part in protocols if part.startswith("CONTROLLER:"))
    return "".join(f"{key}={value}\n" for key, value in table.items())


def count_out(directory: Path, java: Sequence[str]) -> None:
    """Run the controller of `directory` alone until its dead broker is counted out."""
    broker = directory / "server.properties"
    alone = directory / "controller.properties"
    alone.write_text(controller_properties(broker.read_text()))
    logging = "-Dlog4j2.configurationFile=" + str(Path(__file__).with_name("log4j2-controller.properties"))
    command = [_instead(part, broker, alone, logging) for part in java]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        bound(command), stdin=subprocess.DEVNULL, stdout=pipe, text=True, errors="replace"
    ) as controller:
        _end_with(controller)
        timer = threading.Timer(LONGEST_S, controller.kill)
        timer.start()
        try:
            read_until_counted_out(controller.stdout or ())
        finally:
            timer.cancel()
            # What it has to say stands in its log, which a kill does not take away.
            controller.kill()
    sys.stdout.flush()


def read_until_counted_out(lines: Iterable[str]) -> None:
    """Read the controller's log until the fencing stands in it, there is none to come, or the log ends.

    Its warnings go to standard output.
    """
    left = QUIET_BATCHES
    for line in lines:
        if FENCING in line:
            left = 2
        left -= COMMITTED in line
        if left == 0:
            return
        if " INFO " not in line and " DEBUG " not in line:
            sys.stdout.write(line)


def _instead(part: str, broker: Path, alone: Path, logging: str) -> str:
    if part.startswith("-Dlog4j2.configurationFile="):
        return logging
    return str(alone) if part == str(broker.resolve()) else part


def _end_with(controller: "subprocess.Popen[str]") -> None:
    def stop(number: int, _: FrameType | None) -> None:
        controller.kill()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def main(directory: Path, java: Sequence[str]) -> None:
    """Count a killed broker out, then become the broker."""
    if was_killed(directory / "data"):
        count_out(directory, java)
    os.execvp(java[0], list(java))  # noqa: S606 - the command is the supervisor's own


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
