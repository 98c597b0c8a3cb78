"""Grafana's way to a warehouse, as a program in Go (main.go): built once a user, asked over standard input.

    backend = GrafanaBackend(warehouse.url, warehouse.passwords["reader"])
    answer = backend.ask([Query("rate", "SELECT $__timeInterval(accepted_at) AS time, count() FROM applications "
                                        "WHERE $__timeFilter(accepted_at) GROUP BY time ORDER BY time", start, end)])
    answer.healthy, answer["rate"].frames[0].rows

Three kinds of it: `plugin`, the executable of Grafana's ClickHouse plugin (`PLUGIN_VARIABLE` says where it is); `twin`,
the libraries that the plugin is built on, with macros of our own; `driver`, clickhouse-go alone, without macros.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from loanstream.stack.layout import cache_directory

SOURCE = Path(__file__).resolve().parent
PLUGIN_VARIABLE = "LOANSTREAM_GRAFANA_PLUGIN"
"""The path of the plugin's executable, as Grafana installs it: `gpx_clickhouse_linux_amd64` and the like."""
BUILT_WITHIN_S = 600.0
"""Three minutes on two busy cores where nothing is cached, most of it Grafana's SDK."""
ANSWERS_WITHIN_S = 120.0
_GO_ELSEWHERE = "/usr/local/go/bin/go"


@dataclass(frozen=True)
class Query:
    """One query of a panel (`time_series`) or a table; `interval_ms` is what Grafana makes of the panel's width.

    `model` is the query's whole JSON, where it is known: then it counts, and not `sql` and `time_series`.
    """

    id: str
    sql: str
    start: datetime
    end: datetime
    interval_ms: int = 60_000
    time_series: bool = True
    model: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Frame:
    """A table of an answer: its fields (`name`, `type`, and `labels` of a series), and its first rows."""

    fields: tuple[dict[str, Any], ...]
    rows: int
    first: list[list[Any]]

    @property
    def types(self) -> dict[str, str]:
        """Type by name."""
        return {field["name"]: field["type"] for field in self.fields}


@dataclass(frozen=True)
class Result:
    """The frames of one query, or the error that Grafana shows."""

    frames: list[Frame]
    error: str


@dataclass(frozen=True)
class Answer:
    """What "Save & test" says, and the result of each query by its id."""

    healthy: bool
    message: str
    results: dict[str, Result]

    def __getitem__(self, query: str) -> Result:
        return self.results[query]


class GrafanaBackend:
    """A data source for one warehouse. `program` is what `build` made."""

    def __init__(
        self,
        program: Path,
        url: str,
        password: str,
        *,
        user: str = "reader",
        kind: str = "twin",
        plugin: str = "",
        compression: str = "gzip",
    ) -> None:
        self._password = password
        self._command = [str(program), "-backend", kind, "-url", url, "-user", user, "-compression", compression]
        self._command += ["-plugin", plugin] if plugin else []

    def ask(self, queries: Sequence[Query], first: int = 5) -> Answer:
        """Run the health check and each query; `first` rows of each frame come back. RuntimeError says why not."""
        asked = [
            {
                "id": query.id,
                "sql": query.sql,
                "from": query.start.isoformat(),
                "to": query.end.isoformat(),
                "interval_ms": query.interval_ms,
                "format": 0 if query.time_series else 1,
                "model": query.model,
            }
            for query in queries
        ]
        ended = subprocess.run(
            [*self._command, "-first", str(first)],
            input=json.dumps(asked),
            env=os.environ | {"GRAFANA_BACKEND_PASSWORD": self._password},
            check=False,
            capture_output=True,
            text=True,
            timeout=ANSWERS_WITHIN_S,
        )
        if ended.returncode:
            raise RuntimeError(ended.stderr)
        told = json.loads(ended.stdout)
        results = {
            each["id"]: Result(
                [Frame(tuple(frame["fields"]), frame["rows"], frame["first"]) for frame in each["frames"] or []],
                each["error"],
            )
            for each in told["queries"]
        }
        return Answer(told["health"]["ok"], told["health"]["message"], results)


def go() -> str | None:
    """The `go` command, None where it is not installed."""
    return shutil.which("go") or shutil.which(_GO_ELSEWHERE)


def build(command: str) -> Path:
    """The program, built unless these very sources were before. RuntimeError with what `go` said."""
    sources = sorted(path for path in SOURCE.iterdir() if path.suffix in (".go", ".mod", ".sum"))
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in sources)).hexdigest()[:16]
    program = cache_directory() / "grafana-backend" / digest
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
            made = Path(scratch) / "program"
            ended = subprocess.run(
                [command, "build", "-trimpath", "-ldflags=-s -w", "-o", str(made), "."],
                cwd=SOURCE,
                check=False,
                capture_output=True,
                text=True,
                timeout=BUILT_WITHIN_S,
            )
            if ended.returncode:
                raise RuntimeError(ended.stderr)
            made.replace(program)
    return program
