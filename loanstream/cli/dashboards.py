"""`loanstream dashboards`: what people watch, at a Grafana of one's own."""

from loanstream.cli import dashboards_apply
from loanstream.cli.options import verb

app = verb()


@app.callback()
def dashboards() -> None:
    """Dashboards: list them, bring them to a running Grafana."""


dashboards_apply.register(app)
