"""What a refusal looks like: `application/problem+json` (RFC 9457), one row for each kind.

Only the sender reads it, so it may echo what the sender sent: field, found, expected. None of it goes into a log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: the status, and the title that never varies; `headers` go with every answer of the kind."""

    status: HTTPStatus
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)


_BEARER = {"WWW-Authenticate": "Bearer"}

KINDS: Mapping[str, Kind] = {
    "no-token": Kind(HTTPStatus.UNAUTHORIZED, "a bearer token is expected", _BEARER),
    "token-refused": Kind(
        HTTPStatus.UNAUTHORIZED, "the bearer token is refused", {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    ),
    "scope-missing": Kind(
        HTTPStatus.FORBIDDEN,
        "the token does not allow this",
        {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
    ),
    "keys-unknown": Kind(HTTPStatus.SERVICE_UNAVAILABLE, "the provider's keys are not known; no token can be checked"),
    "invalid": Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "the body is not what is expected"),
    "not-json": Kind(HTTPStatus.BAD_REQUEST, "the body cannot be read"),
    "parameter-wrong": Kind(HTTPStatus.BAD_REQUEST, "a parameter or header is not what is expected"),
    "other-tenant": Kind(HTTPStatus.FORBIDDEN, "the token is another tenant's"),
    "not-found": Kind(HTTPStatus.NOT_FOUND, "there is nothing here by that name"),
    "method-not-allowed": Kind(HTTPStatus.METHOD_NOT_ALLOWED, "this path does not take that method"),
    "conflict": Kind(HTTPStatus.CONFLICT, "it contradicts what was sent before"),
    "too-large": Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large"),
    "media-type": Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body has another media type than expected"),
    "headers-too-large": Kind(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too large"),
    "too-slow": Kind(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time"),
    "too-many": Kind(HTTPStatus.TOO_MANY_REQUESTS, "too many requests of this client"),
    "unavailable": Kind(HTTPStatus.SERVICE_UNAVAILABLE, "a part that this needs is away; nothing was accepted"),
    "failed": Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "the gateway failed; nothing was accepted"),
}
"""By the last part of the problem's `type`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the field (or parameter, or header), what is expected, what was found."""

    field: str
    expected: str
    found: str | None = None

    def as_json(self) -> dict[str, str]:
        """As it stands in an answer."""
        found = {} if self.found is None else {"found": self.found}
        return {"field": self.field, "expected": self.expected, **found}


class ProblemError(Exception):
    """Raised where a request is refused: the kind, one sentence of this case, the faults, seconds to wait.

    `reason` is for the log: a code, never a value.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        faults: Sequence[Fault] = (),
        *,
        retry_after_s: float | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.faults = kind, detail, tuple(faults)
        self.retry_after_s, self.reason = retry_after_s, reason or kind


def body_of(problem: ProblemError) -> dict[str, Any]:
    """What the answer says (RFC 9457)."""
    row = KINDS[problem.kind]
    body: dict[str, Any] = {
        "type": f"urn:loanstream:problem:{problem.kind}",
        "title": row.title,
        "status": int(row.status),
        "detail": problem.detail,
    }
    if problem.faults:
        body["errors"] = [fault.as_json() for fault in problem.faults]
    return body


def answer(problem: ProblemError) -> JSONResponse:
    """The response."""
    row = KINDS[problem.kind]
    wait = {} if problem.retry_after_s is None else {"Retry-After": str(max(1, round(problem.retry_after_s)))}
    return JSONResponse(body_of(problem), int(row.status), {**row.headers, **wait}, MEDIA_TYPE)


def refused(request: Request, problem: ProblemError) -> JSONResponse:
    """The response to a request, and its reason for the log."""
    request.state.reason = problem.reason
    return answer(problem)
