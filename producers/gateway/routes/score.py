"""Paths of score: what would be decided."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import Response

from producers.gateway.answers import application_request, as_json
from producers.gateway.bodies import application_in, json_body
from producers.gateway.callers import Caller, caller_with
from producers.gateway.openapi import refusals
from producers.gateway.parts import Parts
from schemas.decision import Outcome, Penalty, PrincipalReason, Reason, Recourse, Thresholds

router = APIRouter(tags=["score"])

NOT_LOOKED_AT = "not looked at"


class ScoreAnswer(BaseModel):
    """What would be decided now, by the bundle and the policy that are in force. No decision: it has no receipt."""

    application_id: str
    revision: int
    outcome: Outcome
    p_model: float | None
    p_calibrated: float | None
    penalties: tuple[Penalty, ...]
    score_final: float | None
    thresholds: Thresholds
    base_points: float | None
    final_points: float | None
    principal_reasons: tuple[PrincipalReason, ...] | None
    reasons: tuple[Reason, ...]
    recourse: Recourse | None
    basis: tuple[str, ...]
    bundle_id: str
    policy_id: str
    documents: Literal["none", "not looked at"]


@router.post(
    "/v1/score",
    response_model=None,
    summary="What would be decided",
    response_description="What would be decided of the claims alone.",
    responses={
        200: {"model": ScoreAnswer},
        **refusals("invalid", "not-json", "other-tenant", "too-large", "media-type", "unavailable"),
    },
    openapi_extra=application_request(),
)
async def score(request: Request, caller: Annotated[Caller, Depends(caller_with("score:run"))]) -> Response:
    """Nothing is sent and nothing is kept. Documents that the application names are not looked at (`documents` says
    so): with them it may be decided otherwise.
    """
    application = application_in(await json_body(request), caller.tenant)
    parts: Parts = request.app.state.parts
    scored: dict[str, Any] = dict(await parts.score(application))
    return as_json({**scored, "documents": NOT_LOOKED_AT if application.documents else "none"}, 200)
