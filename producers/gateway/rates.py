"""How often one may ask: a bucket of tokens for each client, and for each address before the client is known."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from producers.gateway.problems import ProblemError
from producers.gateway.recent import Recent

REMEMBERED = 16_384
"""Buckets of each kind; the one that was used longest ago is forgotten first, and is full when it comes again."""

IPV6_NETWORK = 64
"""Bits of an address that one customer of a network has for himself."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second for ever, and so many at once after a rest."""

    per_s: float
    at_once: float


class Buckets:
    """One kind of bucket."""

    def __init__(self, rate: Rate, whose: str, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._whose, self._now = rate, whose, now
        self._left: Recent[str, tuple[float, float]] = Recent(REMEMBERED)

    def take(self, name: str) -> None:
        """Count one request of `name`. ProblemError `too-many` where it has none left."""
        now = self._now()
        left, at = self._left.get(name) or (self._rate.at_once, now)
        left = min(self._rate.at_once, left + (now - at) * self._rate.per_s)
        if left < 1.0:
            self._left.put(name, (left, now))
            raise ProblemError(
                "too-many",
                f"at most {self._rate.per_s:g} requests a second of one {self._whose}",
                retry_after_s=(1.0 - left) / self._rate.per_s,
                reason=f"too-many-of-{self._whose}",
            )
        self._left.put(name, (left - 1.0, now))


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What is counted as one: an IPv4 address, the network of an IPv6 one.

    >>> network_of("192.0.2.7"), network_of("2001:db8::1:2"), network_of("::ffff:192.0.2.7"), network_of("a name")
    ('192.0.2.7', '2001:db8::', '192.0.2.7', 'other')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "other"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(found) >> (128 - IPV6_NETWORK) << (128 - IPV6_NETWORK)))
