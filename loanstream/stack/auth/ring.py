"""The keys that sign tokens, as a schedule: pure, with the time given.

A key's state follows from the clock. Nobody has to be there at the moment when it changes, so a rotation that is
killed half-way goes on by itself:

    next       published, and not signing: verifiers get to know it
    current    signs
    retiring   published until the last token that it signed has expired
    gone       taken out of the ring

Times are seconds since 1970.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from joserfc.jwk import ECKey

ALGORITHM = "ES256"
"""A quarter of the time that RS256 takes to sign, and tokens of half the size; Kafka's jose4j takes both."""
CURVE = "P-256"


class State(StrEnum):
    """Where a key stands."""

    NEXT = "next"
    CURRENT = "current"
    RETIRING = "retiring"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds: how long a token lives, how often verifiers read the keys anew (a new key waits that long before it
    signs), and what verifiers allow clocks to differ by.
    """

    life_s: int = 300
    refresh_s: int = 30
    leeway_s: int = 10


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key (`jwk`) and its times. `longest_life_s` is that of the tokens it may have signed."""

    kid: str
    jwk: Mapping[str, str] = field(repr=False)
    made_at: float
    published_at: float | None = None
    signs_from: float | None = None
    longest_life_s: float = 0.0

    @property
    def public(self) -> dict[str, str]:
        """Its public half, as a JWK."""
        kept = {name: self.jwk[name] for name in ("kty", "crv", "x", "y")}
        return {"kid": self.kid, "use": "sig", "alg": ALGORITHM, **kept}


@dataclass(frozen=True, slots=True)
class Standing:
    """A key, its state at a moment, and when that ends (None where nothing is to end it yet)."""

    key: SigningKey
    state: State
    until: float | None


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys, in the order in which they sign."""

    keys: tuple[SigningKey, ...]

    def standings(self, now: float, leeway_s: float) -> Iterator[Standing]:
        """Each key's state at `now`."""
        signing = self.signing(now)
        seen = False
        for key, successor in zip(self.keys, (*self.keys[1:], None), strict=True):
            if key is signing:
                seen = True
                yield Standing(key, State.CURRENT, successor.signs_from if successor else None)
            elif seen:
                yield Standing(key, State.NEXT, key.signs_from)
            else:
                gone_at = _gone_at(key, successor, leeway_s)
                yield Standing(key, State.GONE if now >= gone_at else State.RETIRING, gone_at)

    def signing(self, now: float) -> SigningKey:
        """The key that signs at `now`: the last whose time has come, or the first where a clock went back."""
        due = [key for key in self.keys if key.signs_from is not None and key.signs_from <= now]
        return due[-1] if due else self.keys[0]

    @property
    def published(self) -> dict[str, list[dict[str, str]]]:
        """The JWK Set (RFC 7517): every key that is not taken out yet."""
        return {"keys": [key.public for key in self.keys]}


def new_key(now: float) -> SigningKey:
    """A key of its own, that nobody knows yet."""
    made = ECKey.generate_key(CURVE, auto_kid=True)
    kid = made.kid
    assert kid is not None
    return SigningKey(kid, {name: str(value) for name, value in made.as_dict(private=True).items()}, now)


def first_ring(now: float) -> Ring:
    """A ring of one key that signs at once: there are no tokens yet."""
    return Ring((replace(new_key(now), published_at=now, signs_from=now),))


def settled(ring: Ring, now: float, times: Times, served: Collection[str]) -> Ring:
    """The ring at `now`, where the keys of the ids `served` can be had: new ones of those get their turn, those that no
    token needs any more are gone, and each that may sign notes how long the tokens are to live.
    """
    standings = list(ring.standings(now, times.leeway_s))
    kept = [standing for standing in standings if standing.state is not State.GONE]
    return Ring(tuple(_settled(standing, now, times, served) for standing in kept))


def rotated(ring: Ring, now: float, *, at_once: bool = False, drop_old: bool = False) -> Ring:
    """The ring with a rotation begun; the same ring where one is under way.

    The new key is published and waits, or with `at_once` signs from `now` on. With `drop_old` there is no other key
    any more, and no key that was made before: who knows one may know all that lay beside it.
    """
    if drop_old:
        return first_ring(now)
    waiting = [standing.key for standing in ring.standings(now, 0.0) if standing.state is State.NEXT]
    ahead = waiting[0] if waiting else new_key(now)
    if at_once:
        ahead = replace(ahead, published_at=ahead.published_at or now, signs_from=now)
    before = tuple(key for key in ring.keys if key not in waiting)
    return Ring((*before, ahead))


def _settled(standing: Standing, now: float, times: Times, served: Collection[str]) -> SigningKey:
    key = standing.key
    if key.published_at is None and key.kid in served:
        key = replace(key, published_at=now, signs_from=now + times.refresh_s)
    if standing.state is not State.RETIRING:
        key = replace(key, longest_life_s=max(key.longest_life_s, times.life_s))
    return key


def _gone_at(key: SigningKey, successor: SigningKey | None, leeway_s: float) -> float:
    assert successor is not None
    assert successor.signs_from is not None
    return successor.signs_from + key.longest_life_s + leeway_s
