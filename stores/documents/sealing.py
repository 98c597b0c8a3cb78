"""Encryption at rest: AES-256-GCM under a tenant's document key, bound to the name the object is stored under."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"LSD1"
NONCE_BYTES = 12
KEY_BYTES = 32
OVERHEAD_MAX = 128
"""Bytes that sealing adds, at most: magic, the key's id with its length, nonce, tag."""


class DamagedObjectError(Exception):
    """A stored object does not decrypt to what its name says: altered, cut off, moved, or under another key."""


class UnknownKeyError(Exception):
    """A tenant has no key: a setting of ours, whatever the object."""


@dataclass(frozen=True, slots=True)
class DocumentKey:
    """A tenant's key: `id` (ASCII, at most 64 characters) is stored beside every object, `secret` is 32 bytes."""

    id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES or not 1 <= len(self.id) <= 64 or not self.id.isascii():
            raise ValueError(f"a document key has {KEY_BYTES} bytes and an ASCII id of 1 to 64 characters")


Keys = Mapping[str, DocumentKey] | Callable[[str], DocumentKey | None]
"""Tenant -> its key."""


def key_of(keys: Keys, tenant: str) -> DocumentKey:
    """The tenant's key. Raises `UnknownKeyError`."""
    key = keys(tenant) if callable(keys) else keys.get(tenant)
    if key is None:
        raise UnknownKeyError(f"tenant {tenant} has no document key")
    return key


def seal(key: DocumentKey, name: str, data: bytes) -> bytes:
    """`data` encrypted for storage under `name`: magic, length and id of the key, nonce, ciphertext with its tag."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    identity = key.id.encode("ascii")
    head = MAGIC + bytes([len(identity)]) + identity
    return head + nonce + AESGCM(key.secret).encrypt(nonce, data, head + name.encode())


def unseal(key: DocumentKey, name: str, blob: bytes) -> bytes:
    """What `seal` was given. Raises `DamagedObjectError`."""
    start = len(MAGIC) + 1
    if len(blob) < start or not blob.startswith(MAGIC):
        raise DamagedObjectError(name)
    end = start + blob[start - 1]
    if blob[start:end] != key.id.encode("ascii"):
        # A tenant has one key, so another id is no setting of ours: it is written in the object, where bits flip.
        raise DamagedObjectError(name)
    nonce = blob[end : end + NONCE_BYTES]
    try:
        return AESGCM(key.secret).decrypt(nonce, blob[end + NONCE_BYTES :], blob[:end] + name.encode())
    except (InvalidTag, ValueError) as error:
        raise DamagedObjectError(name) from error
