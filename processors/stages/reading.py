"""How a worker comes by extractions: remembered ones first, then the store and the sandboxed reader."""

import asyncio
import time

from processors.documents.blobs import StoreDownError
from processors.documents.sandbox import READER_VERSION, DocumentReader, ReadResult
from processors.documents.sealing import DamagedObjectError
from processors.documents.store import DocumentStore, ExtractionStore
from processors.stages.verify import StoreUnavailable
from schemas.application import DocumentRef
from schemas.verification import Extraction, Lane


class ReadingDesk:
    """Reads documents for the verify stage; what was read is stored at once, so that nothing is read twice."""

    def __init__(self, documents: DocumentStore, extractions: ExtractionStore, reader: DocumentReader) -> None:
        self._documents = documents
        self._extractions = extractions
        self._reader = reader

    async def extraction(self, tenant: str, ref: DocumentRef, lane: Lane, deadline: float) -> Extraction | None:
        """What the document says; None where the fast lane's `deadline` (monotonic seconds) passed first.

        Raises `StoreUnavailable`.
        """
        try:
            known = await asyncio.to_thread(self._extractions.get, tenant, ref.sha256, ref.kind)
            if known is not None:
                return known
            data = await asyncio.to_thread(self._documents.get, tenant, ref.sha256)
        except StoreDownError as error:
            raise StoreUnavailable from error
        except DamagedObjectError:
            return _extraction(ref, lane, ReadResult("unreadable", "document_damaged"))
        if data is None:
            # Not stored as an extraction: the document may still be uploaded, for a later revision.
            return _extraction(ref, lane, ReadResult("unreadable", "document_missing"))
        left = deadline - time.monotonic()
        if left <= 0 and lane == "fast":
            return None
        result = await self._reader.read(
            data,
            ref.kind,
            ref.media_type,
            max(left, 0.001),
            waiting_counts=lane == "fast",  # in the slow lane another document's slowness is not this one's deadline
        )
        if result.status == "deadline":
            return None if lane == "fast" else _extraction(ref, lane, result)
        extraction = _extraction(ref, lane, result)
        try:
            await asyncio.to_thread(self._extractions.put, tenant, extraction)
        except StoreDownError as error:
            raise StoreUnavailable from error
        return extraction


def _extraction(ref: DocumentRef, lane: Lane, result: ReadResult) -> Extraction:
    return Extraction(
        sha256=ref.sha256,
        kind=ref.kind,
        # Time that ran out in the slow lane is the document's own doing: nobody waits longer than that for it.
        status="unreadable" if result.status == "deadline" else result.status,
        reason=result.reason,
        reader=READER_VERSION,
        lane=lane,
        pages=result.pages,
        fields=result.fields,
        findings=result.findings,
    )
