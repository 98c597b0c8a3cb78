"""The stack's secrets: made once per state, kept in `DIR/keys` (0700, files 0600), never in stack.json or a log.

A key's id is public (receipts carry it); the key is not, and no `repr` shows it.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loanstream.stack.layout import write_private
from loanstream.stack.problem import StackProblem

KEY_BYTES = 32
WRITER = "writer"
READER = "reader"


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """One tenant's keys: receipts are HMACs under `receipt_key`, documents AES-256-GCM under `document_key`."""

    receipt_id: str
    receipt_key: bytes = field(repr=False)
    document_id: str
    document_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WarehouseKeys:
    """The warehouse's column key (AES-256) and the passwords of its two accounts."""

    column_id: str
    column_key: bytes = field(repr=False)
    writer_password: str = field(repr=False)
    reader_password: str = field(repr=False)


def load_or_create_tenant(keys: Path, tenant: str) -> TenantKeys:
    """The keys of `tenant`, made at the first call. StackProblem for a file that is not readable as keys."""
    found = _load_or_create(
        _tenant_file(keys, tenant),
        lambda: {
            "receipt_id": f"{tenant}-receipt-{secrets.token_hex(4)}",
            "receipt_key": secrets.token_hex(KEY_BYTES),
            "document_id": f"{tenant}-document-{secrets.token_hex(4)}",
            "document_key": secrets.token_hex(KEY_BYTES),
        },
    )
    return TenantKeys(
        found["receipt_id"],
        bytes.fromhex(found["receipt_key"]),
        found["document_id"],
        bytes.fromhex(found["document_key"]),
    )


def load_tenant(keys: Path, tenant: str) -> TenantKeys:
    """The keys of `tenant`, which must exist: a worker never makes keys. Raises StackProblem."""
    if not _tenant_file(keys, tenant).exists():
        raise StackProblem(f"no keys for tenant {tenant} in {keys}; start the stack with it among its --tenants")
    return load_or_create_tenant(keys, tenant)


def load_warehouse(keys: Path) -> WarehouseKeys:
    """The warehouse's keys, which must exist: made anew, they would open nothing that was written. StackProblem."""
    if not _warehouse_file(keys).exists():
        raise StackProblem(f"no warehouse keys in {keys}; expected the keys of the state whose warehouse this is")
    return load_or_create_warehouse(keys)


def load_or_create_warehouse(keys: Path) -> WarehouseKeys:
    """The warehouse's column key and passwords, made at the first call. Raises StackProblem."""
    found = _load_or_create(
        _warehouse_file(keys),
        lambda: {
            "column_id": f"column-{secrets.token_hex(4)}",
            "column_key": secrets.token_hex(KEY_BYTES),
            "writer_password": secrets.token_urlsafe(24),
            "reader_password": secrets.token_urlsafe(24),
        },
    )
    return WarehouseKeys(
        found["column_id"],
        bytes.fromhex(found["column_key"]),
        found["writer_password"],
        found["reader_password"],
    )


def _warehouse_file(keys: Path) -> Path:
    return keys / "warehouse.json"


def _tenant_file(keys: Path, tenant: str) -> Path:
    return keys / f"tenant-{tenant}.json"


def _load_or_create(path: Path, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    wanted = make()
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, json.dumps(wanted, indent=1) + "\n")
    try:
        found: dict[str, str] = json.loads(path.read_text())
        bytes.fromhex("".join(value for name, value in found.items() if name.endswith("_key")))
    except (OSError, ValueError, AttributeError, TypeError):
        # The cause may quote what it could not read, and that is a secret.
        raise StackProblem(
            f"{path} does not hold keys; restore it: receipts made with lost keys stay unproven"
        ) from None
    if found.keys() != wanted.keys():
        raise StackProblem(f"{path} holds {sorted(found)}, expected {sorted(wanted)}; restore it from a backup")
    return found
