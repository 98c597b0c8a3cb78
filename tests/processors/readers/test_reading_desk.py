"""How a worker comes by an extraction: remembered, stored, read; within its time, or not at all."""

import asyncio
import threading
import time

import pytest

from processors.readers import desk as reading
from processors.readers.desk import ReadingDesk
from processors.readers.sandbox.reader import ReadResult
from processors.readers.text.reading import refusal
from processors.stages.verify.lanes import StoreUnavailable
from schemas.application import DocumentRef
from stores.documents.blobs import MemoryBlobs
from stores.documents.extractions import ExtractionStore, ReaderId
from stores.documents.sealing import DocumentKey
from stores.documents.store import DocumentStore


def key(_):
    return DocumentKey("k-1", b"k" * 32)


class Reader:
    """Gives the same result for every document and counts how often it was asked, and for how many at once."""

    id = ReaderId("text", "1a2b3c4d5e6f")
    parallel = 2

    def __init__(self, result=ReadResult("read", pages=1), seconds=0.0):  # noqa: B008 - frozen
        self.result, self.seconds = result, seconds
        self.asked = self.at_once = self.most = 0

    async def read(self, data, kind, media_type, deadline_s):
        self.asked += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.at_once -= 1
        return self.result


class Declared(Reader):
    """Says of what is no PDF what the real reader says."""

    async def read(self, data, kind, media_type, deadline_s):
        found = await super().read(data, kind, media_type, deadline_s)
        reason = refusal(data, kind, media_type)
        return ReadResult("unreadable", reason) if reason else found


class Place:
    """A desk over a store in memory."""

    def __init__(self, reader=None):
        self.blobs, self.reader = MemoryBlobs(), reader or Reader()
        self.documents = DocumentStore(self.blobs, key)
        self.desk = ReadingDesk(self.documents, ExtractionStore(self.blobs, key), self.reader)

    def upload(self, data=b"%PDF-", tenant="bank-a", media_type="application/pdf"):
        sha256 = self.documents.put(tenant, data)
        return DocumentRef(kind="payslip", sha256=sha256, media_type=media_type, size=len(data))

    async def ask(self, ref, lane="slow", tenant="bank-a", seconds=5.0):
        return await self.desk.extraction(tenant, ref, lane, time.monotonic() + seconds)


def test_what_was_read_is_not_read_again():
    """Neither by this worker nor by another one on the same store."""
    place = Place()
    ref = place.upload()
    first = asyncio.run(place.ask(ref, "fast"))
    other = ReadingDesk(place.documents, ExtractionStore(place.blobs, key), place.reader)
    again = asyncio.run(other.extraction("bank-a", ref, "slow", time.monotonic() + 5))
    assert first == again
    assert first.status == "read"
    assert place.reader.asked == 1


def test_a_corrected_media_type_is_read():
    """One application names a payslip as a picture, the next one rightly as a PDF: the second is not told the first's."""
    place = Place(Declared())
    wrong, right = (place.upload(media_type=media_type) for media_type in ("image/png", "application/pdf"))
    assert wrong.sha256 == right.sha256
    for _ in range(2):
        found = asyncio.run(place.ask(wrong))
        assert (found.status, found.reason) == ("unreadable", "media_type_differs")
        assert asyncio.run(place.ask(right)).status == "read"
    assert place.reader.asked == 2


@pytest.mark.parametrize("lane", ["fast", "slow"])
@pytest.mark.parametrize("by", [-1, 1, 40_000])
def test_a_document_of_another_size_than_was_said_is_not_read(lane, by):
    """Its sender says something about it that is not so: a person looks, until a revision says it right."""
    place = Place()
    right = place.upload()
    wrong = right.model_copy(update={"size": max(right.size + by, 0)})
    for _ in range(2):
        found = asyncio.run(place.ask(wrong, lane))
        assert (found.status, found.reason, found.findings) == ("unreadable", "size_differs", ())
    assert place.reader.asked == 0
    assert asyncio.run(place.ask(right, lane)).status == "read"
    assert asyncio.run(place.ask(wrong, lane)).reason == "size_differs"


def test_a_size_is_held_against_the_document_and_not_against_a_damaged_object():
    """What the store lost is not the sender's fault."""
    place = Place()
    ref = place.upload(b"%PDF-1.7 a payslip")
    name = f"bank-a/{ref.sha256}"
    place.blobs.objects[name] = place.blobs.objects[name][:-1]
    assert asyncio.run(place.ask(ref)).reason == "document_damaged"


def test_the_time_that_ran_out_on_one_media_type_is_not_anothers():
    """What is remembered of a document is remembered of what it was declared to be."""
    place = Place(Reader(ReadResult("deadline", "deadline")))
    for media_type in ("application/pdf", "image/png", "application/pdf"):
        asyncio.run(place.ask(place.upload(media_type=media_type)))
    assert place.reader.asked == 2


def test_another_reader_is_asked_about_what_one_could_not_read():
    """That a picture has no text is the reader's last word, and neither a mended one's nor that of one for pictures."""
    place = Place(Reader(ReadResult("unreadable", "no_text_layer")))
    ref = place.upload()
    for _ in range(2):
        assert asyncio.run(place.ask(ref)).reason == "no_text_layer"
    assert place.reader.asked == 1
    for reader in (ReaderId("text", "000000000000"), ReaderId("pictures", Reader.id.version)):
        other = Reader()
        other.id = reader
        desk = ReadingDesk(place.documents, ExtractionStore(place.blobs, key), other)
        found = asyncio.run(desk.extraction("bank-a", ref, "slow", time.monotonic() + 5))
        assert (found.status, found.reader) == ("read", reader.name)


def test_a_rewritten_reader_that_finds_the_same_gives_the_same_evidence():
    """An application sent again after an upgrade is decided the same: its evidence names the reader, not the version."""
    place, rewritten = Place(), Reader()
    ref = place.upload()
    rewritten.id = ReaderId("text", "000000000000")
    desk = ReadingDesk(place.documents, ExtractionStore(place.blobs, key), rewritten)
    before = asyncio.run(place.ask(ref))
    after = asyncio.run(desk.extraction("bank-a", ref, "slow", time.monotonic() + 5))
    assert rewritten.asked == 1
    assert before == after


def test_a_document_that_only_another_tenant_has_is_missing():
    """It behaves exactly like one that nobody has, and may still be uploaded."""
    place = Place()
    ref = place.upload(tenant="bank-b")
    found = asyncio.run(place.ask(ref))
    assert (found.status, found.reason) == ("unreadable", "document_missing")
    assert asyncio.run(place.ask(place.upload())).status == "read"


def test_a_damaged_document_is_unreadable():
    """One changed byte of the stored object."""
    place = Place()
    ref = place.upload()
    name = f"bank-a/{ref.sha256}"
    place.blobs.objects[name] = place.blobs.objects[name][:-1] + b"\0"
    found = asyncio.run(place.ask(ref))
    assert (found.status, found.reason) == ("unreadable", "document_damaged")


def test_the_slow_lane_tries_a_document_that_ran_out_of_time_once():
    """Its next turn goes on behind it; another worker may try again, for the machine may have been busy."""
    place = Place(Reader(ReadResult("deadline", "deadline")))
    ref = place.upload()
    for _ in range(3):
        found = asyncio.run(place.ask(ref))
        assert (found.status, found.reason) == ("unreadable", "deadline")
    assert place.reader.asked == 1
    assert asyncio.run(place.ask(ref, "fast")) is None
    assert list(place.blobs.objects) == [f"bank-a/{ref.sha256}"]


def test_the_worker_remembers_so_many_and_no_more(monkeypatch):
    """What ran out of time longest ago is forgotten first."""
    monkeypatch.setattr(reading, "RAN_OUT_MAX", 2)
    place = Place(Reader(ReadResult("deadline", "deadline")))
    refs = [place.upload(b"%d" % number) for number in range(3)]
    for ref in (*refs, refs[2], refs[0]):
        asyncio.run(place.ask(ref))
    assert place.reader.asked == 4


def test_the_fast_lanes_time_holds_for_the_store_too():
    """A store that does not answer costs the batch its budget and no more."""
    place = Place()
    ref = place.upload()
    place.blobs.get = lambda _: threading.Event().wait(20)
    began = time.monotonic()
    assert asyncio.run(place.ask(ref, "fast", seconds=0.05)) is None
    assert time.monotonic() - began < 5


def test_a_store_that_does_not_answer_is_away(monkeypatch):
    """The slow lane does not wait for it longer than that."""
    monkeypatch.setattr(reading, "STORE_ANSWER_S", 0.05)
    place = Place()
    ref = place.upload()
    place.blobs.get = lambda _: threading.Event().wait(20)
    with pytest.raises(StoreUnavailable):
        asyncio.run(place.ask(ref))


def test_a_store_that_hangs_takes_nothing_else_with_it(monkeypatch):
    """The worker still drains, every document hears in time that its store is away, and no more threads wait for it."""
    monkeypatch.setattr(reading, "STORE_ANSWER_S", 0.05)
    place = Place()
    refs = [place.upload(b"%d" % number) for number in range(40)]
    real, answers, waiting = place.blobs.get, threading.Event(), []

    def get(name):
        waiting.append(name)
        answers.wait()
        return real(name)

    place.blobs.get = get

    async def ask():
        asking = [asyncio.create_task(place.ask(ref)) for ref in refs]
        try:
            await asyncio.wait(asking, timeout=0.5)
            began = time.monotonic()
            async with asyncio.timeout(5):
                await asyncio.to_thread(lambda: None)
                drained_s = time.monotonic() - began
                found = await asyncio.gather(*asking, return_exceptions=True)
        finally:
            answers.set()
        assert drained_s < 0.5
        assert {type(one) for one in found} == {StoreUnavailable}
        assert len(waiting) == place.reader.parallel + reading.HUNG_MOST
        monkeypatch.setattr(reading, "STORE_ANSWER_S", 5)
        return await place.ask(refs[0])

    assert asyncio.run(ask()).status == "read"


@pytest.mark.parametrize("lane", ["fast", "slow"])
def test_nothing_is_concluded_from_a_store_that_is_down(lane):
    """No outcome is invented."""
    place = Place()
    ref = place.upload()
    place.blobs.down = True
    with pytest.raises(StoreUnavailable):
        asyncio.run(place.ask(ref, lane))
    assert place.reader.asked == 0


def test_only_so_many_documents_are_in_memory_at_once():
    """A hundred large ones in a batch are loaded two at a time."""
    place = Place(Reader(seconds=0.002))
    refs = [place.upload(b"%d" % number) for number in range(20)]

    async def ask_all():
        return await asyncio.gather(*(place.ask(ref, "fast") for ref in refs))

    assert all(asyncio.run(ask_all()))
    assert place.reader.most == 2


def test_a_document_that_is_too_large_is_not_loaded(monkeypatch):
    """Its size is asked before its bytes are in memory; one that fits is read."""
    place = Place()
    monkeypatch.setattr(reading, "DOCUMENT_BYTES_MAX", 100)
    large, fits = place.upload(b"x" * 229), place.upload(b"x" * 100)
    found = asyncio.run(place.ask(large))
    assert (found.status, found.reason) == ("unreadable", "too_large")
    assert place.reader.asked == 0
    assert asyncio.run(place.ask(fits)).status == "read"
