"""A row of the table of panels as one of Grafana's panels, by its kind."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar
from zlib import crc32

from grafana_foundation_sdk.builders import barchart, common, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model

from dashboards.columns import COLUMNS
from dashboards.grafana.layout import Place
from dashboards.grafana.query import ClickHouseQuery, Format, Ready, source
from dashboards.panels import Colour, Panel

Chart = TypeVar("Chart", timeseries.Panel, barchart.Panel)
Builder = stat.Panel | timeseries.Panel | barchart.Panel | table.Panel

SERIES_COLOURS: Mapping[str, Colour] = {
    "approve": "green",
    "approved": "green",
    "refer": "yellow",
    "referred": "yellow",
    "decline": "red",
    "declined": "red",
}
"""Columns and series that have one colour on every page."""

INTERVAL = "interval"
"""The variable with the width of a chart's steps."""

_STEPS = re.compile(r"\$__timeInterval|\$__interval_s")
_TIME = re.compile(r"\bAS\s+time\b", re.IGNORECASE)
_SERIES = re.compile(r"\bAS\s+series\b", re.IGNORECASE)
_IDS = 1_000_000


def panel_id(name: str) -> int:
    """The number that links and alert rules know a panel by: of its name, so it stays when others come and go.

    >>> panel_id("today-decisions")
    602424
    """
    return crc32(name.encode()) % _IDS + 1


def description(panel: Panel) -> str:
    """What a reader sees at the panel's corner: the question, what the figure means, and what to do when it is red."""
    red = f"When red: {panel.when_red}" if panel.when_red else ""
    return "\n\n".join(part for part in (panel.question, panel.meaning, red) if part)


def has_steps(panel: Panel) -> bool:
    """Whether the query cuts time into steps, whose width a reader chooses."""
    return _STEPS.search(panel.sql) is not None


def query_format(panel: Panel) -> Format:
    """Rows with a time become series in a chart; in a table and in a bar chart they stay rows."""
    over_time = panel.kind == "timeseries" or (panel.kind == "stat" and _TIME.search(panel.sql))
    return Format.TIMESERIES if over_time else Format.TABLE


def built(panel: Panel, place: Place, opens: Mapping[str, str]) -> model.Panel:
    """Grafana's panel at `place`. `opens`: column of a table -> the address that its values lead to."""
    x, y, width, height = place
    made = _KINDS[panel.kind](panel)
    made.id(panel_id(panel.id)).title(panel.title).description(description(panel)).datasource(source())
    made.grid_pos(model.GridPos(h=height, w=width, x=x, y=y))
    made.with_target(Ready(ClickHouseQuery(panel.sql, query_format(panel))))
    made.unit(panel.unit).thresholds(_thresholds(panel))
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    if has_steps(panel):
        made.interval(f"${INTERVAL}")
    if query_format(panel) is Format.TABLE:
        # else Grafana reads an id or a bin that looks like a number as one, and shows it rounded
        made.override_by_field_type("string", [model.DynamicConfigValue("unit", "string")])
    for column, unit in panel.units:
        made.override_by_name(column, [model.DynamicConfigValue("unit", unit)])
    for column, told in COLUMNS.items():
        if re.search(rf"\b{column}\b", panel.sql):
            own = [] if told.decimals is None else [model.DynamicConfigValue("decimals", told.decimals)]
            made.override_by_name(column, [model.DynamicConfigValue("displayName", told.heading), *own])
    for column, url in opens.items():
        link = {"title": f"Open this {column}", "url": url}
        made.override_by_name(column, [model.DynamicConfigValue("links", [link])])
    return made.build()


def _stat(panel: Panel) -> stat.Panel:
    over_time = query_format(panel) is Format.TIMESERIES
    return (
        stat.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(values=False))
        .graph_mode(options.BigValueGraphMode.AREA if over_time else options.BigValueGraphMode.NONE)
        .color_mode(options.BigValueColorMode.VALUE if panel.thresholds else options.BigValueColorMode.NONE)
        .color_scheme(sdk.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
        .text_mode(options.BigValueTextMode.AUTO)
        .justify_mode(options.BigValueJustifyMode.AUTO)
        .orientation(options.VizOrientation.AUTO)
        .wide_layout(wide_layout=True)
        .no_value("no data")
    )


def _timeseries(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .legend(_legend())
        .tooltip(_tooltip())
        .color_scheme(sdk.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
        .draw_style(options.GraphDrawStyle.LINE)
        .line_width(1 if panel.stacked else 2)
        .fill_opacity(60 if panel.stacked else 10)
        .show_points(options.VisibilityMode.AUTO)
        .stacking(_stacking(panel))
    )
    if panel.thresholds:
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED))
    if _SERIES.search(panel.sql):
        made.display_name("${__field.labels.series}")
    return _coloured(_ranged(made, panel), panel)


def _barchart(panel: Panel) -> barchart.Panel:
    made = (
        barchart.Panel()
        .legend(_legend())
        .tooltip(_tooltip())
        .color_scheme(sdk.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
        .orientation(options.VizOrientation.AUTO)
        .x_tick_label_max_length(24)
        .show_value(options.VisibilityMode.AUTO)
        .stacking(options.StackingMode.NORMAL if panel.stacked else options.StackingMode.NONE)
        .fill_opacity(80)
        .line_width(1)
    )
    return _coloured(_ranged(made, panel), panel)


def _table(panel: Panel) -> table.Panel:
    made = (
        table.Panel()
        .show_header(show_header=True)
        .cell_height(options.TableCellHeight.SM)
        .color_scheme(sdk.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    )
    for column in panel.coloured:
        made.override_by_name(column, [model.DynamicConfigValue("custom.cellOptions", {"type": "color-text"})])
    return made


_KINDS: Mapping[str, Callable[[Panel], Builder]] = {
    "stat": _stat,
    "timeseries": _timeseries,
    "barchart": _barchart,
    "table": _table,
}


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(show_legend=True)
        .display_mode(options.LegendDisplayMode.LIST)
        .placement(options.LegendPlacement.BOTTOM)
        .calcs([])
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING)


def _stacking(panel: Panel) -> common.StackingConfig:
    mode = options.StackingMode.NORMAL if panel.stacked else options.StackingMode.NONE
    return common.StackingConfig().mode(mode).group("A")


def _ranged(made: Chart, panel: Panel) -> Chart:
    """Shares are seen from nought on, and those of a whole end at one; a difference below nought is not cut off."""
    if panel.unit == "percentunit":
        made.axis_soft_min(0)
        if panel.stacked:
            made.max(1)
    return made


def _coloured(made: Chart, panel: Panel) -> Chart:
    for name, colour in SERIES_COLOURS.items():
        if re.search(rf"\bAS\s+{name}\b", panel.sql) or _SERIES.search(panel.sql):
            fixed = {"mode": "fixed", "fixedColor": colour}
            made.override_by_name(name, [model.DynamicConfigValue("color", fixed)])
    return made


def _thresholds(panel: Panel) -> sdk.ThresholdsConfig:
    """Green, or the text's own colour where nothing is ever red, up to the first."""
    steps = [model.Threshold(value=None, color="green" if panel.thresholds else "text")]
    steps += [model.Threshold(value=value, color=colour) for value, colour in panel.thresholds]
    return sdk.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)
