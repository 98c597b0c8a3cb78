"""Who is right is let in, always; who is wrong too often is told to wait.

A look at a secret costs microseconds, so each is looked at first, whoever asks and however many guess: at an address
that many share nobody pays for another's guesses, and a restart forgets nobody. Wrong ones are counted by the rows of
`LIMITS`; they could never be right in time, but a client with an old secret in its settings is slowed, and said so.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from loanstream.stack.auth.clients import SECRETS_MOST, Client
from loanstream.stack.auth.hashes import hash_of, new_secret


@dataclass(frozen=True, slots=True)
class Limit:
    """So many wrong secrets at once, and so many more each second."""

    burst: float
    per_s: float


LIMITS = {
    # by what they are counted
    "client and address": Limit(5, 0.2),
    "address": Limit(50, 5.0),
    "everybody": Limit(200, 20.0),
}

REMEMBERED = 4096
"""So many counts of each row are kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the secret is right; of a wrong one too many, the seconds to wait."""

    right: bool
    wait_s: float = 0.0


class Guard:
    """Looks at secrets. One for each process; not for several threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        # Compared where a client has fewer, or there is none, so that the time an answer takes does not tell which.
        self._nobody = hash_of(new_secret())
        self._left: dict[str, _Recent[tuple[str, ...], tuple[float, float]]] = {
            row: _Recent(REMEMBERED) for row in LIMITS
        }

    def look_at(self, client_id: str, client: Client | None, secret: str, address: str) -> Verdict:
        """Whether `secret` is one of `client`'s (None: there is nobody of this id)."""
        held = [each for each in (client.secrets if client else ()) if each.is_valid(self._now())]
        compared = (held + [self._nobody] * SECRETS_MOST)[:SECRETS_MOST]
        if any([each.matches(secret) for each in compared]):  # noqa: C419 - each is looked at, whichever is right
            return Verdict(right=True)
        counts = {
            # Of the id a digest: what somebody sends is of any length, and kept.
            "client and address": (hashlib.sha256(client_id.encode("utf-8", "surrogatepass")).hexdigest(), address),
            "address": (address,),
            "everybody": (),
        }
        wait_s = max(self._wait_s(row, by) for row, by in counts.items())
        if wait_s == 0:
            for row, by in counts.items():
                self._count(row, by)
        return Verdict(right=False, wait_s=wait_s)

    def _balance(self, row: str, by: tuple[str, ...]) -> float:
        limit = LIMITS[row]
        left, at = self._left[row].get(by) or (limit.burst, self._now())
        return min(limit.burst, left + max(0.0, self._now() - at) * limit.per_s)

    def _wait_s(self, row: str, by: tuple[str, ...]) -> float:
        return max(0.0, 1.0 - self._balance(row, by)) / LIMITS[row].per_s

    def _count(self, row: str, by: tuple[str, ...]) -> None:
        self._left[row].put(by, (self._balance(row, by) - 1.0, self._now()))


Key = TypeVar("Key")
Value = TypeVar("Value")


class _Recent(Generic[Key, Value]):
    """A mapping that forgets what was put longest ago."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        return self._held.get(key)

    def put(self, key: Key, value: Value) -> None:
        self._held[key] = value
        self._held.move_to_end(key)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
