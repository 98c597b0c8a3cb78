"""Paths of documents."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from producers.documents import BEGINNINGS, PDF, PDF_WITHIN
from producers.gateway.callers import Caller, caller_with
from producers.gateway.openapi import refusals
from producers.gateway.problems import Fault, ProblemError
from producers.gateway.shelf import Shelf
from schemas.application import DocumentKind, DocumentRef

MEDIA_TYPES = (PDF, *dict.fromkeys(BEGINNINGS.values()))
"""What a document may be."""

router = APIRouter(tags=["documents"])

Kind = Annotated[DocumentKind, Query(description="What the document is.", examples=["payslip"])]
_BYTES = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "/v1/documents",
    status_code=201,
    summary="Store a document",
    response_description="Stored: what an application says of it, to be put into its `documents` as it is.",
    responses=refusals("invalid", "media-type", "unavailable"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The document's bytes, not a form.",
            "content": dict.fromkeys(MEDIA_TYPES, _BYTES),
        }
    },
)
async def store_document(
    kind: Kind, request: Request, caller: Annotated[Caller, Depends(caller_with("documents:write"))]
) -> DocumentRef:
    """Stores the bytes for the bank that the token names, encrypted, by their content's hash.

    Storing the same bytes again changes nothing. A document that only another bank has stored is not there for you.
    """
    shelf: Shelf = request.app.state.shelf
    with shelf.upload(caller):
        announced = _announced(request)
        data = await request.body()
        _check(data, announced)
        # The store hashes it in its thread: 15 MB here would keep everybody waiting.
        sha256 = await shelf.put(caller.tenant, data)
    return DocumentRef(kind=kind, sha256=sha256, media_type=announced, size=len(data))


def _announced(request: Request) -> str:
    announced = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if announced not in MEDIA_TYPES:
        fault = Fault("Content-Type", f"one of {', '.join(MEDIA_TYPES)}", announced[:80] or None)
        raise ProblemError("media-type", "send the document's own bytes", [fault])
    return announced


def _check(data: bytes, announced: str) -> None:
    """ProblemError where the bytes are not what was announced: a person would meet that much later."""
    begins = b"%PDF" in data[:PDF_WITHIN] if announced == PDF else _begins(data, announced)
    if not begins:
        fault = Fault("(body)", f"bytes that begin as {announced} does", f"{len(data)} bytes")
        raise ProblemError("invalid", "the body is not what its Content-Type says", [fault])


def _begins(data: bytes, announced: str) -> bool:
    return any(data.startswith(beginning) for beginning, kind in BEGINNINGS.items() if kind == announced)
