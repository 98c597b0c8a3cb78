"""`loanstream dashboards`: what risk teams watch, in a browser or at a Grafana of one's own."""

import webbrowser
from typing import Annotated, Any

import typer

from loanstream.cli import dashboards_apply
from loanstream.cli.options import State, TenantOption, installation_of, verb
from loanstream.extras import need
from loanstream.terminal import aside

app = verb()


@app.callback()
def dashboards() -> None:
    """What risk teams watch: list it, open it in a browser, bring it to a running Grafana."""


@app.command()
def preview(
    tenant: TenantOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="on 127.0.0.1; 0: any free one")] = 8300,
    open_it: Annotated[bool, typer.Option("--open/--no-open", help="open it in your browser")] = False,
    state: State = None,
) -> None:
    """Serve every dashboard to a browser of this machine, until Ctrl-C. With --tenant no other bank is ever shown."""
    need("dashboards")
    from dashboards.preview.asking import ANSWER_S
    from dashboards.preview.serve import listener, serve
    from stores.warehouse.client import connect

    installation = installation_of(state)
    pinned = installation.narrowed(tenant)
    url, reader, settings = installation.warehouse_url, installation.warehouse_reader, installation.settings

    def connected() -> Any:
        password = settings.warehouse_reader_password
        return connect(url, reader, password, answer_s=int(ANSWER_S), ca=settings.warehouse_ca)

    with listener(port) as listening:
        address = f"http://localhost:{listening.getsockname()[1]}/"

        def ready() -> None:
            aside(f"the dashboards{'' if pinned is None else f' of {pinned} alone'} are at {address} (Ctrl-C ends it)")
            if open_it:
                webbrowser.open(address)

        serve(connected, pinned, listening, ready)


dashboards_apply.register(app)
