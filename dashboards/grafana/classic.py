"""A dashboard of the table as Grafana's Classic JSON, which files and the HTTP API take (schemaVersion 42)."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.grafana.layout import Place, placed
from dashboards.grafana.names import DATASOURCE_VARIABLE, TAG
from dashboards.grafana.panel import built, panel_id
from dashboards.grafana.query import Ready
from dashboards.grafana.variables import mark, variables
from dashboards.panels import Dashboard, Panel

REFRESHES = ["5s", "10s", "30s", "1m", "5m", "15m"]


def as_text(dashboard: Dashboard, every: Mapping[str, Dashboard]) -> str:
    """The JSON as it is committed: the same rows give the same bytes."""
    return json.dumps(as_json(dashboard, every), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def as_json(dashboard: Dashboard, every: Mapping[str, Dashboard]) -> dict[str, Any]:
    """The dashboard; `every` other one is linked at its top. KeyError for a link to a dashboard that is not there."""
    made = (
        sdk.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.question)
        .tags([TAG])
        .time(dashboard.since, "now")
        .refresh(dashboard.refresh)
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .timepicker(sdk.TimePicker().refresh_intervals(REFRESHES).hidden(hidden=not dashboard.is_timed))
        .variables(variables(dashboard))
        .annotations([mark(name) for name in dashboard.marks])
        .links([_link(other) for other in every.values() if other.uid != dashboard.uid])
    )
    sections = placed([(panel.width, panel.height) for panel in section.panels] for section in dashboard.sections)
    for section, (heading, *places) in zip(dashboard.sections, sections, strict=True):
        made.with_row(_heading(f"{dashboard.uid}/{section.title}", section.title, heading))
        for panel, place in zip(section.panels, places, strict=True):
            opens = {column: _address(column, panel, every[uid], dashboard) for column, uid in panel.links}
            made.with_panel(Ready(built(panel, place, opens)))
    plain: dict[str, Any] = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    _out_of_the_menu([*plain["links"], *plain["annotations"]["list"]])
    return plain


def _heading(name: str, title: str, place: Place) -> sdk.Row:
    x, y, width, height = place
    return sdk.Row(title).id(panel_id(name)).grid_pos(model.GridPos(h=height, w=width, x=x, y=y))


def _link(other: Dashboard) -> sdk.DashboardLink:
    return (
        sdk.DashboardLink(other.title)
        .type(model.DashboardLinkType.LINK)
        .icon("dashboard")
        .tooltip(other.question)
        .url(f"/d/{other.uid}")
        .keep_time(keep_time=True)
        .include_vars(include_vars=True)
    )


def _address(column: str, panel: Panel, opens: Dashboard, here: Dashboard) -> str:
    """Where a table's value leads: the dashboard, the same time, the row's values, and what is chosen besides."""
    row = {column: "__value.raw"} | {name: f"__data.fields.{name}" for name in panel.carries}
    kept = [name for name in opens.variables if name in here.variables and name not in row]
    parts = [f"var-{name}=${{{value}:percentencode}}" for name, value in row.items()]
    parts += [f"${{{name}:queryparam}}" for name in (*kept, DATASOURCE_VARIABLE)]
    return f"/d/{opens.uid}?{'&'.join([*parts, '${__url_time_range}'])}"


def _out_of_the_menu(found: Iterable[dict[str, Any]]) -> None:
    """The SDK puts every link and mark into a menu, where they are not seen."""
    for each in found:
        each.pop("placement", None)
