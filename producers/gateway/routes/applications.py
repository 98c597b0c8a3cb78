"""Paths of applications: send one, and ask how it stands."""

import contextlib
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from producers.gateway.answers import (
    ApplicationAnswer,
    application_request,
    as_json,
    link,
    standing_body,
)
from producers.gateway.bodies import application_in, json_body
from producers.gateway.callers import Caller, caller_with
from producers.gateway.openapi import refusals
from producers.gateway.parts import Parts, Standing
from producers.gateway.preferences import WAIT_MOST_S, wait_s
from producers.gateway.problems import Fault, ProblemError
from schemas.application import LoanApplication
from schemas.headers import is_traceparent

router = APIRouter(tags=["applications"])

KEY = r"[\x21-\x7e]{1,255}"

ApplicationId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._:-]{1,64}$", description="The bank's own id.")]
WhichRevision = Annotated[int | None, Query(ge=1, le=1_000_000, description="That revision; else the highest.")]
KEY_HEADER, PREFER_HEADER = "Idempotency-Key", "Prefer"
HEADERS: tuple[dict[str, Any], ...] = (
    {
        "name": KEY_HEADER,
        "description": "Names this request: with the same key and body it is done once, within a day. Other body: 409.",
        "schema": {"type": "string", "pattern": f"^{KEY}$"},
        "example": "2026-03-31-000417",
    },
    {
        "name": PREFER_HEADER,
        "description": f"wait=N: answer with the decision if it is there within N seconds, at most {WAIT_MOST_S}.",
        "schema": {"type": "string"},
        "example": "wait=10",
    },
)
"""Read by hand and described here: for each that is a parameter the framework takes 20 microseconds a request."""

SENDING = "applications:write"
"""The scope of who sends."""

_KEY = re.compile(KEY)


@router.post(
    "/v1/applications",
    status_code=202,
    response_model=None,
    summary="Send an application",
    response_description="Accepted: the broker has confirmed it.",
    responses={
        202: {"model": ApplicationAnswer},
        200: {"model": ApplicationAnswer, "description": "Accepted, and decided within the time of `Prefer: wait=N`."},
        **refusals("invalid", "not-json", "other-tenant", "conflict", "too-large", "media-type", "unavailable"),
    },
    openapi_extra={
        **application_request(),
        "parameters": [{"in": "header", "required": False, **header} for header in HEADERS],
    },
)
async def send_application(
    request: Request,
    caller: Annotated[Caller, Depends(caller_with(SENDING))],
) -> Response:
    """Sends the application, or a later revision of it, for the bank that the token names.

    Answered with 202 once the broker has confirmed it. Sent again with the same `Idempotency-Key` and body it is not
    sent twice. Without a key a repeat is harmless, too, as long as it says the same.
    """
    key = _key(request)
    body = await json_body(request)
    application = application_in(body, caller.tenant)
    parts: Parts = request.app.state.parts
    if key is None:
        await _send(request, parts, application)
    else:
        await _send_once(request, parts, application, caller, key, body)
    return await _answered(request, parts, application)


@router.get(
    "/v1/applications/{application_id}",
    response_model=None,
    summary="How an application stands",
    responses={200: {"model": ApplicationAnswer}, **refusals("not-found", "unavailable")},
)
async def application_status(
    request: Request,
    application_id: ApplicationId,
    caller: Annotated[Caller, Depends(caller_with("decisions:read"))],
    revision: WhichRevision = None,
) -> Response:
    """Accepted, decided (with the decision), or rejected (with what is wrong)."""
    parts: Parts = request.app.state.parts
    standing = await parts.decisions.status(caller.tenant, application_id, revision)
    if standing is None:
        raise ProblemError("not-found", "no such application is known; one accepted elsewhere is, after a moment")
    return as_json(standing_body(application_id, standing), 200)


async def _send(request: Request, parts: Parts, application: LoanApplication) -> None:
    given = request.headers.get("traceparent")
    place = await parts.sender.send(application, given if given and is_traceparent(given) else None)
    parts.decisions.accepted(application.tenant, application.application_id, application.revision, place)


async def _send_once(
    request: Request, parts: Parts, application: LoanApplication, caller: Caller, key: str, body: bytes
) -> None:
    """Send it unless it was sent with this key before."""
    names = caller.tenant, caller.client_id, key
    claim = await parts.claims.claim(*names, body, application.application_id, application.revision)
    if not claim.is_same_body:
        fault = Fault(KEY_HEADER, "another one for another body")
        raise ProblemError("conflict", "this key stands for another body that was sent before", [fault])
    if claim.is_sent:
        return
    await _send(request, parts, application)
    with contextlib.suppress(ProblemError):  # confirmed is confirmed; a repeat is then sent once more
        await parts.claims.sent(*names)


async def _answered(request: Request, parts: Parts, application: LoanApplication) -> Response:
    within_s = wait_s(request.headers.getlist(PREFER_HEADER))
    headers = {"Location": link(application.application_id, application.revision)}
    standing = Standing(application.revision, "accepted")
    if within_s:
        headers["Preference-Applied"] = f"wait={within_s}"
        names = application.tenant, application.application_id, application.revision
        decided = await parts.decisions.wait(*names, within_s)
        if decided is not None:
            standing = Standing(application.revision, "decided", decided)
    status = 202 if standing.decided is None else 200
    return as_json(standing_body(application.application_id, standing), status, headers)


def _key(request: Request) -> str | None:
    """The request's `Idempotency-Key`. ProblemError for one that is none, and for two: whoever stands between client
    and gateway might have taken the other one.
    """
    given = request.headers.getlist(KEY_HEADER)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        found = f"{len(given)} of them" if len(given) > 1 else f"{len(given[0])} characters"
        fault = Fault(KEY_HEADER, "once, 1 to 255 visible ASCII characters", found)
        raise ProblemError("parameter-wrong", "see errors", [fault])
    return given[0]
