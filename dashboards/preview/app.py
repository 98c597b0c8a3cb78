"""The preview's pages and answers, as an ASGI application."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboards.all import DASHBOARDS
from dashboards.panels import Dashboard, Panel
from dashboards.preview.answers import problem
from dashboards.preview.asking import ANSWER_S, Asking
from dashboards.preview.assets import Assets, assets
from dashboards.preview.choice import Choices
from dashboards.preview.door import Door
from dashboards.preview.figures import Figures, Given
from dashboards.preview.page import page

FOREVER = "public, max-age=31536000, immutable"


def create_app(
    connect: Callable[[], Any],
    tenant: str | None = None,
    dashboards: Mapping[str, Dashboard] = DASHBOARDS,
    answer_s: float = ANSWER_S,
) -> Starlette:
    """The application. `connect` makes a clickhouse-connect client that may only read; `tenant` pins it to one bank."""
    asking = Asking(connect, answer_s)
    figures = Figures(Choices(asking, tenant), asking)
    served = _Served(dashboards, figures, assets(), tenant)

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        compressing = asyncio.get_running_loop().run_in_executor(None, assets().compress)
        yield
        await compressing
        asking.close()

    return Starlette(
        routes=[
            Route("/", served.first),
            Route("/d/{uid}", served.page),
            Route("/api/{uid}/variables", served.variables),
            Route("/api/{uid}/marks", served.marks),
            Route("/api/{uid}/panels/{panel}", served.panel),
            Route("/assets/{version}/{name}", served.asset),
            Route("/favicon.ico", lambda _: RedirectResponse(assets().address("icon.svg"))),
        ],
        middleware=[Middleware(Door)],
        lifespan=life,
    )


class _Served:
    def __init__(
        self,
        dashboards: Mapping[str, Dashboard],
        figures: Figures,
        assets: Assets,
        tenant: str | None,
    ) -> None:
        self._dashboards, self._figures = dashboards, figures
        self._assets, self._tenant = assets, tenant

    async def first(self, _: Request) -> Response:
        return RedirectResponse(f"/d/{next(iter(self._dashboards))}")

    async def page(self, request: Request) -> Response:
        dashboard = self._dashboards.get(request.path_params["uid"])
        if dashboard is None:
            return PlainTextResponse("There is no such dashboard.\n", 404)
        return Response(page(dashboard, self._dashboards.values(), self._assets, self._tenant), media_type="text/html")

    async def variables(self, request: Request) -> Response:
        """What can be chosen, and what is."""
        return await self._of(request, self._figures.of_variables)

    async def marks(self, request: Request) -> Response:
        """Moments that charts are annotated with."""
        return await self._of(request, self._figures.of_marks)

    async def panel(self, request: Request) -> Response:
        """One panel's figures."""
        wanted = request.path_params["panel"]

        async def read(dashboard: Dashboard, given: Given) -> dict[str, Any]:
            panel = _named(wanted, dashboard.panels())
            if panel is None:
                return problem("There is no such panel.")
            return await self._figures.of_panel(panel, dashboard, given)

        return await self._of(request, read)

    async def asset(self, request: Request) -> Response:
        found = self._assets.find(request.path_params["version"], request.path_params["name"])
        if found is None:
            return PlainTextResponse("There is no such file.\n", 404)
        headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.compressed, media_type=found.type, headers=headers | {"content-encoding": "gzip"})
        return Response(found.content, media_type=found.type, headers=headers)

    async def _of(self, request: Request, read: Callable[[Dashboard, Given], Awaitable[dict[str, Any]]]) -> Response:
        dashboard = self._dashboards.get(request.path_params["uid"])
        if dashboard is None:
            return JSONResponse(problem("There is no such dashboard."), 404)
        return _json(await read(dashboard, _given(request)))


def _given(request: Request) -> dict[str, list[str]]:
    """An address' parameters: name -> its values, in their order."""
    given: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        given.setdefault(name, []).append(value)
    return given


def _named(wanted: str, panels: Iterable[Panel]) -> Panel | None:
    return next((panel for panel in panels if panel.id == wanted), None)


def _json(value: Any) -> Response:
    return Response(json.dumps(value, allow_nan=False, separators=(",", ":")), media_type="application/json")
