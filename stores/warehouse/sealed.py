"""Encrypted columns of the warehouse's tables: which they are, what they are bound to, how a row's is opened."""

from typing import Any

from stores.warehouse.cipher import ColumnCipher

Row = dict[str, Any]

_PLACE = ("tenant", "application_id", "revision")

SEALED: dict[str, tuple[str, tuple[str, ...]]] = {
    "applications_log": ("personal_encrypted", _PLACE),
    "verifications_log": ("event_encrypted", _PLACE),
    "dead_letters_log": ("event_encrypted", ("tenant", "origin_topic", "origin_partition", "origin_offset")),
}
"""The encrypted column of a table, and the columns of the same row it is bound to."""


def opened(table: str, row: Row, cipher: ColumnCipher) -> bytes:
    """What a row's encrypted column holds. Raises `stores.warehouse.cipher.SealBroken`."""
    column, bound = SEALED[table]
    tenant, *place = (row[name] for name in bound)
    return cipher.open(row[column], column, tenant, *place)
