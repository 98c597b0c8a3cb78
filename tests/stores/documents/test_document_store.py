"""One battery for every place documents can lie."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stores.documents.blobs import MARKER, Blobs, FileBlobs, MemoryBlobs, StoreDownError
from stores.documents.sealing import OVERHEAD_MAX, DamagedObjectError, DocumentKey, UnknownKeyError, seal
from stores.documents.store import DocumentStore

PAYSLIP = b"%PDF-1.4 the payslip of Asha Rao"
SHA256 = hashlib.sha256(PAYSLIP).hexdigest()
KEYS = {"bank-a": DocumentKey("a-1", bytes(32)), "bank-b": DocumentKey("b-1", bytes([1]) * 32)}


class Place:
    """A store under test, with the means to look at it, alter it and take it away."""

    def __init__(self, blobs: Blobs, names: Callable[[], list[str]], take_away: Callable[[], None]) -> None:
        self.blobs = blobs
        self.names = names
        self.take_away = take_away


def memory(_: Path) -> Place:
    blobs = MemoryBlobs()
    return Place(blobs, lambda: sorted(blobs.objects), lambda: setattr(blobs, "down", True))


def files(tmp_path: Path) -> Place:
    blobs = FileBlobs.create(tmp_path / "documents")

    def names() -> list[str]:
        return sorted(str(path.relative_to(blobs.root)) for path in blobs.root.glob("*/*"))

    return Place(blobs, names, (blobs.root / MARKER).unlink)


@pytest.fixture(params=[memory, files])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return request.param(tmp_path)


@pytest.fixture
def store(place: Place) -> DocumentStore:
    return DocumentStore(place.blobs, KEYS)


def test_a_document_comes_back_under_its_hash(store: DocumentStore, place: Place) -> None:
    """A document is stored as tenant/sha256 and read back byte for byte."""
    assert store.put("bank-a", PAYSLIP) == SHA256
    assert store.get("bank-a", SHA256) == PAYSLIP
    assert place.names() == [f"bank-a/{SHA256}"]


def test_storing_twice_is_storing_once(store: DocumentStore, place: Place) -> None:
    """A second upload of the same document leaves one object and no temporary file."""
    store.put("bank-a", PAYSLIP)
    store.put("bank-a", PAYSLIP)
    assert place.names() == [f"bank-a/{SHA256}"]


def test_another_tenants_document_is_absent(store: DocumentStore) -> None:
    """A hash that only another tenant has is answered exactly like one that nobody has."""
    store.put("bank-a", PAYSLIP)
    assert store.get("bank-b", SHA256) is None
    assert store.get("bank-b", "0" * 64) is None


def test_the_size_is_told_without_the_document(store: DocumentStore, place: Place) -> None:
    """The length of what lies in the store is known, damaged or not; absent, or another tenant's alone, has none."""
    store.put("bank-a", PAYSLIP)
    blob = place.blobs.get(f"bank-a/{SHA256}")
    assert store.size("bank-a", SHA256) == place.blobs.size(f"bank-a/{SHA256}") == len(blob) > len(PAYSLIP)
    assert store.size("bank-b", SHA256) is None
    assert store.size("bank-a", "0" * 64) is None
    place.blobs.put(f"bank-a/{SHA256}", b"")
    assert store.size("bank-a", SHA256) == 0


def test_nothing_readable_lies_in_the_store(store: DocumentStore, place: Place) -> None:
    """What is stored holds no piece of the document."""
    store.put("bank-a", PAYSLIP)
    assert b"Asha" not in place.blobs.get(f"bank-a/{SHA256}")


def every_flip(blob: bytes) -> Iterator[bytes]:
    """`blob` with one bit turned over, for each of its bits."""
    for position in range(len(blob)):
        for bit in range(8):
            yield blob[:position] + bytes([blob[position] ^ 1 << bit]) + blob[position + 1 :]


def test_an_object_with_a_flipped_bit_is_damaged() -> None:
    """Whatever single bit of a stored document flips, the key's id included, that document is damaged and no more."""
    blobs = MemoryBlobs()
    store = DocumentStore(blobs, KEYS)
    store.put("bank-a", PAYSLIP)
    (name,) = blobs.objects
    for flipped in every_flip(blobs.objects[name]):
        blobs.objects[name] = flipped
        with pytest.raises(DamagedObjectError):
            store.get("bank-a", SHA256)


@pytest.mark.parametrize("length", [0, 4, 6, 20, 40])
def test_a_cut_object_is_damaged(store: DocumentStore, place: Place, length: int) -> None:
    """An object that was cut off is damaged, whatever is left of it, and storing it again heals it."""
    store.put("bank-a", PAYSLIP)
    place.blobs.put(f"bank-a/{SHA256}", place.blobs.get(f"bank-a/{SHA256}")[:length])
    with pytest.raises(DamagedObjectError):
        store.get("bank-a", SHA256)
    store.put("bank-a", PAYSLIP)
    assert store.get("bank-a", SHA256) == PAYSLIP


def test_an_object_under_another_name_is_damaged(store: DocumentStore, place: Place) -> None:
    """Whoever moves one document's object over another's is noticed, within a tenant too."""
    store.put("bank-a", PAYSLIP)
    other = store.put("bank-a", b"another")
    place.blobs.put(f"bank-a/{SHA256}", place.blobs.get(f"bank-a/{other}"))
    with pytest.raises(DamagedObjectError):
        store.get("bank-a", SHA256)


def test_another_documents_content_is_damaged(store: DocumentStore, place: Place) -> None:
    """An object that opens under the tenant's key and its own name, but holds another document, is damaged."""
    name = f"bank-a/{SHA256}"
    place.blobs.put(name, seal(KEYS["bank-a"], name, b"%PDF-1.4 the payslip of somebody richer"))
    with pytest.raises(DamagedObjectError):
        store.get("bank-a", SHA256)


def test_another_tenants_object_does_not_open(place: Place) -> None:
    """An object copied into another tenant's prefix does not open, even if the two tenants had one key."""
    one_key = dict.fromkeys(KEYS, KEYS["bank-a"])
    store = DocumentStore(place.blobs, one_key)
    store.put("bank-a", PAYSLIP)
    place.blobs.put(f"bank-b/{SHA256}", place.blobs.get(f"bank-a/{SHA256}"))
    with pytest.raises(DamagedObjectError):
        store.get("bank-b", SHA256)


def test_an_object_under_another_key_is_damaged(store: DocumentStore, place: Place) -> None:
    """A tenant has one key: an object under another id, or another secret, does not open, and stops no other."""
    other = store.put("bank-a", b"another")
    for key in (DocumentKey("a-2", bytes(32)), DocumentKey("a-1", bytes([2]) * 32)):
        DocumentStore(place.blobs, {"bank-a": key}.get).put("bank-a", PAYSLIP)
        with pytest.raises(DamagedObjectError):
            store.get("bank-a", SHA256)
    assert store.get("bank-a", other) == b"another"


def test_a_missing_key_is_our_fault_and_not_the_documents(store: DocumentStore, place: Place) -> None:
    """A tenant without a key is a wrong setting and is said so, for storing and for reading."""
    with pytest.raises(UnknownKeyError, match="bank-c"):
        store.put("bank-c", PAYSLIP)
    store.put("bank-a", PAYSLIP)
    with pytest.raises(UnknownKeyError, match="bank-a"):
        DocumentStore(place.blobs, {}.get).get("bank-a", SHA256)


def test_a_store_that_is_down_is_not_an_absent_document(store: DocumentStore, place: Place) -> None:
    """An unreachable store says so for stored, absent and new documents; nothing is answered as absent."""
    place.take_away()
    with pytest.raises(StoreDownError):
        store.get("bank-a", "0" * 64)
    with pytest.raises(StoreDownError):
        store.size("bank-a", "0" * 64)
    with pytest.raises(StoreDownError):
        store.put("bank-a", PAYSLIP)


@pytest.mark.parametrize(("tenant", "sha256"), [("..", SHA256), ("bank-a", "../../etc/passwd"), ("bank-a/x", SHA256)])
def test_a_name_cannot_leave_the_tenants_prefix(store: DocumentStore, tenant: str, sha256: str) -> None:
    """A tenant or hash that is none is refused before any path is made of it."""
    for call in (store.get, store.size):
        with pytest.raises(ValueError):
            call(tenant, sha256)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Root, tenant directory and objects can be read by nobody but the owner."""
    blobs = FileBlobs.create(tmp_path / "documents")
    DocumentStore(blobs, KEYS).put("bank-a", PAYSLIP)
    for path in (blobs.root, blobs.root / "bank-a", blobs.root / "bank-a" / SHA256):
        assert path.stat().st_mode & 0o077 == 0


def test_a_store_is_found_by_its_url(tmp_path: Path) -> None:
    """The URL in stack.json leads back to the same store, blanks in the path included; another scheme is refused."""
    blobs = FileBlobs.create(tmp_path / "the documents")
    DocumentStore(blobs, KEYS).put("bank-a", PAYSLIP)
    assert DocumentStore(FileBlobs.at(blobs.url), KEYS).get("bank-a", SHA256) == PAYSLIP
    with pytest.raises(ValueError, match="s3 scheme"):
        FileBlobs.at("s3://bucket/documents")


def test_a_lost_mount_is_down(tmp_path: Path) -> None:
    """A root that is gone, or an empty directory where the store was mounted, is down and not empty."""
    blobs = FileBlobs(tmp_path / "gone")
    with pytest.raises(StoreDownError):
        blobs.get(f"bank-a/{SHA256}")
    (tmp_path / "gone").mkdir()
    with pytest.raises(StoreDownError):
        blobs.get(f"bank-a/{SHA256}")


def test_a_write_that_fails_leaves_the_old_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up in the middle of a write leaves what was there, and no temporary file."""
    blobs = FileBlobs.create(tmp_path / "documents")
    blobs.put(f"bank-a/{SHA256}", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreDownError, match="No space left"):
        blobs.put(f"bank-a/{SHA256}", b"new")
    assert blobs.get(f"bank-a/{SHA256}") == b"old"
    assert [path.name for path in (blobs.root / "bank-a").iterdir()] == [SHA256]


def test_a_key_is_not_printed() -> None:
    """A key's secret is not in its representation, and a secret of another length is refused."""
    assert "x" * 32 not in repr(DocumentKey("a-1", b"x" * 32))
    with pytest.raises(ValueError, match="32 bytes"):
        DocumentKey("a-1", b"short")


def test_sealing_adds_no_more_than_is_reckoned_with() -> None:
    """A document just small enough is never refused for what sealing adds, under the longest id of a key either."""
    for size in (0, 1, 1000):
        sealed = seal(DocumentKey("k" * 64, b"s" * 32), f"bank-a/{SHA256}", b"x" * size)
        assert size < len(sealed) <= size + OVERHEAD_MAX
