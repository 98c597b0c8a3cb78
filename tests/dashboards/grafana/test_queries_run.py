"""Every query of every panel, variable and mark, on the real engine: on no data, on little, for whichever choice."""

import re
from collections.abc import Iterator

import pytest
from as_grafana import FROM, TO
from warehouses import HOSTILE, VALUES, Warehouse, compared, fill, migrated, shape, shaped

from dashboards.all import DASHBOARDS
from dashboards.grafana.panel import query_format
from dashboards.grafana.query import Format
from dashboards.panels import MARKS, SQL, VARIABLES
from loanstream.stack.clickhouse.link import Link

PANELS = {panel.id: panel for dashboard in DASHBOARDS.values() for panel in dashboard.panels()}
OTHERS = [row.query for row in (*VARIABLES.values(), *MARKS.values()) if row.query]
SHOWN = sorted({*(panel.query for panel in PANELS.values()), *(row.query for row in MARKS.values())})
"""Queries whose answers are figures and marks; those of variables are lists to choose from."""
QUERIES = {
    name: (SQL / f"{name}.sql").read_text("utf-8").strip() for name in {*OTHERS, *(p.query for p in PANELS.values())}
}
RELATION = re.compile(r"\bloanstream\.(\w+)")
RELATIONS = sorted({name for sql in QUERIES.values() for name in RELATION.findall(sql)})

ALL = {
    "tenant": VALUES["tenant"],
    "bundle": VALUES["bundle_id"],
    "policy": VALUES["policy_id"],
    "application": VALUES["application_id"][:1],
}
WEEK_S = 7 * 86400
"""The widest step, which may begin before the chosen time."""
TYPED_IN = {row.name for row in VARIABLES.values() if row.query is None}


def chosen(*values):
    """The same values of every variable; one that is typed in has one value, always."""
    return {name: values[:1] or ("",) if name in TYPED_IN else values for name in ALL}


CHOICES = {
    "all": ALL,
    "one": {name: values[:1] for name, values in ALL.items()},
    "none there is": chosen(),
    "unknown": chosen("nobody"),
    "hostile": chosen(HOSTILE, "' OR 1 = 1 --", "'; SELECT 1; --", "x\ny", "%", "ü", ""),
}


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    made = Link(":memory:")
    yield made
    for database in ("panels_empty", "panels_tiny", "panels_alone", "panels_nothing", "panels_lacking"):
        made.run(f"DROP DATABASE IF EXISTS {database}")
    made.close()


@pytest.fixture(scope="module")
def empty(link) -> Warehouse:
    """Every migration, no row."""
    return migrated(link, "panels_empty")


@pytest.fixture(scope="module")
def shapes(empty):
    """Relation -> its columns."""
    return {relation: empty.described(relation) for relation in RELATIONS}


@pytest.fixture(scope="module")
def tiny(link, shapes) -> Warehouse:
    """A few rows of several banks."""
    return _filled(link, "panels_tiny", shapes)


@pytest.fixture(scope="module")
def alone(link, tiny, shapes) -> Warehouse:
    """The same rows of one bank alone; what belongs to no bank stays."""
    made = shaped(link, "panels_alone", shapes)
    for relation, columns in shapes.items():
        kept = "tenant IS NULL OR tenant = 'bank-a'" if "tenant" in dict(columns) else "true"
        made.run(f"INSERT INTO loanstream.{relation} SELECT * FROM {tiny.database}.{relation} WHERE {kept}")
    return made


@pytest.fixture(scope="module")
def nothing(link, tiny, shapes) -> Warehouse:
    """What belongs to no bank alone: activations for all banks, the workers' own figures."""
    made = shaped(link, "panels_nothing", shapes)
    for relation, columns in shapes.items():
        kept = "tenant IS NULL" if "tenant" in dict(columns) else "true"
        made.run(f"INSERT INTO loanstream.{relation} SELECT * FROM {tiny.database}.{relation} WHERE {kept}")
    return made


def _filled(link, database, shapes):
    made = shaped(link, database, shapes)
    for relation, columns in shapes.items():
        own = {"dimension": ("feature:loan_amount",)} if relation == "decisions_by_feature" else {}
        fill(made, relation, columns, compared(QUERIES.values()) | VALUES | own)
    return made


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_runs_where_nothing_has_happened_yet(empty, name, choice):
    """On the first morning no panel shows an error, whatever is chosen above it."""
    empty.rows(QUERIES[name], CHOICES[choice])


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", sorted(QUERIES))
def test_a_query_runs_on_little_data(tiny, name, choice):
    """One, several, none, unknown and hostile values of the variables are values, and never SQL."""
    tiny.rows(QUERIES[name], CHOICES[choice])


@pytest.mark.parametrize("name", SHOWN)
def test_no_other_banks_figure_appears(tiny, alone, name):
    """What a panel shows for one bank is the same whether or not others have decisions."""
    chosen = ALL | {"tenant": ("bank-a",)}
    assert tiny.rows(QUERIES[name], chosen) == alone.rows(QUERIES[name], chosen)


@pytest.mark.parametrize("name", SHOWN)
def test_an_unknown_bank_has_the_figures_of_no_data(tiny, nothing, name):
    """A bank that nobody knows, and SQL in its place, get what an empty warehouse would answer: nobody's figures."""
    for value in ("nobody", "' OR 1 = 1 OR tenant = '", "x') OR (tenant != '"):
        chosen = ALL | {"tenant": (value,)}
        assert tiny.rows(QUERIES[name], chosen) == nothing.rows(QUERIES[name], chosen)


@pytest.mark.parametrize("name", sorted(PANELS))
def test_a_panel_shows_something_of_a_few_rows(tiny, name):
    """A query that answers nothing on a day with decisions would draw an empty panel for ever."""
    assert tiny.rows(PANELS[name].sql, ALL)


@pytest.mark.parametrize(
    "name", sorted(name for name, panel in PANELS.items() if query_format(panel) is Format.TIMESERIES)
)
def test_a_chart_over_time_begins_with_its_time(tiny, name):
    """Grafana draws what comes with a time: the first column is one, ascending, on the chosen day, numbers follow."""
    columns = tiny.columns(PANELS[name].sql, ALL)
    (first, kind), *others = columns
    assert (first, kind.startswith(("DateTime", "Date"))) == ("time", True)
    numbers = [kind for column, kind in others if column != "series"]
    assert numbers
    assert all(re.search(r"Int|Float|Decimal", kind) for kind in numbers), others
    assert "series" not in dict(others) or len(numbers) == 1
    times = tiny.rows(
        f"SELECT toUnixTimestamp(time) AS at FROM ({PANELS[name].sql})",
        ALL,
    )
    found = [int(row["at"]) for row in times]
    assert found == sorted(found)
    assert FROM - WEEK_S <= found[0] <= found[-1] <= TO


@pytest.mark.parametrize("name", sorted(name for name, panel in PANELS.items() if panel.kind in {"stat", "barchart"}))
def test_a_figure_is_a_number(tiny, name):
    """A stat and a bar chart have at least one number to show."""
    kinds = [kind for column, kind in tiny.columns(PANELS[name].sql, ALL) if column not in {"time", "series"}]
    assert any(re.search(r"Int|Float|Decimal", kind) for kind in kinds), kinds


@pytest.mark.parametrize("name", sorted(PANELS))
def test_columns_that_the_table_of_panels_names_are_there(tiny, name):
    """A unit, a colour or a link of a column that the query does not have would be nowhere."""
    panel = PANELS[name]
    there = {column for column, _ in tiny.columns(panel.sql, ALL)}
    named = {column for column, _ in (*panel.units, *panel.links)} | {*panel.carries, *panel.coloured}
    assert named <= there | (tiny_series(tiny, panel) if "series" in there else set())


def tiny_series(tiny, panel):
    return {str(row["series"]) for row in tiny.rows(panel.sql, ALL)}


TREE_TABLE = re.compile(r"TABLE id: (\d+),.*?table_name: \w+\.(\w+)")
TREE_COLUMN = re.compile(r"COLUMN id: \d+, column_name: (\S+), result_type: .*?, source_id: (\d+)$", re.MULTILINE)


def read_by(warehouse, sql, values):
    """The columns that a query reads, as (relation, column), in the words of the engine's analyzer."""
    from as_grafana import asked

    explained = f"EXPLAIN QUERY TREE run_passes = 1, passes = 1 {warehouse.here(asked(sql, values))}"
    tree = warehouse.link.run(explained, "TSVRaw").body.decode()
    tables = dict(TREE_TABLE.findall(tree))
    return {(tables[source], column) for column, source in TREE_COLUMN.findall(tree) if source in tables}


def test_a_column_that_is_gone_is_noticed_by_the_panels_that_read_it_and_by_no_other(link, empty, shapes):
    """Who drops or renames a column of the warehouse sees red for exactly the panels that would have shown an error."""
    lacking = shaped(link, "panels_lacking", shapes)
    reads = {name: read_by(lacking, sql, ALL) for name, sql in QUERIES.items()}
    assert all(reads.values())
    for relation, columns in shapes.items():
        asking = {name: sql for name, sql in QUERIES.items() if relation in RELATION.findall(sql)}
        for column, _ in columns:
            shape(lacking, relation, [each for each in columns if each[0] != column])
            noticed = {name for name, sql in asking.items() if lacking.fails(sql, ALL)}
            assert noticed == {name for name in asking if (relation, column) in reads[name]}, (relation, column)
        shape(lacking, relation, columns)
