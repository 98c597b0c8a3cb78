"""A running embedded stack as an installation: what its `stack.json` says, put as settings say it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from loanstream.installation import Installation
from loanstream.settings import environment_of, load
from loanstream.stack.kafka.guard import PRINCIPALS
from loanstream.stack.layout import WRITER, Layout, StackFile, no_stack, read_stack
from loanstream.stack.lock import is_held
from stores.keys import KeyFiles
from stores.warehouse.client import connect


@dataclass(frozen=True)
class RunningStack(Installation):
    """The stack of `layout.state`; `layout` and `stack` are for whoever looks at its processes and files."""

    layout: Layout
    stack: StackFile

    @classmethod
    def at(cls, state: Path) -> Self:
        """Read `state/stack.json`. Problem where no stack is ready there, or where one was killed."""
        found = cls.described(Layout(state), read_stack(state))
        if not is_held(found.layout.lock):
            raise no_stack(state)
        return found

    @classmethod
    def described(cls, layout: Layout, stack: StackFile) -> Self:
        """What `stack` says, whether it runs or not."""
        security = stack["kafka"]["security"]
        producers = {name.removeprefix(_PRODUCER): own for name, own in security.items() if name.startswith(_PRODUCER)}
        values: dict[str, object] = {
            "kafka_bootstrap": stack["kafka"]["bootstrap"],
            "kafka_admin_security": security.get("admin", {}),
            "kafka_producer_security": producers,
            "kafka_principals": PRINCIPALS,
            "warehouse_url": stack["warehouse"]["url"],
            "warehouse_reader": stack["warehouse"]["user"],
            "warehouse_reader_password": stack["warehouse"]["password"],
            "documents_url": stack["documents"]["url"],
            "artefacts_url": layout.artefacts.as_uri(),
            "keys": layout.keys,
            "tenants": tuple(stack["tenants"]),
        }
        return cls(load(environment_of(values)), layout, stack)

    def warehouse_writer(self, **options: Any) -> Any:
        """A client of the warehouse that may write, for the operator who can read the state's keys."""
        return connect(self.warehouse_url, WRITER, KeyFiles(self.layout.keys).passwords().writer_password, **options)


_PRODUCER = "producer:"
