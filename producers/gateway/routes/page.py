"""The page for developers: the description, read and tried out. Its files are ours: it needs no other host."""

from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

PATH = "/docs"
FILES = {
    # path: file beside `producers.gateway`, media type
    PATH: ("page.html", "text/html; charset=utf-8"),
    f"{PATH}/page.css": ("page.css", "text/css; charset=utf-8"),
    f"{PATH}/page.js": ("page.js", "text/javascript; charset=utf-8"),
}

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def description(request: Request) -> Response:
    """The OpenAPI description."""
    return JSONResponse(request.app.state.openapi)


@router.get(PATH)
@router.get(f"{PATH}/page.css")
@router.get(f"{PATH}/page.js")
async def page(request: Request) -> Response:
    """One file of the page."""
    name, media_type = FILES[request.url.path]
    return Response(files("producers.gateway").joinpath("page", name).read_bytes(), media_type=media_type)
