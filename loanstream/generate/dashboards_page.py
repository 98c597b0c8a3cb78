"""The reference page of the dashboards: each panel with its question, what it means, when it is red."""

from collections.abc import Iterable, Iterator

from dashboards.all import DASHBOARDS
from dashboards.panels import MARKS, VARIABLES, Dashboard, Panel
from loanstream.generate.reference import table

_QUERIES = "../../dashboards/sql"


def dashboards_page() -> str:
    """Every dashboard, its panels, and what a reader can choose."""
    parts = [
        "# Dashboards and panels",
        "What people watch, one row a panel. [Have them in your Grafana](../grafana.md).",
        table(
            ("dashboard", "question", "uid", "shows", "refreshes"),
            (
                (f"[{each.title}](#{_anchor(each.title)})", each.question, f"`{each.uid}`", each.since, each.refresh)
                for each in DASHBOARDS.values()
            ),
        ),
        *(part for dashboard in DASHBOARDS.values() for part in _dashboard(dashboard)),
        "## Variables and marks",
        table(
            ("variable", "above the panels", "several at once", "values"),
            (
                (f"`{row.name}`", row.title, "yes" if row.many else "no", _link(row.query) if row.query else "typed in")
                for row in VARIABLES.values()
            ),
        ),
        table(
            ("mark", "colour", "query"),
            ((row.name, row.colour, _link(row.query)) for row in MARKS.values()),
        ),
    ]
    return "\n\n".join(parts)


def _dashboard(dashboard: Dashboard) -> Iterator[str]:
    yield f"## {dashboard.title}"
    chosen = ", ".join(f"`{name}`" for name in dashboard.variables) or "none"
    yield f"{dashboard.question} Variables: {chosen}."
    for section in dashboard.sections:
        if len(dashboard.sections) > 1:
            yield f"### {section.title}"
        yield table(
            ("panel", "question", "meaning", "when red", "unit", "thresholds", "query"),
            (_row(panel) for panel in section.panels),
        )


def _row(panel: Panel) -> tuple[str, ...]:
    units = [panel.unit, *(f"{column}: {unit}" for column, unit in panel.units)]
    limits = [f"{colour} from {value:g}" for value, colour in panel.thresholds]
    return (
        panel.title,
        panel.question,
        panel.meaning or "-",
        panel.when_red or "-",
        _listed(units),
        _listed(limits) if limits else "-",
        _link(panel.query),
    )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)


def _link(query: str) -> str:
    return f"[{query}]({_QUERIES}/{query}.sql)"


def _anchor(title: str) -> str:
    return "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -").replace(" ", "-")
