"""The gateway as an ASGI application."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from producers.gateway.parts import Parts
from producers.gateway.problems import Fault, ProblemError, answer
from producers.gateway.routes import applications, decisions, documents, health, reviews, score

ROUTERS = (applications.router, documents.router, decisions.router, score.router, reviews.router, health.router)
OF_STATUS = {404: "not-found", 405: "method-not-allowed"}
"""What the framework refuses by itself, in our words."""


def gateway(parts: Parts) -> FastAPI:
    """The application; `parts` stay the composition root's to close."""
    app = FastAPI(title="loanstream", version="1", docs_url="/docs", redoc_url=None)
    app.state.parts = parts
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(ProblemError, _refused)
    app.add_exception_handler(RequestValidationError, _parameter_wrong)
    app.add_exception_handler(HTTPException, _of_the_framework)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    request.state.reason = error.reason
    return answer(error)


async def _parameter_wrong(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [Fault(".".join(map(str, found["loc"])), found["msg"]) for found in error.errors()]
    return await _refused(request, ProblemError("parameter-wrong", "see errors", faults))


async def _of_the_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = OF_STATUS.get(error.status_code, "parameter-wrong")
    return await _refused(request, ProblemError(kind, f"{request.method} is not answered here"))
