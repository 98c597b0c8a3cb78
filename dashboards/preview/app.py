"""The preview's pages and answers, as an ASGI application."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboards.all import DASHBOARDS
from dashboards.macros import MacroProblem
from dashboards.panels import MARKS, Dashboard, Panel
from dashboards.preview.answers import answer, plain, problem
from dashboards.preview.asking import ANSWER_S, Asking, Unanswered
from dashboards.preview.assets import Assets, assets
from dashboards.preview.choice import Choices, NotAllowed, Unreadable
from dashboards.preview.door import Door
from dashboards.preview.page import page
from dashboards.preview.times import NoTime

log = logging.getLogger(__name__)

FOR_THE_OPERATOR = "This is not of one bank, so it is shown to the operator alone: open the preview without --tenant."
AT_FAULT = "This panel failed here, not in the warehouse. Please report it, with the panel's title."
FOREVER = "public, max-age=31536000, immutable"


def create_app(
    connect: Callable[[], Any],
    tenant: str | None = None,
    dashboards: Mapping[str, Dashboard] = DASHBOARDS,
    answer_s: float = ANSWER_S,
) -> Starlette:
    """The application. `connect` makes a clickhouse-connect client that may only read; `tenant` pins it to one bank."""
    asking = Asking(connect, answer_s)
    served = _Served(dashboards, Choices(asking, tenant), asking, assets(), tenant)

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
        choices: Choices,
        asking: Asking,
        assets: Assets,
        tenant: str | None,
    ) -> None:
        self._dashboards, self._choices, self._asking = dashboards, choices, asking
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
        return await self._of(request, self._read_variables)

    async def marks(self, request: Request) -> Response:
        """Moments that charts are annotated with."""
        return await self._of(request, self._read_marks)

    async def panel(self, request: Request) -> Response:
        """One panel's figures."""
        wanted = request.path_params["panel"]

        async def read(dashboard: Dashboard, request: Request) -> dict[str, Any]:
            panel = _named(wanted, dashboard.panels())
            return problem("There is no such panel.") if panel is None else await self._read(panel, dashboard, request)

        return await self._of(request, read)

    async def asset(self, request: Request) -> Response:
        found = self._assets.find(request.path_params["version"], request.path_params["name"])
        if found is None:
            return PlainTextResponse("There is no such file.\n", 404)
        headers = {"cache-control": FOREVER, "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.compressed, media_type=found.type, headers=headers | {"content-encoding": "gzip"})
        return Response(found.content, media_type=found.type, headers=headers)

    async def _of(self, request: Request, read: Callable[[Dashboard, Request], Any]) -> Response:
        """The answer of `read`, or a sentence; whatever goes wrong stays in this one answer."""
        dashboard = self._dashboards.get(request.path_params["uid"])
        if dashboard is None:
            return JSONResponse(problem("There is no such dashboard."), 404)
        try:
            return _json(await read(dashboard, request))
        except (Unanswered, NoTime, Unreadable) as error:
            return _json(problem(str(error)))
        except NotAllowed:
            return _json({"columns": [], "rows": [], "notes": [], "why": FOR_THE_OPERATOR})
        except MacroProblem as error:
            log.error("%s: %s", dashboard.uid, error)  # noqa: TRY400 - the message names the fault of the query
            return _json(problem(AT_FAULT))
        except Exception as error:  # noqa: BLE001 - one panel's fault is not another's
            log.error("%s: %s", dashboard.uid, type(error).__name__)  # noqa: TRY400 - a trace holds values
            return _json(problem(AT_FAULT))

    async def _read(self, panel: Panel, dashboard: Dashboard, request: Request) -> dict[str, Any]:
        choice = await self._choices.read(dashboard, _given(request))
        found = await self._asking.ask(self._choices.expanded(panel.sql, choice))
        return answer(panel, self._choices.shown(found), choice)

    async def _read_variables(self, dashboard: Dashboard, request: Request) -> dict[str, Any]:
        choice = await self._choices.read(dashboard, _given(request))
        return {"options": choice.options, "values": choice.values}

    async def _read_marks(self, dashboard: Dashboard, request: Request) -> dict[str, Any]:
        choice = await self._choices.read(dashboard, _given(request))
        marks = []
        for name in dashboard.marks:
            found = await self._asking.ask(self._choices.expanded(MARKS[name].sql, choice))
            marks += [_mark(MARKS[name].colour, found.names, row) for row in found.rows]
        return {"marks": marks}


def _given(request: Request) -> dict[str, list[str]]:
    """An address' parameters: name -> its values, in their order."""
    given: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        given.setdefault(name, []).append(value)
    return given


def _mark(colour: str, names: Iterable[str], row: tuple[Any, ...]) -> dict[str, Any]:
    fields = dict(zip(names, map(plain, row), strict=True))
    return {
        "time": fields["time"],
        "title": str(fields.get("title", "")),
        "text": str(fields.get("text", ""))[:500],
        "tags": [tag for tag in str(fields.get("tags", "")).split(",") if tag],
        "colour": colour,
    }


def _named(wanted: str, panels: Iterable[Panel]) -> Panel | None:
    return next((panel for panel in panels if panel.id == wanted), None)


def _json(value: Any) -> Response:
    return Response(json.dumps(value, allow_nan=False, separators=(",", ":")), media_type="application/json")
