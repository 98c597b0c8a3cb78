"""An installation whose Kafka and warehouse are in memory, and whose other parts are files of the test's own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from memory_broker import MemoryBroker

from loanstream.installation import Installation
from loanstream.settings import environment_of, load
from loanstream.stack.auth.clients import read_clients
from loanstream.stack.auth.keyring import Keyring
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import ensure_clients
from loanstream.stack.auth.ring import Times
from loanstream.tenants.adding import ADDING
from loanstream.tenants.book import TenantBook
from loanstream.tenants.work import Work, take
from stores.documents.blobs import FileBlobs
from stores.keys import KeyFiles


class Place:
    """One installation with bank-a in it; `work` is on another bank."""

    def __init__(self, root: Path, *, guarded: bool = True) -> None:
        self.root = root
        self.broker = MemoryBroker(guarded)
        self.auth = AuthFiles(root)
        self.book = TenantBook(root / "tenants.json")
        self.keys = KeyFiles(root / "keys")
        self.rows: dict[str, int] = {}
        FileBlobs.create(root / "documents")
        Keyring(self.auth, Times())
        ensure_clients(root, ())
        values: dict[str, object] = {
            "kafka_bootstrap": "127.0.0.1:1",
            "warehouse_url": "http://127.0.0.1:1",
            "documents_url": (root / "documents").as_uri(),
            "keys": root / "keys",
            "tenants_file": self.book.path,
        }
        self.installation = Installation(load(environment_of(values)))
        assert list(take(ADDING, self.work("bank-a")))

    def work(self, tenant: str = "bank-c", **more: Any) -> Work:
        made = Work(
            tenant,
            self.installation,
            self.broker,
            self.book,
            self.auth,
            recorded=lambda: self.rows.get(tenant, 0),
            sleep=lambda _: self.broker.look(),
        )
        return replace(made, **more)

    def work_on(self, _installation: Installation, tenant: str, *, copies: int | None = None, **more: Any) -> Work:
        """What the command line works on."""
        return self.work(tenant, **more)

    @property
    def state(self) -> dict[str, object]:
        """What is there, but for what is random: names of key files, clients, everything at the broker."""
        return {
            "book": dict(self.book.standings),
            "keys": sorted(path.name for path in (self.root / "keys").glob("tenant-*")),
            "clients": {name: client.tenant for name, client in read_clients(self.auth).items()},
            "broker": self.broker.state,
            "documents": sorted(path.name for path in (self.root / "documents").iterdir()),
        }
