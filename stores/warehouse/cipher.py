"""Encrypted columns: what belongs to a person is readable with the warehouse's column key alone."""

import base64
import hashlib
import hmac
import json
import zlib
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE_BYTES = 12
_LEVEL = 1


class SealBroken(Exception):
    """A sealed value was altered, belongs elsewhere, or was sealed under another key."""


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

    def seal(self, plaintext: bytes, column: str, tenant: str, *place: str | int) -> str:
        """The text to store in `column`: compressed, encrypted, base64."""
        cipher, nonce_key = self._keys(tenant)
        bound = _associated(column, tenant, place)
        packed = zlib.compress(plaintext, _LEVEL, -zlib.MAX_WBITS)
        nonce = hmac.digest(nonce_key, bound + b"\x00" + packed, "sha256")[:_NONCE_BYTES]
        return base64.b64encode(_VERSION + nonce + cipher.encrypt(nonce, packed, bound)).decode("ascii")

    def open(self, sealed: str, column: str, tenant: str, *place: str | int) -> bytes:
        """What was sealed. Raises `SealBroken`."""
        try:
            data = base64.b64decode(sealed, validate=True)
        except ValueError:
            raise SealBroken(f"{column}: not base64") from None
        if data[:1] != _VERSION:
            raise SealBroken(f"{column}: not sealed by this version")
        nonce, ciphertext = data[1 : 1 + _NONCE_BYTES], data[1 + _NONCE_BYTES :]
        try:
            packed = self._keys(tenant)[0].decrypt(nonce, ciphertext, _associated(column, tenant, place))
        except (InvalidTag, ValueError):
            raise SealBroken(f"{column}: altered, moved, or sealed under another key") from None
        return zlib.decompress(packed, -zlib.MAX_WBITS)

    def _derive(self, tenant: str) -> tuple[AESGCM, bytes]:
        def key(use: str) -> bytes:
            return hmac.digest(self._key, f"loanstream column {use}:{tenant}".encode(), hashlib.sha256)

        return AESGCM(key("encryption")), key("nonce")


def _associated(column: str, tenant: str, place: tuple[str | int, ...]) -> bytes:
    return json.dumps([column, tenant, *place], separators=(",", ":")).encode()
