"""The documents of an application in a folder: found by name, named by content. Who uploads them is not said here."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import get_args

from schemas.application import DocumentKind, DocumentRef, LoanApplication

MEDIA_TYPE = "application/pdf"
DOCUMENTS_MAX = 20
KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)


def attach_documents(
    application: LoanApplication, folder: Path, id_prefix: str = ""
) -> tuple[LoanApplication, list[tuple[DocumentKind, bytes]]]:
    """The application naming its documents in `folder` besides those it names, and the documents, to be uploaded.

    A document's file is `<application_id>.<kind>.pdf` or `<application_id>/<kind>.pdf`, a second one of its kind
    `….<kind>.2.pdf`, and so on without a gap. `id_prefix` is what the ids have more than the files. Raises `OSError`,
    and `ValueError` for more than 20 documents.
    """
    own_id = application.application_id.removeprefix(id_prefix)
    found = [(kind, path.read_bytes()) for kind, path in _files(folder, own_id)]
    if not found:
        return application, []
    refs = [_ref(kind, data) for kind, data in found]
    documents = (*application.documents, *(ref for ref in refs if ref not in application.documents))
    if len(documents) > DOCUMENTS_MAX:
        raise ValueError(f"{application.application_id}: expected at most {DOCUMENTS_MAX}, found {len(documents)}")
    return application.model_copy(update={"documents": documents}), found


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


def _ref(kind: DocumentKind, data: bytes) -> DocumentRef:
    return DocumentRef(kind=kind, sha256=sha256(data).hexdigest(), media_type=MEDIA_TYPE, size=len(data))
