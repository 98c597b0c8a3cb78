"""Paths of decisions."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from producers.gateway.answers import DecisionAnswer, as_json, decision_body
from producers.gateway.callers import Caller, caller_with
from producers.gateway.openapi import refusals
from producers.gateway.parts import Parts
from producers.gateway.problems import ProblemError

router = APIRouter(tags=["decisions"])

_DECISION_ID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")

Name = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9._:-]{1,64}$", description="A decision's id, or the bank's id of an application.")
]


@router.get(
    "/v1/decisions/{name}",
    response_model=None,
    summary="A decision, with its reasons and its receipt",
    responses={200: {"model": DecisionAnswer}, **refusals("not-found", "unavailable")},
)
async def decision(
    request: Request, name: Name, caller: Annotated[Caller, Depends(caller_with("decisions:read"))]
) -> Response:
    """The decision of this id; or the one of that application's highest revision that was decided."""
    parts: Parts = request.app.state.parts
    decided = None
    if _DECISION_ID.fullmatch(name):  # a bank's id of an application may look like one, too
        decided = await parts.decisions.by_id(caller.tenant, name)
    if decided is None:
        decided = await parts.decisions.find(caller.tenant, name)
    if decided is None:
        raise ProblemError("not-found", "no such decision is known")
    return as_json(decision_body(decided), 200)
