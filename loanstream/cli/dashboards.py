"""`loanstream dashboards`: what risk teams watch, in a browser, as a picture, or at a Grafana of one's own."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli import dashboards_apply
from loanstream.cli.options import State, TenantOption, installation_of, verb
from loanstream.extras import need
from loanstream.terminal import aside
from schemas.problem import Problem
from stores.private_files import write_private

app = verb()

PREFIX = "loanstream-"
"""Of every dashboard's uid."""


@app.callback()
def dashboards() -> None:
    """What risk teams watch: list it, open it in a browser, draw it, bring it to a running Grafana."""


@app.command()
def preview(
    tenant: TenantOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="on 127.0.0.1; 0: any free one")] = 8300,
    open_it: Annotated[bool, typer.Option("--open/--no-open", help="open it in your browser")] = False,
    state: State = None,
) -> None:
    """Serve every dashboard to a browser of this machine, until Ctrl-C. With --tenant no other bank is ever shown."""
    need("dashboards")
    from dashboards.preview.serve import listener, serve
    from loanstream.looking import reader

    installation = installation_of(state)
    pinned = installation.narrowed(tenant)
    connected = reader(installation)

    with listener(port) as listening:
        address = f"http://localhost:{listening.getsockname()[1]}/"

        def ready() -> None:
            aside(f"the dashboards{'' if pinned is None else f' of {pinned} alone'} are at {address} (Ctrl-C ends it)")
            if open_it:
                webbrowser.open(address)

        serve(connected, pinned, listening, ready)


@app.command()
def picture(
    dashboard: Annotated[str, typer.Option(help="its uid, or the uid without loanstream-")] = "today",
    tenant: TenantOption = None,
    since: Annotated[str | None, typer.Option(help="now-1h, now-7d, ... (default: as the dashboard opens)")] = None,
    out: Annotated[Path | None, typer.Option(help="the file (default: the dashboard's name, here)")] = None,
    state: State = None,
) -> None:
    """Draw a dashboard as it is now into an SVG file, without a browser. With --tenant no other bank is in it."""
    from dashboards.all import DASHBOARDS
    from loanstream.looking import picture as drawn

    names = {uid.removeprefix(PREFIX): each for uid, each in DASHBOARDS.items()}
    name = dashboard.removeprefix(PREFIX)
    if name not in names:
        raise Problem(f"--dashboard names no dashboard; expected one of {', '.join(names)}")
    svg = drawn(installation_of(state), names[name], tenant, since)
    file = out or Path(f"{name}.svg")
    try:
        write_private(file, svg.encode())
    except OSError as error:
        raise Problem(f"cannot write {file}: {error.strerror}") from None
    aside(f"{names[name].title} is drawn in {file}")


dashboards_apply.register(app)
