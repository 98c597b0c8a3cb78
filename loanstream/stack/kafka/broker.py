"""A real Apache Kafka: one KRaft node on loopback, from cached jars, on the environment's Java.

`EmbeddedKafka(directory)` is a broker for tests and tools; the supervisor takes `broker_command` and `is_ready`.
"""

from collections.abc import Callable
from pathlib import Path

from loanstream.stack.child import Child
from loanstream.stack.kafka import after_kill, jars
from loanstream.stack.kafka.archive import java_command, prepare
from loanstream.stack.kafka.guard import Guard
from loanstream.stack.kafka.node import Addresses, format_directory, is_ready, write_properties

READY_WITHIN_S = 60.0


def broker_command(
    directory: Path,
    guard: Guard | None = None,
    *,
    cache: Path | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> tuple[Addresses, list[str]]:
    """Where a broker whose data live in `directory` listens, and its command; formats the directory when new.

    Fetches jars and makes the start-up archive where the user's cache has none. Raises Problem.
    """
    home = jars.broker_home(cache)
    prepare(home, on_progress)
    format_directory(directory, home)
    properties, at = write_properties(directory, guard)
    java = java_command(home, "kafka.Kafka", str(properties), extra=guard.java_flags if guard else ())
    return at, after_kill.broker_command(directory, java)


class EmbeddedKafka(Child):
    """A broker with its data in `directory`, for tests and tools.

    with EmbeddedKafka(tmp_path) as broker:
        Producer({"bootstrap.servers": broker.bootstrap})

    A second start finds the data again. With a `guard`, `security` is the operator's, and `oauth` takes tokens.
    """

    def __init__(self, directory: Path, guard: Guard | None = None, *, cache: Path | None = None) -> None:
        super().__init__("broker", directory / "kafka.log", READY_WITHIN_S)
        self.directory = directory
        self.bootstrap = self.oauth = ""
        self.guard = guard
        self.security = guard.operator if guard else {}
        self._cache = cache
        self._home = jars.broker_home(cache)

    def start(self) -> str:
        """Start the broker and wait until it answers; its bootstrap address. Problem that says why not."""
        at, command = broker_command(self.directory, self.guard, cache=self._cache)
        self.bootstrap, self.oauth = at.broker, at.oauth
        self._launch(command, lambda: is_ready(at.broker, self.security), fault=lambda: jars.corrupt(self._home))
        return self.bootstrap
