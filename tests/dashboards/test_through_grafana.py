"""Every query of every dashboard and rule, through the back end of Grafana's ClickHouse plugin: the preview's answers.

A query goes out as Grafana's pages send it, by the reader's account, and comes back through each way there is here: the
plugin's recorded request, its libraries where Go is installed, and its own executable where one is named.
"""

import asyncio
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import made_up
import pytest

from dashboards.alarms.table import ALERTS
from dashboards.all import DASHBOARDS
from dashboards.grafana.names import GENERATED
from dashboards.macros import Window, expand
from dashboards.panels import VARIABLES
from dashboards.preview.asking import Asking, Found
from dashboards.preview.choice import Choices
from loanstream.generate.files import ALERT_RULES, ROOT
from tests.grafana_backend.backend import BUILT_WITHIN_S, PLUGIN_VARIABLE, GrafanaBackend, Query, build, go
from tests.grafana_backend.figures import Figures, labels, of_frame, of_preview, points
from tests.grafana_backend.pages import interpolated, of_dashboards, of_rules
from tests.grafana_backend.recorded import Refused, replay
from tests.grafana_backend.ways import PLUGIN, WAYS

pytestmark = pytest.mark.timeout(BUILT_WITHIN_S + 300)  # the first time, the program is built

ASKED = {asked.name: asked for asked in (*of_dashboards(GENERATED), *of_rules(ROOT / ALERT_RULES))}

CANDIDATES, DAYS = 15_000, 130
"""So long that alarms which learn from ninety days have learnt."""
ROWS_MOST = 20_000
MONTH_MS = 30 * 86_400_000
FILLED = 2 / 3
"""So large a share of the queries finds rows at least; whether the last ten minutes have any is chance."""
CLOCK = re.compile(r"\bnow(?:64)?\(")
CLOCK_S = 120
"""So far apart may be what a query counts from the clock: the ways are tried one after the other."""
EXACT = 1e-9
METRICS = """INSERT INTO loanstream.service_metrics_log
    (at, stage, worker, name, value, labels, kafka_topic, kafka_offset, kafka_timestamp)
    SELECT now64(3) - toIntervalMinute(9) AS at, 'record', 'record-1', each.1, each.2, map('what', each.3), 'loan.metrics.v1',
        1000000 + rowNumberInAllBlocks(), at
    FROM (SELECT arrayJoin([('reconcile_differences', 2., ''), ('expires_in_seconds', 86400., 'certificate')]) AS each)"""
"""What the two alarms read that ask nobody but workers and `reconcile`."""


@dataclass(frozen=True)
class Shown:
    """What there is to compare with: the query as it was sent, the SQL that our macros make, and the preview's answer."""

    query: Query
    expanded: str
    found: Found


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Iterator[Any]:
    """Four made-up months of three banks."""
    from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
    from stores.warehouse.migrate import migrate

    now = int(time.time())
    with EmbeddedWarehouse(tmp_path_factory.mktemp("through-grafana")) as started, closing(started.client()) as client:
        migrate(client)
        made_up.fill_shared(client, now)
        made_up.fill(client, now, CANDIDATES, days=DAYS, later_s=made_up.until_wednesday(now))
        client.command(METRICS)
        yield started


@pytest.fixture(scope="module")
def shown(warehouse) -> dict[str, Shown]:
    """Every query, answered by the preview for the range and the steps that Grafana would take."""
    with closing(warehouse.client()) as client:
        (application,) = made_up.ids(client, made_up.BANKS[0])
    return asyncio.run(_by_preview(warehouse, int(time.time()) * 1000, application))


async def _by_preview(warehouse: Any, now_ms: int, application: str) -> dict[str, Shown]:
    asking = Asking(lambda: warehouse.client("reader"))
    choices, found = Choices(asking, None), {}
    for asked in ASKED.values():
        window, values = Window(now_ms - asked.since_ms, now_ms, asked.interval_ms), {}
        if asked.board:
            chosen = {"from": [str(window.from_ms)], "to": [str(now_ms)], "var-application": [application]}
            choice = await choices.read(DASHBOARDS[asked.board], chosen)
            values = choice.values
            sql = choices.expanded(asked.sql, replace(choice, window=window))
        else:
            sql = expand(asked.sql, window, {})
        found[asked.name] = Shown(asked.query(now_ms, values), sql, await asking.ask(sql))
    asking.close()
    return found


@pytest.fixture(scope="module", params=WAYS)
def through(request, warehouse, shown) -> Mapping[str, Any]:
    """Name of a query -> what Grafana's way makes of it: the frames of a back end, or the rows of the recorded request."""
    if request.param == "recorded":
        password = warehouse.passwords["reader"]
        return {name: _replayed(warehouse.port, password, each.expanded) for name, each in shown.items()}
    command = go()
    assert command, f"{PLUGIN_VARIABLE} is asked by a program in Go, which is not installed"
    way = {"kind": request.param} | ({"plugin": PLUGIN} if request.param == "plugin" else {})
    backend = GrafanaBackend(build(command), warehouse.url, warehouse.passwords["reader"], **way)
    return backend.ask([each.query for each in shown.values()], ROWS_MOST).results


def _replayed(port: int, password: str, sql: str) -> Found | Refused:
    try:
        return replay(port, "reader", password, sql)
    except Refused as refused:
        return refused


@pytest.mark.parametrize("name", ASKED)
def test_grafana_shows_what_the_preview_shows(through, shown, name):
    """The same columns and rows, whichever way the figure of a panel, a list of choices, a mark or a rule comes."""
    asked, answer, mine = ASKED[name], through[name], of_preview(shown[name].found)
    near = CLOCK_S if CLOCK.search(asked.sql) else 0
    assert not isinstance(answer, Refused), answer
    if isinstance(answer, Found):
        _same(of_preview(answer), mine, near)
        return
    assert answer.error == ""
    (frame,) = answer.frames
    if not asked.time_series or all(kind != "time" for _, kind in mine.columns):
        _same(of_frame(frame), mine, near)
    elif not frame.rows:
        assert mine.rows == []  # of no rows the libraries make series without a name
    else:
        drawn = of_frame(frame)
        assert {kind for _, kind in drawn.columns[1:]} == {"number"}
        assert points(drawn, labels(frame)) == pytest.approx(points(mine), rel=EXACT, abs=near)


def _same(there: Figures, mine: Figures, near: float) -> None:
    assert there.columns == mine.columns
    assert len(there.rows) == len(mine.rows)
    differing = [
        pair
        for rows in zip(there.rows, mine.rows, strict=True)
        for pair in zip(*rows, strict=True)
        if not _near(*pair, near)
    ]
    assert differing == []


def _near(there: Any, mine: Any, near: float) -> bool:
    numbers = isinstance(there, int | float) and isinstance(mine, int | float)
    return math.isclose(there, mine, rel_tol=EXACT, abs_tol=near) if numbers else there == mine


@pytest.mark.parametrize("name", [name for name in ASKED if not ASKED[name].board])
def test_a_rules_answer_is_one_that_alerting_takes(shown, name):
    """Of a table alerting takes texts that tell rows apart and exactly one number; two rows alike stop the rule."""
    found = of_preview(shown[name].found)
    kinds = [kind for _, kind in found.columns]
    assert sorted(kinds) == ["number", *["text"] * (len(kinds) - 1)]
    alike = [tuple(value for value, kind in zip(row, kinds, strict=True) if kind == "text") for row in found.rows]
    assert len(set(alike)) == len(alike)


def test_there_is_something_to_compare(shown):
    """The made-up months fill most panels and rules: two empty answers would always be the same."""
    filled = [name for name, each in shown.items() if each.found.rows]
    assert len(filled) >= FILLED * len(ASKED), sorted(shown.keys() - set(filled))


def test_every_panel_mark_variable_and_rule_is_asked():
    """None is left out: as many queries go through Grafana as the tables have."""
    boards = DASHBOARDS.values()
    panels = sum(len(list(board.panels())) for board in boards)
    others = sum(
        len(board.marks) + sum(VARIABLES[name].query is not None for name in board.variables) for board in boards
    )
    assert len(ASKED) == panels + others + len(ALERTS)


def test_pages_replace_variables_and_leave_macros():
    """Values go in quoted, whichever they are; what no variable is called stays for the back end."""
    sql = (
        "a IN (${tenant:singlequote}) AND $__timeFilter(at) AND b = ${application:singlequote} AND ${other:csv} = '$5'"
    )
    values = {"tenant": ("x", "o'b"), "application": ("",)}
    assert interpolated(sql, values) == ("a IN ('x','o\\'b') AND $__timeFilter(at) AND b = '' AND ${other:csv} = '$5'")
    with pytest.raises(ValueError, match="quotes itself"):
        interpolated("a = $tenant", values)


def test_a_chart_has_the_steps_that_grafana_takes():
    """Thirty days in at most a hundred steps are steps of six hours, for Grafana as for the preview."""
    steps = {
        asked.interval_ms for asked in ASKED.values() if "$__timeInterval" in asked.sql and asked.since_ms == MONTH_MS
    }
    assert steps == {6 * 3_600_000}
