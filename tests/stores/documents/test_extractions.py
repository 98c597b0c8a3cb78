"""What was read from a document is kept for those who would read the same again, and for nobody else."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from schemas.application import DocumentRef
from schemas.verification import ExtractedField, Extraction
from stores.documents.blobs import Blobs, FileBlobs, MemoryBlobs
from stores.documents.extractions import ExtractionStore, ReaderId
from stores.documents.sealing import DocumentKey
from stores.documents.store import DocumentStore

PAYSLIP = b"%PDF-1.4 the payslip of Asha Rao"
KEYS = {"bank-a": DocumentKey("a-1", bytes(32)), "bank-b": DocumentKey("b-1", bytes([1]) * 32)}
READER = ReaderId("text", "1a2b3c4d5e6f")
REF = DocumentRef(
    kind="payslip", sha256=hashlib.sha256(PAYSLIP).hexdigest(), media_type="application/pdf", size=len(PAYSLIP)
)
EXTRACTION = Extraction(
    sha256=REF.sha256,
    kind=REF.kind,
    status="read",
    reader=READER.name,
    lane="slow",
    pages=1,
    fields=(ExtractedField(name="holder_name", value="Asha Rao", confidence=0.99, page=1),),
)


@pytest.fixture(params=["memory", "files"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return MemoryBlobs() if request.param == "memory" else FileBlobs.create(tmp_path / "documents")


def test_what_was_read_comes_back_to_the_same_reader(blobs: Blobs) -> None:
    """What was read is not read again: for the same tenant, file, kind, media type, size, reader and version."""
    extractions = ExtractionStore(blobs, KEYS)
    extractions.put("bank-a", REF, READER, EXTRACTION)
    assert extractions.get("bank-a", REF, READER) == EXTRACTION


@pytest.mark.parametrize(
    ("tenant", "ref", "reader"),
    [
        ("bank-b", {}, READER),
        ("bank-a", {"sha256": "0" * 64}, READER),
        ("bank-a", {"kind": "bank_statement"}, READER),
        ("bank-a", {"media_type": "image/png"}, READER),
        ("bank-a", {"media_type": "application/pdf+"}, READER),
        ("bank-a", {"size": 1}, READER),
        ("bank-a", {}, ReaderId("text", "1a2b3c4d5e60")),
        ("bank-a", {}, ReaderId("pictures", "1a2b3c4d5e6f")),
    ],
)
def test_nobody_else_is_told_what_one_reader_found(
    blobs: Blobs, tenant: str, ref: dict[str, Any], reader: ReaderId
) -> None:
    """Another tenant, file, kind, media type or size, a mended reader or another one: each has to read for itself."""
    extractions = ExtractionStore(blobs, KEYS)
    extractions.put("bank-a", REF, READER, EXTRACTION)
    assert extractions.get(tenant, REF.model_copy(update=ref), reader) is None


def test_readers_keep_their_verdicts_side_by_side(blobs: Blobs) -> None:
    """That one reader sees a picture without text does not hide what another one, asked later, reads in it."""
    extractions = ExtractionStore(blobs, KEYS)
    blind = EXTRACTION.model_copy(update={"status": "unreadable", "reason": "no_text_layer", "fields": ()})
    seeing = EXTRACTION.model_copy(update={"reader": "pictures"})
    of = {READER: blind, ReaderId("pictures", READER.version): seeing}
    for reader, found in of.items():
        extractions.put("bank-a", REF, reader, found)
    for reader, found in of.items():
        assert extractions.get("bank-a", REF, reader) == found


def test_a_media_type_of_any_length_can_be_kept(blobs: Blobs) -> None:
    """Whatever media type a sender may declare, a verdict on it finds room in the object's name."""
    extractions = ExtractionStore(blobs, KEYS)
    ref = REF.model_copy(update={"kind": "bank_statement", "media_type": f"{'+' * 64}/{'.' * 64}"})
    extractions.put("bank-a", ref, READER, EXTRACTION)
    assert extractions.get("bank-a", ref, READER) == EXTRACTION


def test_an_operator_reads_off_an_objects_name_what_it_is() -> None:
    """Tenant, document, kind and reader stand in the name of the object; the media type as a hash behind them."""
    blobs = MemoryBlobs()
    ExtractionStore(blobs, KEYS).put("bank-a", REF, READER, EXTRACTION)
    (name,) = blobs.objects
    assert name.startswith(f"bank-a/{REF.sha256}.payslip-text-1a2b3c4d5e6f-")


def test_nothing_readable_lies_in_the_store() -> None:
    """What is stored holds no piece of what the document says."""
    blobs = MemoryBlobs()
    ExtractionStore(blobs, KEYS).put("bank-a", REF, READER, EXTRACTION)
    assert all(b"Asha" not in blob for blob in blobs.objects.values())


def test_an_extraction_does_not_hide_its_document(blobs: Blobs) -> None:
    """Documents and extractions lie beside each other without getting into each other's way."""
    documents = DocumentStore(blobs, KEYS)
    documents.put("bank-a", PAYSLIP)
    ExtractionStore(blobs, KEYS).put("bank-a", REF, READER, EXTRACTION)
    assert documents.get("bank-a", REF.sha256) == PAYSLIP


def test_an_unavailable_extraction_is_not_kept(blobs: Blobs) -> None:
    """A reader that was down must be asked again: its silence is not stored as the document's answer."""
    extractions = ExtractionStore(blobs, KEYS)
    extractions.put("bank-a", REF, READER, EXTRACTION.model_copy(update={"status": "unavailable"}))
    assert extractions.get("bank-a", REF, READER) is None


def test_a_damaged_extraction_is_read_anew() -> None:
    """An extraction that was cut off, or has any bit flipped, counts as none, so that the document is read again."""
    blobs = MemoryBlobs()
    extractions = ExtractionStore(blobs, KEYS)
    extractions.put("bank-a", REF, READER, EXTRACTION)
    ((name, blob),) = blobs.objects.items()
    flipped = (blob[:at] + bytes([blob[at] ^ 1 << bit]) + blob[at + 1 :] for at in range(len(blob)) for bit in range(8))
    for damaged in (blob[:-1], *flipped):
        blobs.objects[name] = damaged
        assert extractions.get("bank-a", REF, READER) is None
