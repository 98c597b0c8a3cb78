"""Hashes of client secrets: HMAC-SHA256 under a salt of each one's own.

Secrets are never chosen by people: each is 32 random bytes, and 2^256 guesses are out of reach at any price of one. A
slow hash protects what can be guessed; of these it would only make each answer dear, so that a limit of guesses had to
come before the comparison, and shut out who is right. A key of the server's would add nothing either: lost, it would
lock everybody out.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

SECRET_BYTES = 32
SALT_BYTES = 16
KDF = "hmac-sha256"


@dataclass(frozen=True, slots=True)
class SecretHash:
    """A secret's hash; `valid_until` (seconds since 1970) of one that was replaced, None of the one in force."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    valid_until: float | None = None

    def matches(self, secret: str) -> bool:
        """Whether it is this secret's hash; compared in constant time."""
        return hmac.compare_digest(self.digest, _digest(secret, self.salt))

    def is_valid(self, now: float) -> bool:
        """Whether its secret lets anybody in."""
        return self.valid_until is None or now < self.valid_until

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file of clients."""
        texts = {"kdf": KDF, "salt": self.salt.hex(), "digest": self.digest.hex()}
        return {**texts, "valid_until": self.valid_until}

    @classmethod
    def of_json(cls, found: Any) -> "SecretHash":
        """The same, read. Raises KeyError, TypeError, ValueError for anything else."""
        if found["kdf"] != KDF:
            raise ValueError
        salt, digest = bytes.fromhex(found["salt"]), bytes.fromhex(found["digest"])
        until = found["valid_until"]
        return cls(salt, digest, None if until is None else float(until))


def new_secret() -> str:
    """A secret nobody can guess, of letters that mean the same in every header and form.

    >>> len(new_secret())
    43
    """
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> SecretHash:
    """The hash of a secret that `new_secret` made, with a new salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    return SecretHash(salt, _digest(secret, salt))


def _digest(secret: str, salt: bytes) -> bytes:
    return hmac.digest(salt, secret.encode("utf-8", "surrogatepass"), "sha256")
