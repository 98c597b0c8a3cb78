"""What Grafana's pages and its alerting make of a dashboard and of a rule before a query goes to the plugin's back end.

Pages put the chosen values in place of variables and find the width of a step; macros are left for the back end, and
so is everything in an alert's query. After Grafana's `templateSrv`, `rangeUtil` and the plugin's `CHDatasource.ts`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from dashboards.preview import times
from tests.grafana_backend.backend import Query

VARIABLE = re.compile(r"\$(\w+)|\[\[([\s\S]+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
"""Grafana's own expression. What it finds and knows no variable of, a macro for one, stays as it is."""
COLUMN_PX = 50
"""A column of the grid of 24 on a screen of 1280: a panel asks for a point a pixel."""
ALERT_STEP_MS = 1000
UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Asked:
    """One query of a panel, a mark, a variable or a rule: the JSON that stands in the file, and its range of time.

    `board` is the uid of its dashboard, empty for a rule. `since_ms` is how long before the end its time begins.
    """

    name: str
    board: str
    target: Mapping[str, Any]
    since_ms: int
    interval_ms: int

    @property
    def sql(self) -> str:
        """The text with variables and macros."""
        return str(self.target["rawSql"])

    @property
    def time_series(self) -> bool:
        """Whether the back end makes series of the rows. A variable's query does not say, and the back end means it."""
        return self.target.get("format", 0) == 0

    def query(self, now_ms: int, values: Values) -> Query:
        """As it goes to the back end for these values of the variables."""
        start, end = (datetime.fromtimestamp(at / 1000, UTC) for at in (now_ms - self.since_ms, now_ms))
        model = {**self.target, "rawSql": interpolated(self.sql, values) if self.board else self.sql}
        return Query(self.name, self.sql, start, end, self.interval_ms, model=model)


def interpolated(sql: str, values: Values) -> str:
    """The text with the variables' values in it. ValueError for a format that no query of ours has a reason for."""

    def written(found: re.Match[str]) -> str:
        name = found[1] or found[2] or found[4]
        if name not in values:
            return found[0]
        form = found[3] or found[6]
        if form != "singlequote":
            raise ValueError(f"{found[0]} is no value that quotes itself")
        return ",".join("'" + value.replace("'", "\\'") + "'" for value in values[name])

    return VARIABLE.sub(written, sql)


def of_dashboards(folder: Path) -> Iterator[Asked]:
    """Every query of every dashboard of a folder: its panels, marks and variables."""
    for path in sorted(folder.glob("*.json")):
        yield from _of_dashboard(json.loads(path.read_text("utf-8")))


def of_rules(file: Path) -> Iterator[Asked]:
    """The query of every rule of a file of Grafana's provisioning."""
    for group in yaml.safe_load(file.read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            asked = next(each for each in rule["data"] if "rawSql" in each["model"])
            since_ms = asked["relativeTimeRange"]["from"] * 1000
            yield Asked(f"rule {rule['uid']}", "", asked["model"], since_ms, ALERT_STEP_MS)


def _of_dashboard(board: Mapping[str, Any]) -> Iterator[Asked]:
    uid, chosen = board["uid"], times.window(board["time"]["from"], board["time"]["to"])
    length_ms = chosen.to_ms - chosen.from_ms
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    for panel in (each for each in board["panels"] if each["type"] != "row"):
        for target in panel["targets"]:
            step_ms = _step_ms(panel, variables, length_ms)
            yield Asked(f"{uid}: {panel['title']}", uid, target, length_ms, step_ms)
    for mark in board["annotations"]["list"]:
        yield Asked(f"{uid}: mark {mark['name']}", uid, mark["target"], length_ms, ALERT_STEP_MS)
    for variable in variables.values():
        if variable["type"] == "query":
            # Grafana keeps the text alone; the plugin makes a query of it that has no format.
            target = {"rawSql": variable["query"], "editorType": "sql"}
            yield Asked(f"{uid}: variable {variable['name']}", uid, target, length_ms, ALERT_STEP_MS)


def _step_ms(panel: Mapping[str, Any], variables: Mapping[str, Any], length_ms: int) -> int:
    """A point a pixel, and no less than the panel's least step, which our panels leave to a variable."""
    exact = times.interval_ms(length_ms, panel["gridPos"]["w"] * COLUMN_PX)
    if "interval" not in panel:
        return exact
    variable = variables[panel["interval"].removeprefix("$")]
    least = variable["auto_min"]
    auto = times.interval_ms(length_ms, variable["auto_count"])
    return max(exact, auto, int(least[:-1]) * UNIT_MS[least[-1]])
