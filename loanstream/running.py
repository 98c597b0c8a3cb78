"""A running stack as commands see it: where its parts are and how to reach them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from loanstream.stack.keys import WRITER, TenantKeys, load_tenant, load_warehouse
from loanstream.stack.layout import Layout, StackFile, no_stack, read_stack
from loanstream.stack.lock import is_held
from loanstream.stack.problem import StackProblem
from loanstream.warehouse_client import connect
from processors.documents.blobs import FileBlobs
from processors.documents.sealing import DocumentKey
from processors.documents.store import DocumentStore
from processors.warehouse.cipher import ColumnCipher
from scoring.receipt import ReceiptKey


@dataclass(frozen=True)
class Running:
    """The stack that runs at `layout.state`, as its `stack.json` describes it."""

    layout: Layout
    stack: StackFile

    @classmethod
    def at(cls, state: Path) -> Self:
        """Read `state/stack.json`. StackProblem where no stack is ready there, or where one was killed."""
        layout, stack = Layout(state), read_stack(state)
        if not is_held(layout.lock):
            raise no_stack(state)
        return cls(layout, stack)

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.stack["kafka"]["bootstrap"]

    @property
    def tenants(self) -> tuple[str, ...]:
        """The banks served."""
        return tuple(self.stack["tenants"])

    def tenant(self, asked: str | None) -> str:
        """`asked`, or the first tenant. StackProblem for one that is not served."""
        if asked is None:
            return self.tenants[0]
        if asked not in self.tenants:
            raise StackProblem(f"no tenant {asked} here; there are {', '.join(self.tenants)}")
        return asked

    @property
    def security(self) -> dict[str, str]:
        """The operator's librdkafka settings."""
        return dict(self.stack["kafka"]["security"].get("admin", {}))

    @property
    def admin_settings(self) -> dict[str, Any]:
        """Librdkafka settings of the operator."""
        return {"bootstrap.servers": self.bootstrap, **self.security}

    def producer_settings(self, tenant: str) -> dict[str, Any]:
        """Librdkafka settings of a tenant's producer."""
        own = self.stack["kafka"]["security"].get(f"producer:{tenant}", {})
        return {"bootstrap.servers": self.bootstrap, **own}

    def warehouse(self) -> Any:
        """A client of the warehouse that may only read."""
        part = self.stack["warehouse"]
        return connect(part["url"], part["user"], part["password"], part["database"])

    def warehouse_writer(self) -> Any:
        """A client of the warehouse that may write, for the operator who can read the state's keys."""
        part = self.stack["warehouse"]
        password = load_warehouse(self.layout.keys).writer_password
        return connect(part["url"], WRITER, password, part["database"])

    @cached_property
    def cipher(self) -> ColumnCipher:
        """Opens the warehouse's encrypted columns."""
        return ColumnCipher(load_warehouse(self.layout.keys).column_key)

    def keys_of(self, tenant: str) -> TenantKeys:
        """A tenant's keys."""
        return load_tenant(self.layout.keys, self.tenant(tenant))

    @property
    def receipt_keys(self) -> Callable[[str], ReceiptKey]:
        """A tenant's receipt key, by name."""

        def of(tenant: str) -> ReceiptKey:
            keys = self.keys_of(tenant)
            return ReceiptKey(keys.receipt_id, keys.receipt_key)

        return of

    @cached_property
    def documents(self) -> DocumentStore:
        """The document store."""

        def key(tenant: str) -> DocumentKey:
            keys = self.keys_of(tenant)
            return DocumentKey(keys.document_id, keys.document_key)

        return DocumentStore(FileBlobs.at(self.stack["documents"]["url"]), key)
