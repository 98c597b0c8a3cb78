"""Which claim of an `Idempotency-Key` holds: a pure function of the claims topic, in the order of its records."""

from collections import OrderedDict
from typing import NamedTuple

from schemas.gateway import GatewayClaim
from schemas.topics import TOPICS

LASTS_MS = TOPICS["claims"].retention_ms
CLAIMS_MOST = 200_000
"""Claims that are remembered, at some 600 bytes each."""


class Held(NamedTuple):
    """The claim that holds, since `at_ms`."""

    claim_id: str
    body_hmac: str
    application_id: str
    revision: int
    at_ms: int
    is_sent: bool


class ClaimIndex:
    """The claims of a day, at most `most` of them.

    Of several claims of one key the first holds. One that was sent holds in any case: compaction leaves of it only its
    `sent`, which stands behind the claims that came second. After a day a key is free again.

    With more claims in a day than `most` the oldest are forgotten before their time (`forgotten` counts them). A
    repeat of such a request is sent once more, which is harmless; only a repeat with another body is then no longer
    refused here, but told as a conflict behind.
    """

    def __init__(self, most: int = CLAIMS_MOST) -> None:
        self._most = most
        self._held: OrderedDict[str, Held] = OrderedDict()
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._held)

    def take(self, claim: GatewayClaim, at_ms: int) -> None:
        """The next record of the topic, and its time."""
        held = self.of(claim.key_hmac, at_ms)
        is_sent = claim.status == "sent"
        if held is None:
            self._held.pop(claim.key_hmac, None)
            self._held[claim.key_hmac] = _held(claim, at_ms, is_sent=is_sent)
            self._let_go(at_ms)
        elif is_sent and not held.is_sent:
            since_ms = held.at_ms if held.claim_id == claim.claim_id else at_ms
            self._held[claim.key_hmac] = _held(claim, since_ms, is_sent=True)

    def of(self, key_hmac: str, now_ms: int) -> Held | None:
        """The claim that holds for a key."""
        held = self._held.get(key_hmac)
        return None if held is None or now_ms - held.at_ms > LASTS_MS else held

    def _let_go(self, now_ms: int) -> None:
        while self._held:
            oldest = next(iter(self._held))
            if self.of(oldest, now_ms) is None:
                del self._held[oldest]
            elif len(self._held) > self._most:
                del self._held[oldest]
                self.forgotten += 1
            else:
                return


def _held(claim: GatewayClaim, at_ms: int, *, is_sent: bool) -> Held:
    return Held(claim.claim_id, claim.body_hmac, claim.application_id, claim.revision, at_ms, is_sent)
