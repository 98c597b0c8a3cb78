"""How a worker comes by extractions: remembered ones first, then the store and the sandboxed reader."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeVar

from processors.readers.reasons import DEADLINE
from processors.readers.sandbox.reader import ReadResult
from processors.readers.text.reading import DOCUMENT_BYTES_MAX
from processors.stages.blocking import BlockingCalls
from processors.stages.verify.lanes import StoreUnavailable
from schemas.application import DocumentRef
from schemas.problem import Problem
from schemas.verification import Extraction, Lane
from stores.documents.blobs import StoreDownError
from stores.documents.extractions import ExtractionStore, ReaderId
from stores.documents.sealing import OVERHEAD_MAX, DamagedObjectError
from stores.documents.store import DocumentStore


class Reader(Protocol):
    """What the desk needs of `processors.readers.sandbox.reader.DocumentReader`.

    What it reads is kept under its `id`.
    """

    id: ReaderId
    parallel: int

    async def read(self, data: bytes, kind: str, media_type: str, deadline_s: float) -> ReadResult:
        """The fields of one document, or that `deadline_s` seconds were too short. Never raises."""


RAN_OUT_MAX = 10_000
"""Documents that ran out of time in the slow lane and are not tried again soon."""

STORE_ANSWER_S = 3.0
"""How long an answer of the store may take (the fast lane's budget ends sooner); a slower store is away."""

HUNG_MOST = 8
"""Calls of the store that may hang. With so many and one for each reader, it is not asked again until one returns."""

T = TypeVar("T")


class ReadingDesk:
    """Reads documents for the verify stage; what was read is stored at once, so that nothing is read twice.

    At most `parallel` documents are in memory and read at the same time. A document that ran out of time is remembered
    by this worker alone: that may be the machine's doing, and is no last word on the document.
    """

    def __init__(self, documents: DocumentStore, extractions: ExtractionStore, reader: Reader) -> None:
        self._documents = documents
        self._extractions = extractions
        self._reader = reader
        self.parallel = reader.parallel
        self._places = asyncio.Semaphore(reader.parallel)
        self._calls = BlockingCalls(reader.parallel + HUNG_MOST)
        self._ran_out: OrderedDict[tuple[str, DocumentRef], Extraction] = OrderedDict()

    async def extraction(self, tenant: str, ref: DocumentRef, lane: Lane, deadline: float) -> Extraction | None:
        """What the document says; None where the fast lane's `deadline` (monotonic seconds) passed first.

        The fast lane's deadline holds for all of it: a place, the store's answers, the reading. In the slow lane it is
        the reading's own. Raises `StoreUnavailable`.
        """
        if lane == "slow":
            async with self._places:
                return await self._read_slowly(tenant, ref, deadline)
        try:
            async with asyncio.timeout_at(deadline), self._places:
                return await self._read(tenant, ref, lane, deadline)
        except TimeoutError:
            return None

    async def _read_slowly(self, tenant: str, ref: DocumentRef, deadline: float) -> Extraction:
        place = (tenant, ref)
        if place in self._ran_out:
            return self._ran_out[place]
        found = await self._read(tenant, ref, "slow", deadline)
        if found is None:
            # Time that ran out here is the document's own doing: nobody waits longer than that for it.
            found = self._extraction(ref, "slow", ReadResult("unreadable", DEADLINE))
            self._ran_out[place] = found
            if len(self._ran_out) > RAN_OUT_MAX:
                self._ran_out.popitem(last=False)
        return found

    async def _read(self, tenant: str, ref: DocumentRef, lane: Lane, deadline: float) -> Extraction | None:
        """None where the time was too short."""
        known = await self._ask(self._extractions.get, tenant, ref, self._reader.id)
        if known is not None:
            return known
        size = await self._ask(self._documents.size, tenant, ref.sha256)
        if size is None:
            # Not stored as an extraction: the document may still be uploaded, for a later revision.
            return self._extraction(ref, lane, ReadResult("unreadable", "document_missing"))
        if size > DOCUMENT_BYTES_MAX + OVERHEAD_MAX:
            return self._extraction(ref, lane, ReadResult("unreadable", "too_large"))
        try:
            data = await self._ask(self._documents.get, tenant, ref.sha256)
        except DamagedObjectError:
            return self._extraction(ref, lane, ReadResult("unreadable", "document_damaged"))
        if data is None:
            return self._extraction(ref, lane, ReadResult("unreadable", "document_missing"))
        if len(data) != ref.size:
            # By its hash it is the document that was meant, so the number is its sender's slip.
            result = ReadResult("unreadable", "size_differs")
        else:
            left = max(deadline - time.monotonic(), 0.001)
            result = await self._reader.read(data, ref.kind, ref.media_type, left)
        if result.status == "deadline":
            return None
        extraction = self._extraction(ref, lane, result)
        await self._ask(self._extractions.put, tenant, ref, self._reader.id, extraction)
        return extraction

    async def _ask(self, call: Callable[..., T], *arguments: object) -> T:
        """An answer of the store, whose calls block. Raises `StoreUnavailable`."""
        try:
            async with asyncio.timeout(STORE_ANSWER_S):
                return await self._calls.make(call, *arguments)
        except (StoreDownError, TimeoutError) as error:
            raise StoreUnavailable from error
        except Problem as error:  # a bank whose keys are not there: they are put there, and it goes on
            raise StoreUnavailable(str(error)) from error

    def _extraction(self, ref: DocumentRef, lane: Lane, result: ReadResult) -> Extraction:
        assert result.status != "deadline"
        return Extraction(
            sha256=ref.sha256,
            kind=ref.kind,
            status=result.status,
            reason=result.reason,
            reader=self._reader.id.name,
            lane=lane,
            pages=result.pages,
            fields=result.fields,
            findings=result.findings,
        )
