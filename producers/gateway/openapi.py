"""The OpenAPI description: what FastAPI says of the routes, with every refusal that the gateway can make."""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from producers.gateway.callers import SCHEME
from producers.gateway.problems import KINDS, MEDIA_TYPE, Fault, ProblemError, body_of
from schemas.jsonschema import ended

TITLE, VERSION = "loanstream", "1"
SUMMARY = "Loan applications in, explained decisions out: for systems that speak HTTPS."
ABOUT = """
An application that is answered with 202 was confirmed by the broker, and is decided exactly once. What is refused is
answered as `application/problem+json` (RFC 9457), with the field, what was found and what is expected.

The bank is the token's: nothing in a path, a query or a body names another. Where a field of a body does, it must be
the same.
"""

TAGS = {
    "applications": "Send applications, and ask how they stand.",
    "documents": "Store documents before the application that names them.",
    "decisions": "What was decided, with its reasons and its receipt.",
    "score": "What would be decided: nothing is kept, nothing is sent.",
    "reviews": "What was referred to a person, and what the person decides.",
    "health": "For whoever runs the gateway.",
}

EVERY = ("headers-too-large", "too-many", "failed")
WITH_INPUT = ("parameter-wrong",)
WITH_BODY = ("too-large", "too-slow")
WITH_TOKEN = ("no-token", "token-refused", "scope-missing", "keys-unknown")
"""Refusals by what an operation has; its own route says the others."""

WAITS = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
OF_THE_FRAMEWORK = ("HTTPValidationError", "ValidationError")
"""Its own words for a wrong parameter, which is answered in ours."""

_FAULT = {
    "type": "object",
    "required": ["field", "expected"],
    "properties": {
        "field": {"type": "string", "description": "The field, parameter or header; a path with dots."},
        "expected": {"type": "string"},
        "found": {"type": "string", "description": "What the sender sent; only the sender reads it."},
    },
}
PROBLEM = {
    "title": "Problem",
    "description": "A refusal (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [f"urn:loanstream:problem:{kind}" for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": _FAULT},
    },
}


def refusals(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """The answers of these kinds of problem, as FastAPI's `responses` takes them.

    >>> sorted(refusals("invalid", "unavailable", "keys-unknown"))
    [422, 503]
    """
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        _add(found, int(KINDS[kind].status), kind)
    return found


def described(app: FastAPI, token_url: str) -> dict[str, Any]:
    """The description of the routes of `app`; tokens are got at `token_url`."""
    document = get_openapi(
        title=TITLE,
        version=VERSION,
        summary=SUMMARY,
        description=ABOUT.strip(),
        routes=app.routes,
        tags=[{"name": name, "description": said} for name, said in TAGS.items()],
        servers=[{"url": "/"}],
    )
    for operation in _operations(document):
        _complete(operation)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in OF_THE_FRAMEWORK:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    scheme = components.get("securitySchemes", {}).get(SCHEME)
    if scheme is not None:
        scheme["flows"]["clientCredentials"]["tokenUrl"] = token_url
    made: dict[str, Any] = ended(document)
    return made


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    if any(name in str(responses.get("422")) for name in OF_THE_FRAMEWORK):
        del responses["422"]
    for kind in _kinds_of(operation):
        _add(responses, str(int(KINDS[kind].status)), kind)
    operation["responses"] = dict(sorted(responses.items()))


def _kinds_of(operation: Mapping[str, Any]) -> Iterable[str]:
    yield from EVERY
    if "requestBody" in operation or "parameters" in operation:
        yield from WITH_INPUT
    if "requestBody" in operation:
        yield from WITH_BODY
    if "security" in operation:
        yield from WITH_TOKEN


def _add(responses: dict[Any, dict[str, Any]], status: int | str, kind: str) -> None:
    """One more example of an answer; the answers of a status are one, of one schema."""
    row = KINDS[kind]
    said = row.title[0].upper() + row.title[1:] + "."
    answer = responses.setdefault(status, {"description": said})
    content = answer.setdefault("content", {}).setdefault(MEDIA_TYPE, {})
    examples = content.setdefault("examples", {})
    if examples and kind not in examples:
        answer["description"] += f" Or: {row.title}."
    content["schema"] = {"$ref": "#/components/schemas/Problem"}
    examples.setdefault(kind, {"value": body_of(_example(kind))})
    headers: dict[str, Any] = {name: {"schema": {"type": "string"}} for name in row.headers}
    if row.status in WAITS:
        headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer"}}
    if headers:
        answer.setdefault("headers", {}).update(headers)


def _example(kind: str) -> ProblemError:
    return ProblemError(kind, *EXAMPLES.get(kind, ("what to do about it",)))


EXAMPLES: Mapping[str, tuple[str, list[Fault]] | tuple[str]] = {
    "no-token": ("send the header Authorization: Bearer TOKEN, once",),
    "token-refused": ("the token has expired (exp); get a new one",),
    "scope-missing": ("this needs the scope documents:write",),
    "keys-unknown": ("try again later",),
    "parameter-wrong": ("see errors", [Fault("query.kind", "payslip, bank_statement or another", "pay slip")]),
    "invalid": ("see errors", [Fault("loan.amount", "above 0 and at most 10000000000000", "number")]),
    "not-json": ("see errors", [Fault("(body)", "a JSON object", "12 bytes, not JSON from byte 3 on")]),
    "other-tenant": ("see errors", [Fault("tenant", "the token's: bank-a", "bank-b")]),
    "not-found": ("nothing is known of it",),
    "method-not-allowed": ("PUT is not answered here",),
    "conflict": ("another body was sent with this Idempotency-Key",),
    "media-type": ("send the document's own bytes", [Fault("Content-Type", "application/pdf", "text/html")]),
    "too-large": ("send less", [Fault("(body)", "at most 1048576 bytes")]),
    "too-slow": ("a body comes within 10 seconds, or faster",),
    "headers-too-large": ("send fewer headers", [Fault("(headers)", "at most 64 of them, and 16384 bytes")]),
    "too-many": ("at most 500 requests a second of one client",),
    "unavailable": ("no broker confirmed it",),
    "failed": ("the fault is the gateway's",),
}
"""What an answer of a kind says, by the kind: its sentence, and what is wrong."""
