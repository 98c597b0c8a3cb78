"""What people look at, one row a panel: the question, the query that answers it, its unit, what to do when it is red.

The generator of Grafana's JSON, the preview, the docs and the tests all read these tables; nothing else says what a
dashboard holds. A panel's query stands in `sql/<query>.sql`: ClickHouse's SQL with Grafana's own macros and variables.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["stat", "timeseries", "barchart", "table"]
Colour = Literal["green", "yellow", "orange", "red", "blue", "text"]

SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure, chart or table.

    `query` names a file of `sql/`; the same query may stand in several panels. `unit` is Grafana's (`percentunit`,
    `ms`, `short`, `none`, ...). `thresholds` are (from this value on, colour), ascending; below the first it is green.
    `units` gives single columns their own. `width` of 24 columns; `height` in rows of 30 pixels. `links`: column of a
    table -> dashboard that it opens, with the column's value as the variable of that name; `carries`: other columns
    of the row whose values go along in the same way. `coloured`: columns of a table that the thresholds colour.
    `once`: columns of a table that a page leaves out where every row says the same, since the page says it elsewhere.
    `when_empty` stands in the place of figures where the query finds none.
    """

    id: str
    title: str
    question: str
    query: str
    kind: Kind
    unit: str = "short"
    meaning: str = ""
    when_red: str = ""
    thresholds: tuple[tuple[float, Colour], ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    stacked: bool = False
    decimals: int | None = None
    width: int = 12
    height: int = 8
    links: tuple[tuple[str, str], ...] = ()
    carries: tuple[str, ...] = ()
    coloured: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    when_empty: str = "Nothing in this range: no decision, or nothing of this kind."

    @property
    def sql(self) -> str:
        """The query's text, as Grafana gets it."""
        return (SQL / f"{self.query}.sql").read_text().strip()


@dataclass(frozen=True, slots=True)
class Section:
    """Panels under a heading, laid out from left to right in rows of 24 columns."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """What a reader chooses above the panels.

    `query` names a file of `sql/` whose first column holds the values; a variable without one is typed in. `many`:
    several values, or all of them, at once.
    """

    name: str
    title: str
    query: str | None
    many: bool = True

    @property
    def sql(self) -> str:
        """The query's text, as Grafana gets it. A variable that is typed in has none."""
        return "" if self.query is None else (SQL / f"{self.query}.sql").read_text().strip()


@dataclass(frozen=True, slots=True)
class Mark:
    """Moments that every chart of a dashboard is annotated with. The query gives time, title, text and tags."""

    name: str
    query: str
    colour: Colour

    @property
    def sql(self) -> str:
        """The query's text, as Grafana gets it."""
        return (SQL / f"{self.query}.sql").read_text().strip()


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page. `uid` never changes: links and bookmarks hold it. `since` is Grafana's relative time.

    `is_timed`: a reader chooses the time; a page that tells everything about one thing has none to choose.
    """

    uid: str
    title: str
    question: str
    sections: tuple[Section, ...]
    variables: tuple[str, ...] = ("tenant", "bundle", "policy")
    since: str = "now-30d"
    refresh: str = "1m"
    marks: tuple[str, ...] = field(default=("activations",))
    is_timed: bool = True

    def panels(self) -> Iterator[Panel]:
        """Every panel, in reading order."""
        for section in self.sections:
            yield from section.panels


VARIABLES: dict[str, Variable] = {
    variable.name: variable
    for variable in (
        Variable("tenant", "Bank", "variable_tenant"),
        Variable("bundle", "Model", "variable_bundle"),
        Variable("policy", "Policy", "variable_policy"),
        Variable("application", "Application", None, many=False),
    )
}

MARKS: dict[str, Mark] = {"activations": Mark("Model or policy changed", "mark_activations", "blue")}
