"""A JWK Set (RFC 7517) as the keys that a token may be verified with: pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

KEYS_MOST = 64
RSA_BITS = (2048, 8192)
"""Fewer are broken, more cost each check a millisecond."""


@dataclass(frozen=True, slots=True)
class KeyType:
    """One row: the algorithm that keys of a type verify, and the members that are read of one. No private one is."""

    algorithm: str
    members: tuple[str, ...]


KEY_TYPES: Mapping[str, KeyType] = {
    "EC": KeyType("ES256", ("kty", "crv", "x", "y")),
    "RSA": KeyType("RS256", ("kty", "n", "e")),
}
"""By `kty`. A key's type alone says what it verifies, so no token can have one taken for a secret."""

ALGORITHMS = tuple(row.algorithm for row in KEY_TYPES.values())

PublicKey = ECKey | RSAKey
KeysById = Mapping[tuple[str, str], PublicKey]
"""By `kid` and algorithm."""


class NotKeysError(Exception):
    """What was fetched is no JWK Set."""


def keys_of(data: bytes) -> KeysById:
    """The keys in a JWK Set that can verify a token. NotKeysError for anything else than a set.

    A key of another kind, for another use or that is broken is passed over, as RFC 7517 §5 has it.
    """
    try:
        found = json.loads(data)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotKeysError from None
    if not isinstance(found, list) or len(found) > KEYS_MOST or not all(_is_key(each) for each in found):
        raise NotKeysError
    usable = ((each, _usable(each)) for each in found)
    return {(each["kid"], KEY_TYPES[each["kty"]].algorithm): key for each, key in usable if key is not None}


def _is_key(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("kty"), str)


def _usable(found: dict[str, Any]) -> PublicKey | None:
    row = KEY_TYPES.get(found["kty"])
    if row is None or not isinstance(found.get("kid"), str) or not _may_verify(found, row.algorithm):
        return None
    try:
        public = {name: found[name] for name in row.members}
        key = ECKey.import_key(public) if row.algorithm == "ES256" else RSAKey.import_key(public)
        return key if _is_strong(key) else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _may_verify(found: dict[str, Any], algorithm: str) -> bool:
    operations = found.get("key_ops", ["verify"])
    return (
        found.get("use", "sig") == "sig"
        and found.get("alg", algorithm) == algorithm
        and isinstance(operations, list)
        and "verify" in operations
    )


def _is_strong(key: PublicKey) -> bool:
    # Asked here, since a point that lies on no curve shows when the key is first used.
    if isinstance(key, ECKey):
        return bool(key.public_key.curve.name == "secp256r1")
    least, most = RSA_BITS
    return least <= key.public_key.key_size <= most
