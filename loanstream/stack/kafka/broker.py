"""A real Apache Kafka: one KRaft node on loopback, from cached jars, on the environment's Java.

`EmbeddedKafka(directory)` is a broker for tests and tools; the supervisor takes `broker_command` and `is_ready`.
"""

from collections.abc import Callable
from pathlib import Path

from loanstream.stack import ports
from loanstream.stack.child import Child
from loanstream.stack.kafka import after_kill, jars
from loanstream.stack.kafka.archive import java_command, prepare
from loanstream.stack.kafka.node import PORT_NAMES, format_directory, is_ready, write_properties

READY_WITHIN_S = 60.0


def bootstrap(directory: Path) -> str:
    """The address a broker in `directory` listens on (or will, once started): `127.0.0.1:PORT`."""
    chosen = ports.keep_or_pick(directory / ports.FILE, PORT_NAMES)
    return f"{ports.LOOPBACK}:{chosen['broker']}"


def broker_command(
    directory: Path, *, cache: Path | None = None, on_progress: Callable[[str], None] = lambda _: None
) -> tuple[str, list[str]]:
    """The address and the command of a broker whose data live in `directory`; formats the directory when new.

    Fetches jars and makes the start-up archive where the user's cache has none. Raises Problem.
    """
    home = jars.broker_home(cache)
    prepare(home, on_progress)
    format_directory(directory, home)
    properties, address = write_properties(directory)
    return address, after_kill.broker_command(directory, java_command(home, "kafka.Kafka", str(properties)))


class EmbeddedKafka(Child):
    """A broker with its data in `directory`, for tests and tools.

    with EmbeddedKafka(tmp_path) as broker:
        Producer({"bootstrap.servers": broker.bootstrap})

    A second start finds the data again.
    """

    def __init__(self, directory: Path, *, cache: Path | None = None) -> None:
        super().__init__("broker", directory / "kafka.log", READY_WITHIN_S)
        self.directory = directory
        self.bootstrap = ""
        self._cache = cache
        self._home = jars.broker_home(cache)

    def start(self) -> str:
        """Start the broker and wait until it answers; its bootstrap address. Problem that says why not."""
        self.bootstrap, command = broker_command(self.directory, cache=self._cache)
        self._launch(command, lambda: is_ready(self.bootstrap), fault=lambda: jars.corrupt(self._home))
        return self.bootstrap
