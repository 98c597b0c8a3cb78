"""Encrypted columns: what belongs to a person is readable with the warehouse's column key alone."""

import base64
import hashlib
import hmac
import json
import threading
import zlib
from functools import lru_cache

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_DEFLATED, _VERSION = b"\x01", b"\x02"
"""What a sealed value begins with: the first packs by deflate, and is read alone."""

_NONCE_BYTES = 12
_LEVEL = 1
_BOUND = json.JSONEncoder(separators=(",", ":")).encode


class SealBroken(Exception):
    """A sealed value was altered, belongs elsewhere, or was sealed under another key."""


class _Packing(threading.local):
    """Compression that keeps its tables from one value to the next; they are no two threads' at once."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(level=_LEVEL).compress
        self.unpack = zstandard.ZstdDecompressor().decompress


class ColumnCipher:
    """AES-256-GCM under a key per tenant, derived from the warehouse's column key (32 bytes).

    A sealed value is bound to its column, tenant and place (application id and revision, or where a record stood): put
    into another row, it does not open. Its nonce is derived from what is encrypted and that place, so that writing a
    row again writes the same bytes, and no nonce serves two plaintexts.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError(f"the warehouse's column key has {len(key)} bytes, expected 32")
        self._key = key
        self._keys = lru_cache(maxsize=4096)(self._derive)
        self._packing = _Packing()

    def seal(self, plaintext: bytes, column: str, tenant: str, *place: str | int) -> str:
        """The text to store in `column`: compressed, encrypted, base64."""
        cipher, nonce_key = self._keys(tenant)
        bound = _VERSION + _associated(column, tenant, place)
        packed = self._packing.pack(plaintext)
        nonce = hmac.digest(nonce_key, bound + b"\x00" + packed, "sha256")[:_NONCE_BYTES]
        return base64.b64encode(_VERSION + nonce + cipher.encrypt(nonce, packed, bound)).decode("ascii")

    def open(self, sealed: str, column: str, tenant: str, *place: str | int) -> bytes:
        """What was sealed. Raises `SealBroken`."""
        try:
            data = base64.b64decode(sealed, validate=True)
        except ValueError:
            raise SealBroken(f"{column}: not base64") from None
        version, nonce, ciphertext = data[:1], data[1 : 1 + _NONCE_BYTES], data[1 + _NONCE_BYTES :]
        if version not in (_VERSION, _DEFLATED):
            raise SealBroken(f"{column}: not sealed by this version")
        bound = (b"" if version == _DEFLATED else version) + _associated(column, tenant, place)
        try:
            packed = self._keys(tenant)[0].decrypt(nonce, ciphertext, bound)
        except (InvalidTag, ValueError):
            raise SealBroken(f"{column}: altered, moved, or sealed under another key") from None
        return zlib.decompress(packed, -zlib.MAX_WBITS) if version == _DEFLATED else self._packing.unpack(packed)

    def _derive(self, tenant: str) -> tuple[AESGCM, bytes]:
        def key(use: str) -> bytes:
            return hmac.digest(self._key, f"loanstream column {use}:{tenant}".encode(), hashlib.sha256)

        return AESGCM(key("encryption")), key("nonce")


def _associated(column: str, tenant: str, place: tuple[str | int, ...]) -> bytes:
    return _BOUND([column, tenant, *place]).encode()
