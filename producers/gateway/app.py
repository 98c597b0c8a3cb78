"""The gateway as an ASGI application."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from producers.gateway import openapi
from producers.gateway.access_log import AccessLog
from producers.gateway.headers import SecurityHeaders
from producers.gateway.limits import ADDRESS_RATE, CLIENT_RATE, Limits
from producers.gateway.parts import Parts
from producers.gateway.problems import Fault, ProblemError, refused
from producers.gateway.rates import Buckets, Rate
from producers.gateway.readiness import Readiness
from producers.gateway.routes import applications, decisions, documents, health, page, reviews, score
from producers.gateway.shelf import Shelf
from producers.gateway.straight import Straight, StraightWay

ROUTERS = (applications.router, documents.router, decisions.router, score.router, reviews.router, health.router)
OF_STATUS = {404: "not-found", 405: "method-not-allowed"}
"""What the framework refuses by itself, in our words."""

STRAIGHT = (StraightWay("POST", "/v1/applications", applications.SENDING, applications.send_application),)
"""Where nearly all of the requests go."""

FOUND_MOST = 200
"""Characters of what was found that an answer repeats to its sender."""


@dataclass(frozen=True, slots=True)
class Door:
    """How the gateway is reached: where clients get tokens, and how much they may ask."""

    token_url: str = "/oauth/token"  # noqa: S105 - a path
    client_rate: Rate = CLIENT_RATE
    address_rate: Rate = ADDRESS_RATE


def gateway(parts: Parts, door: Door | None = None) -> FastAPI:
    """The application; `parts` stay the composition root's to close."""
    door = door or Door()
    app = _routed()
    app.state.parts = parts
    app.state.clients = Buckets(door.client_rate, "client")
    app.state.readiness = Readiness(parts)
    app.state.shelf = Shelf(parts)
    app.state.openapi = openapi.described(app, door.token_url)
    # The last one is the first that a request meets.
    app.add_middleware(Straight, ways=STRAIGHT)
    app.add_middleware(Limits, addresses=Buckets(door.address_rate, "address"))
    app.add_middleware(AccessLog)
    app.add_middleware(SecurityHeaders, page=page.PATH, connect=_origin(door.token_url))
    return app


def description(token_url: str) -> dict[str, Any]:
    """The OpenAPI description, without a gateway."""
    return openapi.described(_routed(), token_url)


def _routed() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=_lifespan)
    for router in (*ROUTERS, page.router):
        app.include_router(router)
    app.add_exception_handler(ProblemError, _refused)
    app.add_exception_handler(RequestValidationError, _parameter_wrong)
    app.add_exception_handler(HTTPException, _of_the_framework)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.shelf.close()


def _origin(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    return (f"{parts.scheme}://{parts.netloc}",) if parts.netloc else ()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return refused(request, error)


async def _parameter_wrong(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return refused(request, ProblemError("parameter-wrong", "see errors", [_fault(each) for each in error.errors()]))


def _fault(found: Mapping[str, Any]) -> Fault:
    given = found.get("input")
    shown = given[:FOUND_MOST] if isinstance(given, str) else None
    return Fault(".".join(map(str, found["loc"]))[:FOUND_MOST], found["msg"], shown)


async def _of_the_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = OF_STATUS.get(error.status_code, "parameter-wrong")
    response = refused(request, ProblemError(kind, f"{request.method} is not answered here"))
    if error.headers:
        response.headers.update(error.headers)  # Allow
    return response
