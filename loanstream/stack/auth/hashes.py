"""Hashes of client secrets: scrypt with a salt of its own for each, its parameters beside it.

Secrets are never chosen by people: each is 32 random bytes, and 2^256 guesses are out of reach at any price of one.
A slow hash would protect what is guessable; here its cost is only what a request for a token costs us, and what a
wrong one may. So the parameters are small (1 MiB, some 4 ms) and stand in each record: they can grow, secret by secret.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

SECRET_BYTES = 32
SALT_BYTES = 16
COST, BLOCK, LANES = 1 << 10, 8, 1
"""scrypt's N, r and p (RFC 7914)."""


@dataclass(frozen=True, slots=True)
class SecretHash:
    """A secret's hash; `valid_until` (seconds since 1970) of one that was replaced, None of the one in force."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    cost: int = COST
    block: int = BLOCK
    lanes: int = LANES
    valid_until: float | None = None

    def matches(self, secret: str) -> bool:
        """Whether it is this secret's hash; compared in constant time."""
        return hmac.compare_digest(self.digest, _scrypt(secret, self.salt, self.cost, self.block, self.lanes))

    def is_valid(self, now: float) -> bool:
        """Whether its secret lets anybody in."""
        return self.valid_until is None or now < self.valid_until

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file of clients."""
        parameters = {"n": self.cost, "r": self.block, "p": self.lanes}
        texts = {"kdf": "scrypt", "salt": self.salt.hex(), "digest": self.digest.hex()}
        return {**texts, **parameters, "valid_until": self.valid_until}

    @classmethod
    def of_json(cls, found: Any) -> "SecretHash":
        """The same, read. Raises KeyError, TypeError, ValueError for anything else."""
        if found["kdf"] != "scrypt":
            raise ValueError
        salt, digest = bytes.fromhex(found["salt"]), bytes.fromhex(found["digest"])
        until = found["valid_until"]
        parameters = (int(found["n"]), int(found["r"]), int(found["p"]))
        return cls(salt, digest, *parameters, None if until is None else float(until))


def new_secret() -> str:
    """A secret nobody can guess, of letters that mean the same in every header and form.

    >>> len(new_secret())
    43
    """
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> SecretHash:
    """The hash of a secret, with a new salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    return SecretHash(salt, _scrypt(secret, salt, COST, BLOCK, LANES))


def _scrypt(secret: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    # OpenSSL's own limit is what 128 * N * r needs, and a little more.
    room = 256 * cost * block + (1 << 20)
    return hashlib.scrypt(
        secret.encode("utf-8", "surrogatepass"), salt=salt, n=cost, r=block, p=lanes, maxmem=room, dklen=32
    )
