"""What wrong secrets may cost: a guess is a hash of some milliseconds, so guesses are counted, and answers remembered.

A client that is right is never shut out by others' guesses once it was let in: its answer is remembered, and costs
nothing. One that tries the same wrong secret again and again costs nothing either. Only new guesses are counted, by
the rows of `LIMITS`; where one is used up, nobody's secret is hashed until it has filled up again.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from loanstream.stack.auth.clients import Client
from loanstream.stack.auth.hashes import hash_of, new_secret


@dataclass(frozen=True, slots=True)
class Limit:
    """So many wrong guesses at once, and so many more each second."""

    burst: float
    per_s: float


LIMITS = {
    # by what they are counted
    "client and address": Limit(5, 0.2),
    "address": Limit(50, 5.0),
    "everybody": Limit(200, 20.0),
}

REMEMBERED = 4096
"""So many answers, and so many counts of each row, are kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the secret is right; where it was not looked at, the seconds after which it will be."""

    right: bool
    wait_s: float = 0.0


class Guard:
    """Looks at secrets. One for each process; not for several threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._key = secrets.token_bytes(32)
        # Compared where there is no such client, so that the time an answer takes does not tell who there is.
        self._nobody = hash_of(new_secret())
        # Apart, so that no number of wrong ones pushes a right one out.
        self._answers: dict[bool, _Recent[bytes, bool]] = {right: _Recent(REMEMBERED) for right in (True, False)}
        self._left: dict[str, _Recent[tuple[str, ...], tuple[float, float]]] = {
            row: _Recent(REMEMBERED) for row in LIMITS
        }

    def look_at(self, client_id: str, client: Client | None, secret: str, address: str) -> Verdict:
        """Whether `secret` is one of `client`'s (None: there is nobody of this id)."""
        hashes = [each for each in (client.secrets if client else ()) if each.is_valid(self._now())] or [self._nobody]
        # Of the hashes too: a secret that was replaced, or that became good, is another question.
        asked = self._digest(*(each.digest for each in hashes), _bytes(client_id), _bytes(secret))
        for right, answers in self._answers.items():
            if answers.get(asked) is not None:
                return Verdict(right)
        counts = {
            # Of the id a digest: what somebody sends is of any length, and kept.
            "client and address": (self._digest(_bytes(client_id)).hex(), address),
            "address": (address,),
            "everybody": (),
        }
        wait_s = max(self._wait_s(row, by) for row, by in counts.items())
        if wait_s > 0:
            return Verdict(right=False, wait_s=wait_s)
        right = any([each.matches(secret) for each in hashes])  # noqa: C419 - each is looked at, whichever is right
        if not right:
            for row, by in counts.items():
                self._count(row, by)
        self._answers[right].put(asked, value=True)
        return Verdict(right)

    def _digest(self, *parts: bytes) -> bytes:
        return hmac.digest(self._key, b"".join(len(part).to_bytes(4, "big") + part for part in parts), "sha256")

    def _balance(self, row: str, by: tuple[str, ...]) -> float:
        limit = LIMITS[row]
        left, at = self._left[row].get(by) or (limit.burst, self._now())
        return min(limit.burst, left + max(0.0, self._now() - at) * limit.per_s)

    def _wait_s(self, row: str, by: tuple[str, ...]) -> float:
        return max(0.0, 1.0 - self._balance(row, by)) / LIMITS[row].per_s

    def _count(self, row: str, by: tuple[str, ...]) -> None:
        self._left[row].put(by, (self._balance(row, by) - 1.0, self._now()))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


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
