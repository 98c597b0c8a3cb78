"""Idempotency: what an `Idempotency-Key` was used for, on a topic that every gateway writes and reads.

Theory of operation. A gateway writes its claim, reads the topic up to it, and sees whether it is the first of its key:
the order of the partition decides, whichever gateways raced. A killed gateway leaves a claim without `sent`; the next
request with that key and body sends the application again. The broker may have had it: then the same application is
there twice, which every stage takes for the repeat that it is, because the id, the revision and what it says are equal.

What a claim holds is told by `claim_index`, and what of it is kept in memory, too.
"""

import asyncio
import hashlib
import heapq
import hmac
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Protocol

from confluent_kafka import Consumer

from producers.gateway.claim_index import CLAIMS_MOST, LASTS_MS, ClaimIndex, Held
from producers.gateway.following import Follower
from producers.gateway.parts import Claim
from producers.gateway.sending import Refusal, away
from schemas.decode import Undecodable, decode_own
from schemas.gateway import GatewayClaim
from schemas.headers import child_traceparent, event_headers
from schemas.records import Headers, Place
from schemas.topics import TOPICS
from schemas.values import rfc3339, utc_of_ms

log = logging.getLogger(__name__)

TOPIC = TOPICS["claims"]
PARTITION = 0
"""Where every claim is written, so that one order decides, however many partitions somebody gave the topic."""
READ_BACK_S = 5.0
"""How long a claim may take to come back once the broker has confirmed it."""

NOT_READ_YET = Refusal("claims-not-read", "the claims of the last day are still being read", 2)
NOT_READ_BACK = Refusal("claims-read-back", "the claim of the Idempotency-Key did not come back in time", 2)


class Puts(Protocol):
    """What claims ask of a sender."""

    async def put(self, topic: str, key: bytes, value: bytes, headers: Headers, partition: int) -> Place:
        """Where the record stands. ProblemError `unavailable`."""
        ...

    def post(self, topic: str, key: bytes, value: bytes, headers: Headers, partition: int) -> None:
        """Send, and do not wait. ProblemError `unavailable`."""
        ...


class KafkaClaims:
    """The `Claims` of `parts`; used from the event loop that `start` was called in.

    `keys` gives a bank's claims key. `settings` are librdkafka's.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        sender: Puts,
        keys: Callable[[str], bytes],
        now_ms: Callable[[], int],
        *,
        most: int = CLAIMS_MOST,
        kafka: Callable[[dict[str, Any]], Any] = Consumer,
    ) -> None:
        self._sender, self._keys, self._now_ms = sender, keys, now_ms
        self._index = ClaimIndex(most)
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._turns = count()
        # Counted on from a random beginning: to ask for randomness each time costs more than all else of a claim.
        self._born = str(uuid.uuid4())[: -len("-000000000000")]
        self._told_forgotten = False
        self._follower = Follower(
            settings,
            [TOPIC.name()],
            self._take,
            self._advance,
            lambda: bool(self._waiting),
            since_ms=lambda: now_ms() - LASTS_MS,
            kafka=kafka,
        )

    async def start(self) -> None:
        """Begin to read what was claimed within the last day."""
        await self._follower.start()

    async def close(self) -> None:
        """Stop reading."""
        await self._follower.close()

    async def complaint(self) -> str | None:
        """What is wrong, in words for readiness."""
        return self._follower.complaint or (None if self._follower.has_caught_up else NOT_READ_YET.says)

    async def claim(
        self, tenant: str, client_id: str, key: str, body: bytes, application_id: str, revision: int
    ) -> Claim:
        """The claim that holds: this one, or an earlier one. ProblemError `unavailable`."""
        if not self._follower.has_caught_up:
            raise away(NOT_READ_YET)
        secret = self._keys(tenant)
        key_hmac, body_hmac = _hmac(secret, b"key", client_id.encode(), key.encode()), _hmac(secret, b"body", body)
        held, claim_id = self._held(key_hmac), ""
        if held is None:
            claim_id, now_ms = f"{self._born}-{next(self._turns):012x}", self._now_ms()
            own = Held(claim_id, body_hmac, application_id, revision, now_ms, is_sent=False)
            place = await self._sender.put(*_record(own, tenant, client_id, key_hmac, now_ms))
            await self._read_up_to(place.offset)
            held = self._held(key_hmac) or own  # forgotten meanwhile: then nobody knows better
        return Claim(
            held.application_id,
            held.revision,
            is_first=held.claim_id == claim_id,
            is_same_body=held.body_hmac == body_hmac,
            is_sent=held.is_sent,
        )

    async def sent(self, tenant: str, client_id: str, key: str) -> None:
        """Note that the claim's application was confirmed. Nobody waits for it: without it one is sent twice.

        ProblemError `unavailable`.
        """
        key_hmac = _hmac(self._keys(tenant), b"key", client_id.encode(), key.encode())
        held = self._held(key_hmac)
        if held is not None and not held.is_sent:
            record = _record(held._replace(is_sent=True), tenant, client_id, key_hmac, self._now_ms())
            self._sender.post(*record)

    def _held(self, key_hmac: str) -> Held | None:
        with self._lock:
            return self._index.of(key_hmac, self._now_ms())

    async def _read_up_to(self, offset: int) -> None:
        come = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (offset, next(self._turns), come))
        self._advance()  # after it is waited for: nothing is taken in between unseen
        try:
            async with asyncio.timeout(READ_BACK_S):
                await come
        except TimeoutError:
            raise away(NOT_READ_BACK) from None

    def _advance(self) -> None:
        """In the event loop, after records were taken."""
        position = self._follower.position(TOPIC.name(), PARTITION)
        while self._waiting and self._waiting[0][0] < position:
            come = heapq.heappop(self._waiting)[2]
            if not come.done():
                come.set_result(None)

    def _take(self, messages: list[Any]) -> None:
        """In the reader's thread."""
        for message in messages:
            try:
                claim = decode_own(GatewayClaim, message.value())
            except Undecodable as error:
                log.error("a record of %s is no claim: %s", TOPIC.stem, error.cause)  # noqa: TRY400 - the text is enough
                continue
            with self._lock:
                self._index.take(claim, message.timestamp()[1])
        if self._index.forgotten and not self._told_forgotten:
            self._told_forgotten = True
            log.warning("more claims within a day than are remembered: the oldest are forgotten")


def _hmac(secret: bytes, *parts: bytes) -> str:
    # With their lengths before them, so that nothing can be shifted from one part into another.
    said = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return f"hmac-sha256:{hmac.digest(secret, said, hashlib.sha256).hex()}"


def _record(
    held: Held, tenant: str, client_id: str, key_hmac: str, now_ms: int
) -> tuple[str, bytes, bytes, list[tuple[str, bytes]], int]:
    claim = GatewayClaim(
        claim_id=held.claim_id,
        tenant=tenant,
        client_id=client_id,
        key_hmac=key_hmac,
        body_hmac=held.body_hmac,
        application_id=held.application_id,
        revision=held.revision,
        status="sent" if held.is_sent else "claimed",
        at=utc_of_ms(now_ms),
    )
    headers = event_headers(
        event=TOPIC.event,
        event_id=f"{held.claim_id}/{claim.status}",
        source="loanstream/gateway",
        subject=held.application_id,
        time=rfc3339(claim.at),
        traceparent=child_traceparent(None, held.claim_id, "gateway"),
    )
    return TOPIC.name(), held.claim_id.encode(), claim.model_dump_json().encode(), headers, PARTITION
