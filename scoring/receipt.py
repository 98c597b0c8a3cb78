"""The receipt of a decision: keyed hashes of what belongs to a person, and the id that follows from it all."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from scoring.canonical import canonical_json

DECISION_NAMESPACE = UUID("6f1d3f0a-4c0e-5b53-9d0c-2b8f6a7d9e41")
"""Fixed for ever: decision ids are UUIDv5 under it."""

KEY_BYTES = 32
BLOCK = 64
"""Bytes that SHA-256 works on at a time (RFC 2104's B)."""


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """A tenant's receipt key: its id stands in receipts, the key itself (32 bytes or more) in no output."""

    key_id: str
    key: bytes = field(repr=False)
    _inner: bytes = field(init=False, repr=False, compare=False)
    _outer: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.key) < KEY_BYTES:
            raise ValueError(f"a receipt key has at least {KEY_BYTES} bytes")
        block = (hashlib.sha256(self.key).digest() if len(self.key) > BLOCK else self.key).ljust(BLOCK, b"\0")
        object.__setattr__(self, "_inner", bytes(byte ^ 0x36 for byte in block))
        object.__setattr__(self, "_outer", bytes(byte ^ 0x5C for byte in block))

    def hash(self, data: bytes) -> str:
        """HMAC-SHA256 as receipts write it. Plain hashes of such data could be reversed by trying all values."""
        # RFC 2104 with the padded keys made once: half the time of hmac.digest, three times a decision.
        inner = hashlib.sha256(self._inner + data).digest()
        return "hmac-sha256:" + hashlib.sha256(self._outer + inner).hexdigest()


def decision_id(
    tenant: str,
    application_id: str,
    revision: int,
    input_hmac: str,
    evidence_hmac: str,
    bundle_id: str,
    policy_id: str,
) -> str:
    """UUIDv5 of the canonical JSON of the seven: equal inputs, equal id."""
    # Every part is of characters that JSON writes as they are (schemas.values), so this is canonical_json([...]).
    name = (
        f'["{tenant}","{application_id}",{revision},"{input_hmac}","{evidence_hmac}","{bundle_id}","{policy_id}"]'
    ).encode()
    digest = hashlib.sha1(DECISION_NAMESPACE.bytes + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


NOT_CONTENT = frozenset({"accepted_at", "processing"})
"""Fields of a decision that two makings of it may differ in: when it was asked for, and how it was made."""


def content_of(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A decision without what two makings of it may differ in."""
    return {name: value for name, value in decision.items() if name not in NOT_CONTENT}


def decision_content(decision: Mapping[str, Any]) -> bytes:
    """Canonical bytes of a decision's content: what a second making has to equal."""
    return canonical_json(content_of(decision))
