"""Paths of health: for whoever restarts the process, and for whoever sends it requests."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from producers.gateway.readiness import Readiness

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    alive: Literal[True] = True


class Ready(BaseModel):
    """Whether requests can be served, and what is wrong by the name of the part."""

    ready: bool
    complaints: dict[str, str]


@router.get("/healthz", summary="Does the process live?", response_description="It does.")
async def healthz() -> Alive:
    """Asks none of the parts: a broker that is away is no reason to start the gateway again."""
    return Alive()


@router.get(
    "/readyz",
    summary="Can requests be served?",
    response_model=Ready,
    response_description="They can: the provider's keys are known, broker and stores answer.",
    responses={503: {"model": Ready, "description": "They cannot; `complaints` says what is wrong."}},
)
async def readyz(request: Request) -> JSONResponse:
    """The truth, at most a second old."""
    readiness: Readiness = request.app.state.readiness
    complaints = dict(await readiness.complaints())
    return JSONResponse({"ready": not complaints, "complaints": complaints}, 503 if complaints else 200)
