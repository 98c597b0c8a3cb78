"""An installation as workers and commands see it: how to reach its parts, and by which keys.

There are two ways to one: from settings, where Kafka, warehouse and stores are yours, and from the `stack.json` of a
running stack (`loanstream.stack.running`). Whoever is handed one sees no difference.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from loanstream.settings import SettingProblem, Settings
from loanstream.tenants.book import TenantBook
from schemas.access import principal_of
from schemas.problem import Problem
from scoring.receipt import ReceiptKey
from stores.artefacts import ArtefactStore
from stores.documents.blobs import FileBlobs, path_of
from stores.documents.extractions import ExtractionStore
from stores.documents.sealing import DocumentKey
from stores.documents.store import DocumentStore
from stores.keys import DoorKeys, GivenKeys, KeyFiles, Keys
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.client import connect
from stores.warehouse.watched import WatchedClient, within


@dataclass(frozen=True)
class Installation:
    """What `settings` describe. Each part raises SettingProblem where a setting that it needs is not set."""

    settings: Settings

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return str(self.settings.needed("kafka_bootstrap"))

    @property
    def tenants(self) -> tuple[str, ...]:
        """The banks served, as of now. SettingProblem; Problem for a list of them that cannot be read."""
        return tuple(self.served)

    @property
    def served(self) -> Collection[str]:
        """The same for whoever asks again and again: a list in a file is followed. SettingProblem."""
        if self.book is None:
            return tuple(self.settings.needed("tenants"))
        if self.settings.tenants is not None:
            raise SettingProblem("both LOANSTREAM_TENANTS and LOANSTREAM_TENANTS_FILE are set; expected one of them")
        return self.book

    @cached_property
    def book(self) -> TenantBook | None:
        """The list of banks in a file; None where settings hold the names."""
        path = self.settings.tenants_file
        return None if path is None else TenantBook(path)

    def tenant(self, asked: str | None) -> str:
        """`asked`, or the first tenant. Problem for one that is not served."""
        if not self.tenants:
            raise Problem("no bank is served here yet; add one with: loanstream tenant add NAME")
        if asked is None:
            return self.tenants[0]
        if asked not in self.tenants:
            raise Problem(f"no tenant {asked} here; there are {', '.join(self.tenants)}")
        return asked

    def narrowed(self, asked: str | None) -> str | None:
        """`asked`, or None for all tenants. Problem for one that is not served."""
        return None if asked is None else self.tenant(asked)

    @property
    def worker_security(self) -> dict[str, str]:
        """A worker's librdkafka settings."""
        return dict(self.settings.kafka_security)

    @property
    def security(self) -> dict[str, str]:
        """The operator's librdkafka settings."""
        own = self.settings.kafka_admin_security
        return self.worker_security if own is None else dict(own)

    @property
    def admin_settings(self) -> dict[str, Any]:
        """Librdkafka settings of the operator, with the address."""
        return {"bootstrap.servers": self.bootstrap, **self.security}

    def producer_settings(self, tenant: str) -> dict[str, Any]:
        """Librdkafka settings of a tenant's producer, with the address (which they may override).

        The operator's where no tenant has any; SettingProblem where others have and this one has none.
        """
        each = self.settings.kafka_producer_security
        if each and tenant not in each:
            raise SettingProblem(
                f"LOANSTREAM_KAFKA_PRODUCER_SECURITY has nothing for {tenant}; expected its librdkafka settings, "
                "beside those of the others"
            )
        own = each.get(tenant, self.security)
        return {"bootstrap.servers": self.bootstrap, **own}

    def principal(self, kind: str) -> str:
        """Who a kind of `schemas.access` is at the broker: `User:NAME`."""
        return self.settings.kafka_principals.get(kind, f"User:{principal_of(kind)}")

    @property
    def warehouse_url(self) -> str:
        """The warehouse's address."""
        return str(self.settings.needed("warehouse_url"))

    @property
    def warehouse_reader(self) -> str:
        """The name of the account that may only read."""
        return self.settings.warehouse_reader

    def warehouse(self) -> Any:
        """A client of the warehouse that may only read; where nothing is heard of it, it raises `WarehouseSilent`."""
        password, ca = self.settings.warehouse_reader_password, self.settings.warehouse_ca
        return self.watched(lambda: connect(self.warehouse_url, self.warehouse_reader, password, ca=ca))

    def watched(self, connected: Callable[[], Any]) -> Any:
        """The client that `connected` makes; where nothing is heard of the warehouse, it raises `WarehouseSilent`."""
        url = self.warehouse_url
        return WatchedClient(within(connected, url), url)

    def warehouse_writer(self, **options: Any) -> Any:
        """A client of the warehouse that may write; `options` as `connect` takes them."""
        mine = self.settings
        user, password = mine.warehouse_writer, mine.warehouse_writer_password
        return connect(self.warehouse_url, user, password, ca=mine.warehouse_ca, **options)

    @cached_property
    def keys(self) -> Keys:
        """Where the keys come from: settings, or the files in the directory that settings name."""
        return GivenKeys(self.settings.tenant_keys, self.settings.column_key, lambda: self.key_files)

    @property
    def key_files(self) -> KeyFiles:
        """The directory of keys."""
        return KeyFiles(self.settings.needed("keys"))

    @cached_property
    def door_of(self) -> Callable[[str], DoorKeys]:
        """What opens a tenant's documents, by its name, read once."""
        return lru_cache(maxsize=4096)(self.keys.door)

    @cached_property
    def cipher(self) -> ColumnCipher:
        """Opens the warehouse's encrypted columns."""
        return ColumnCipher(self.keys.column().column_key)

    @cached_property
    def receipt_keys(self) -> Callable[[str], ReceiptKey]:
        """A tenant's receipt key, by its name, read once. Of his keys no other is read."""

        @lru_cache(maxsize=4096)
        def of(tenant: str) -> ReceiptKey:
            keys = self.keys.receipt(tenant)
            return ReceiptKey(keys.receipt_id, keys.receipt_key)

        return of

    @cached_property
    def document_keys(self) -> Callable[[str], DocumentKey]:
        """A tenant's document key, by its name, read once. Of his keys no other is read."""

        @lru_cache(maxsize=4096)
        def of(tenant: str) -> DocumentKey:
            keys = self.keys.door(tenant)
            return DocumentKey(keys.document_id, keys.document_key)

        return of

    @cached_property
    def blobs(self) -> FileBlobs:
        """Where the document store's encrypted objects lie."""
        return FileBlobs.at(self.settings.needed("documents_url"))

    @cached_property
    def documents(self) -> DocumentStore:
        """The document store."""
        return DocumentStore(self.blobs, self.document_keys)

    @cached_property
    def extractions(self) -> ExtractionStore:
        """What readers made of documents."""
        return ExtractionStore(self.blobs, self.document_keys)

    @cached_property
    def artefacts(self) -> ArtefactStore:
        """Bundles and policies, by content hash."""
        return ArtefactStore(path_of(self.settings.needed("artefacts_url")))
