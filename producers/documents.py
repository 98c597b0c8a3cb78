"""The documents of an application in a folder: found by name, named by content. Who uploads them is not said here."""

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple, get_args

from schemas.application import DOCUMENTS_MAX, DocumentKind, DocumentRef, LoanApplication
from schemas.nearest import nearest

PDF = "application/pdf"
KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)

BEGINNINGS: Mapping[bytes, str] = {
    b"\x89PNG\r\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}
"""How files of other kinds than PDF begin -> their media type."""

PDF_WITHIN = 1024
"""A PDF's mark may have other bytes before it, so many at most."""

LOOKED_AT_MOST = 100_000
"""Files of a folder that are looked at for names that nothing asks for."""


class Document(NamedTuple):
    """A document found in a folder."""

    kind: DocumentKind
    data: bytes
    path: Path


def attach_documents(
    application: LoanApplication, folder: Path, id_prefix: str = ""
) -> tuple[LoanApplication, list[Document]]:
    """The application naming its documents in `folder` besides those it names, and the documents, to be uploaded.

    A document's file is `<application_id>.<kind>.pdf` or `<application_id>/<kind>.pdf`, a second one of its kind
    `….<kind>.2.pdf`, and so on without a gap. `id_prefix` is what the ids have more than the files. Raises `OSError`,
    and `ValueError` for more than 20 documents, or for one that the application names with another size.
    """
    own_id = application.application_id.removeprefix(id_prefix)
    found = [Document(kind, path.read_bytes(), path) for kind, path in _files(folder, own_id)]
    if not found:
        return application, []
    refs = [reference_of(document.kind, document.data) for document in found]
    _sizes_agree(application, {ref.sha256: ref.size for ref in refs})
    documents = (*application.documents, *(ref for ref in refs if ref not in application.documents))
    if len(documents) > DOCUMENTS_MAX:
        raise ValueError(f"{application.application_id}: expected at most {DOCUMENTS_MAX}, found {len(documents)}")
    return application.model_copy(update={"documents": documents}), found


def _sizes_agree(application: LoanApplication, sizes: Mapping[str, int]) -> None:
    for at, named in enumerate(application.documents):
        size = sizes.get(named.sha256, named.size)
        if named.size != size:
            raise ValueError(
                f"{application.application_id}: documents.{at}.size: expected {size}, the document's length in bytes"
            )


def _files(folder: Path, own_id: str) -> Iterator[tuple[DocumentKind, Path]]:
    # Looked up by name, not listed: a folder may hold a million files.
    for kind in KINDS:
        for pattern in _patterns(own_id):
            for number in count(1):
                path = folder / pattern.format(kind if number == 1 else f"{kind}.{number}")
                if not path.is_file():
                    break
                yield kind, path


def _patterns(own_id: str) -> tuple[str, ...]:
    # An application may be called "..", which as a folder's name would lead out of the folder.
    return (f"{own_id}.{{}}.pdf",) if own_id in {".", ".."} else (f"{own_id}.{{}}.pdf", f"{own_id}/{{}}.pdf")


def reference_of(kind: DocumentKind, data: bytes) -> DocumentRef:
    """What an application says of a document with these bytes."""
    return DocumentRef(kind=kind, sha256=sha256(data).hexdigest(), media_type=media_type(data), size=len(data))


def media_type(data: bytes) -> str:
    r"""What the bytes are by how they begin; a PDF where nothing else is known.

    >>> media_type(b"%PDF-1.7"), media_type(b"\xff\xd8\xff\xe0")
    ('application/pdf', 'image/jpeg')
    """
    if b"%PDF" in data[:PDF_WITHIN]:
        return PDF
    return next((kind for beginning, kind in BEGINNINGS.items() if data.startswith(beginning)), PDF)


def doubts(data: bytes) -> str | None:
    r"""What keeps a document from being read, as far as its first bytes say; None where they say nothing.

    >>> doubts(b""), doubts(b"hi"), doubts(b"%PDF-1.7"), doubts(b"\xff\xd8\xff\xe0")
    ('it is empty', 'it is neither a PDF nor a picture by how it begins', None, None)
    """
    if not data:
        return "it is empty"
    known = b"%PDF" in data[:PDF_WITHIN] or data.startswith(tuple(BEGINNINGS))
    return None if known else "it is neither a PDF nor a picture by how it begins"


def kind_of(path: Path) -> str | None:
    """What a document's file name says of its kind; None where it says nothing.

    >>> kind_of(Path("a-17.payslip.2.pdf")), kind_of(Path("a-17/identity.pdf")), kind_of(Path("scan.pdf"))
    ('payslip', 'identity', None)
    """
    parts = path.stem.split(".")
    return next((part for part in reversed(parts) if part in KINDS), None)


def unclaimed(folder: Path, taken: Collection[Path]) -> Iterator[str]:
    """The files of a folder that no application took, each with what keeps it from being found."""
    below = (path for entry in folder.iterdir() for path in (entry.iterdir() if entry.is_dir() else (entry,)))
    for path in islice(below, LOOKED_AT_MOST):
        if path not in taken and not path.name.startswith("."):
            yield f"{path.relative_to(folder)}: {_why(path, in_own_folder=path.parent != folder)}"


def _why(path: Path, *, in_own_folder: bool) -> str:
    if path.suffix != ".pdf":
        return "expected a name that ends in .pdf"
    name = path.stem
    head, _, last = name.rpartition(".")
    if last.isdecimal() and head:
        name = head
    kind = name if in_own_folder else name.rpartition(".")[2]
    if kind not in KINDS:
        near = nearest(kind, KINDS)
        return f"expected <application id>.<kind>.pdf, kind {near or 'one of ' + ', '.join(KINDS)}"
    return (
        "no application of the file has that id" if name == path.stem else "no such application, or a number left out"
    )
