"""An installation's secrets: a key file for each tenant and one for the warehouse, or texts from a secret store.

Key files lie in one directory (0700, files 0600). A key's id is public (receipts carry it); the key is not, and no
`repr` shows it. What was made once is never made again: receipts made with lost keys stay unproven.

Below it lies each part by itself (`PARTS`): a process is handed the directory of the part that it needs, and whoever
takes that process over has no other key.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from schemas.problem import Problem
from stores.private_files import private_directory, sync_directory, write_private

Understood = TypeVar("Understood")

KEY_BYTES = 32
WAREHOUSE_FILE = "warehouse.json"


def tenant_file(tenant: str) -> str:
    """The name of a tenant's key file."""
    return f"tenant-{tenant}.json"


DOCUMENTS, RECEIPTS, COLUMNS = "documents", "receipts", "columns"
PARTS: Mapping[str, tuple[str, ...]] = {
    # directory below the key files: what of them it holds
    DOCUMENTS: ("document_id", "document_key"),
    RECEIPTS: ("receipt_id", "receipt_key"),
    COLUMNS: ("column_id", "column_key"),
}


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """One tenant's keys: receipts are HMACs under `receipt_key`, documents AES-256-GCM under `document_key`."""

    receipt_id: str
    receipt_key: bytes = field(repr=False)
    document_id: str
    document_key: bytes = field(repr=False)


CLAIMS = b"loanstream gateway: claims, 1"
"""What a claims key is derived for. Never changed: a repeat would no longer be known."""


@dataclass(frozen=True, slots=True)
class DoorKeys:
    """What of a tenant's keys the gateway and the readers of documents hold: the documents' key, and no receipt's."""

    document_id: str
    document_key: bytes = field(repr=False)

    @property
    def claims_key(self) -> bytes:
        """The key of the HMACs in the gateway's claims.

        Derived, so that no key file has to be made anew; it opens no document, and tells nothing of the document key.
        """
        return hmac.digest(self.document_key, CLAIMS, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class ReceiptKeys:
    """What of a tenant's keys whoever makes or proves receipts holds."""

    receipt_id: str
    receipt_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ColumnKey:
    """The key (AES-256) of the warehouse's encrypted columns."""

    column_id: str
    column_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WarehousePasswords:
    """The passwords of the embedded warehouse's two accounts."""

    writer_password: str = field(repr=False)
    reader_password: str = field(repr=False)


class Keys(Protocol):
    """Where keys come from. Every call raises Problem for keys that are not there or that are none."""

    def tenant(self, tenant: str) -> TenantKeys:
        """A tenant's keys."""

    def door(self, tenant: str) -> DoorKeys:
        """What opens his documents; a file that holds no more is enough."""

    def receipt(self, tenant: str) -> ReceiptKeys:
        """What his receipts are made by; a file that holds no more is enough."""

    def column(self) -> ColumnKey:
        """The key of the warehouse's columns."""


def tenant_keys_of(found: Any) -> dict[str, TenantKeys]:
    """Tenants' keys from their JSON: each tenant's as its key file holds them. ValueError for anything else."""
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004 - whoever reads settings expects one kind of error
    return {str(tenant): _tenant_keys(texts) for tenant, texts in found.items()}


def column_key_of(found: Any) -> ColumnKey:
    """The column key from its JSON. ValueError for anything else."""
    texts = _texts(found, ("column_id", "column_key"))
    return ColumnKey(texts["column_id"], _key(texts["column_key"]))


@dataclass(frozen=True, slots=True)
class GivenKeys:
    """Keys that settings hold; what they do not hold, `files` has to."""

    tenants: Mapping[str, TenantKeys] | None
    columns: ColumnKey | None
    files: Callable[[], "KeyFiles"]

    def tenant(self, tenant: str) -> TenantKeys:
        """See `Keys.tenant`."""
        if self.tenants is None:
            return self.files().tenant(tenant)
        if tenant not in self.tenants:
            raise Problem(f"no keys for tenant {tenant} among the tenants' keys that are set")
        return self.tenants[tenant]

    def door(self, tenant: str) -> DoorKeys:
        """See `Keys.door`."""
        if self.tenants is None:
            return self.files().door(tenant)
        found = self.tenant(tenant)
        return DoorKeys(found.document_id, found.document_key)

    def receipt(self, tenant: str) -> ReceiptKeys:
        """See `Keys.receipt`."""
        if self.tenants is None:
            return self.files().receipt(tenant)
        found = self.tenant(tenant)
        return ReceiptKeys(found.receipt_id, found.receipt_key)

    def column(self) -> ColumnKey:
        """See `Keys.column`."""
        return self.files().column() if self.columns is None else self.columns


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Key files in a directory."""

    directory: Path

    def tenant(self, tenant: str) -> TenantKeys:
        """See `Keys.tenant`: whoever only uses keys never makes any."""
        return self._of(tenant, _tenant_keys)

    def door(self, tenant: str) -> DoorKeys:
        """See `Keys.door`."""
        return self._of(tenant, _door_keys)

    def receipt(self, tenant: str) -> ReceiptKeys:
        """See `Keys.receipt`."""
        return self._of(tenant, _receipt_keys)

    def _of(self, tenant: str, understand: Callable[[Any], Understood]) -> Understood:
        path = self._tenant_file(tenant)
        if not path.exists():
            raise Problem(f"no keys for tenant {tenant} in {self.directory}; expected {path.name}")
        return _read(path, understand)

    def column(self) -> ColumnKey:
        """See `Keys.column`: made anew, it would open nothing that was written."""
        path = self.directory / WAREHOUSE_FILE
        if not path.exists():
            raise Problem(
                f"no warehouse keys in {self.directory}; expected {path.name}, with the key it was written by"
            )
        return _read(path, column_key_of)

    def missing(self, tenants: Iterable[str], *, column: bool) -> list[str]:
        """The names of the files that are not there, of `tenants` and, with `column`, of the warehouse."""
        files = [*map(self._tenant_file, tenants), *([self.directory / WAREHOUSE_FILE] if column else [])]
        return [path.name for path in files if not path.exists()]

    def without_parts(self, tenants: Iterable[str]) -> list[str]:
        """The names of `tenants`' files that are there, and of which a process would not find its part."""
        there = [path for path in map(self._tenant_file, tenants) if path.exists()]
        return [path.name for path in there if any(not held.exists() for held in self._parts_of(path))]

    def _parts_of(self, path: Path) -> list[Path]:
        found = _read(path, lambda found: found)
        return [self.directory / part / path.name for part, names in PARTS.items() if names[0] in found]

    def _tenant_file(self, tenant: str) -> Path:
        return self.directory / tenant_file(tenant)

    def make_tenant(self, tenant: str) -> TenantKeys:
        """A tenant's keys, made where there are none. Problem for a file that is not readable as keys."""
        _make(
            self._tenant_file(tenant),
            lambda: {
                "receipt_id": f"{tenant}-receipt-{secrets.token_hex(4)}",
                "receipt_key": secrets.token_hex(KEY_BYTES),
                "document_id": f"{tenant}-document-{secrets.token_hex(4)}",
                "document_key": secrets.token_hex(KEY_BYTES),
            },
        )
        made = self.tenant(tenant)
        self._part(self._tenant_file(tenant))
        return made

    def forget_tenant(self, tenant: str) -> None:
        """Delete a tenant's keys, for good: no receipt of his can be proven any more, no document opened. OSError."""
        for path in self.directory.rglob(tenant_file(tenant)):
            path.unlink()
            sync_directory(path.parent)

    def make_column(self) -> ColumnKey:
        """The column key, made where there is none. Problem for a file that is not readable as keys."""
        _make(self.directory / WAREHOUSE_FILE, _new_column_key)
        made = self.column()
        self._part(self.directory / WAREHOUSE_FILE)
        return made

    def make_passwords(self) -> WarehousePasswords:
        """The embedded warehouse's passwords, made with its column key where there are none. Problem as above."""
        _make(
            self.directory / WAREHOUSE_FILE,
            lambda: (
                _new_column_key()
                | {"writer_password": secrets.token_urlsafe(24), "reader_password": secrets.token_urlsafe(24)}
            ),
        )
        made = self.passwords()
        self._part(self.directory / WAREHOUSE_FILE)
        return made

    def part_all(self) -> None:
        """Put the parts of every key file that is there where their processes find them: a bank that is not served any
        more has records under way. Problem for a file that is not readable as keys.
        """
        for path in sorted(self.directory.glob(tenant_file("*"))):
            self._part(path)

    def _part(self, path: Path) -> None:
        found = _read(path, lambda found: found)
        for part, names in PARTS.items():
            if names[0] not in found:
                continue
            data = f"{json.dumps(_read(path, partial(_texts, names=names)), indent=1)}\n".encode()
            private_directory(self.directory / part)
            held = self.directory / part / path.name
            if not held.exists() or held.read_bytes() != data:
                write_private(held, data)

    def passwords(self) -> WarehousePasswords:
        """The embedded warehouse's passwords. Problem where there are none."""
        path = self.directory / WAREHOUSE_FILE
        if not path.exists():
            raise Problem(f"no warehouse keys in {self.directory}; expected {path.name} of the state it belongs to")
        return _read(path, lambda found: WarehousePasswords(**_texts(found, ("writer_password", "reader_password"))))


def _new_column_key() -> dict[str, str]:
    return {"column_id": f"column-{secrets.token_hex(4)}", "column_key": secrets.token_hex(KEY_BYTES)}


def _tenant_keys(found: Any) -> TenantKeys:
    texts = _texts(found, ("receipt_id", "receipt_key", "document_id", "document_key"))
    return TenantKeys(
        texts["receipt_id"], _key(texts["receipt_key"]), texts["document_id"], _key(texts["document_key"])
    )


def _door_keys(found: Any) -> DoorKeys:
    texts = _texts(found, ("document_id", "document_key"))
    return DoorKeys(texts["document_id"], _key(texts["document_key"]))


def _receipt_keys(found: Any) -> ReceiptKeys:
    texts = _texts(found, ("receipt_id", "receipt_key"))
    return ReceiptKeys(texts["receipt_id"], _key(texts["receipt_key"]))


def _texts(found: Any, names: Iterable[str]) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) and found[name] for name in names):
        raise ValueError
    return {name: found[name] for name in names}


def _key(text: str) -> bytes:
    key = bytes.fromhex(text)
    if len(key) != KEY_BYTES:
        raise ValueError
    return key


def _make(path: Path, make: Callable[[], dict[str, str]]) -> None:
    if not path.exists():
        private_directory(path.parent)
        write_private(path, f"{json.dumps(make(), indent=1)}\n".encode())


def _read(path: Path, understand: Callable[[Any], Understood]) -> Understood:
    try:
        return understand(json.loads(path.read_text()))
    except (OSError, ValueError):
        # The cause may quote what it could not read, and that is a secret.
        raise Problem(f"{path} does not hold keys; restore it: receipts made with lost keys stay unproven") from None
