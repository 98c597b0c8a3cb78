"""What a reader chooses above the panels, and what charts are annotated with."""

from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.grafana.names import DATASOURCE_NAME, DATASOURCE_TYPE, DATASOURCE_UID, DATASOURCE_VARIABLE
from dashboards.grafana.panel import INTERVAL, has_steps
from dashboards.grafana.query import ClickHouseQuery, Format, Ready, source
from dashboards.panels import MARKS, SQL, VARIABLES, Dashboard, Mark, Variable

INTERVALS = "5m,15m,1h,6h,1d"
"""What a reader may choose; the warehouse counts in steps of five minutes and of hours."""
STEPS = 100
"""About so many steps a chart has where the reader leaves the choice to Grafana."""

ALL = model.VariableOption(selected=True, text=["All"], value=["$__all"])


def variables(dashboard: Dashboard) -> list[Builder[model.VariableModel]]:
    """Those of a dashboard: the warehouse first, then its own, then the steps where a chart has steps."""
    found: list[Builder[model.VariableModel]] = [_warehouse()]
    found += [_variable(VARIABLES[name]) for name in dashboard.variables]
    if any(has_steps(panel) for panel in dashboard.panels()):
        found.append(_interval())
    return found


def mark(name: str) -> Builder[model.AnnotationQuery]:
    """One of the table of marks."""
    row: Mark = MARKS[name]
    return (
        sdk.AnnotationQuery()
        .name(row.name)
        .datasource(source())
        .enable(enable=True)
        .icon_color(row.colour)
        .target(Ready(ClickHouseQuery(text(row.query), Format.TABLE, "Mark")))
    )


def text(query: str) -> str:
    """The SQL of a variable or a mark."""
    return (SQL / f"{query}.sql").read_text("utf-8").strip()


def _warehouse() -> Builder[model.VariableModel]:
    first = model.VariableOption(selected=True, text=DATASOURCE_NAME, value=DATASOURCE_UID)
    return (
        sdk.DatasourceVariable(DATASOURCE_VARIABLE)
        .label("Warehouse")
        .type(DATASOURCE_TYPE)
        .current(first)
        .multi(multi=False)
        .include_all(include_all=False)
    )


def _variable(row: Variable) -> Builder[model.VariableModel]:
    if row.query is None:
        typed = model.VariableOption(selected=True, text="", value="")
        return sdk.TextBoxVariable(row.name).label(row.title).default_value("").current(typed)
    sql = text(row.query)
    made = (
        sdk.QueryVariable(row.name)
        .label(row.title)
        .datasource(source())
        .query(sql)
        .definition(sql)
        # at every refresh: a model that decides since a minute ago belongs to "All" now
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(multi=row.many)
        .include_all(include_all=row.many)
    )
    return made.current(ALL) if row.many else made


def _interval() -> Builder[model.VariableModel]:
    auto = model.VariableOption(
        selected=True, text="auto", value=f"$__auto_interval_{INTERVAL}"
    )  # the form that every Grafana knows
    return (
        sdk.IntervalVariable(INTERVAL)
        .label("Steps")
        .values(INTERVALS)
        .auto(auto=True)
        .step_count(STEPS)
        .min_interval(INTERVALS.partition(",")[0])
        .current(auto)
    )
