"""Grafana reads the embedded warehouse: its driver, its libraries and, where it is given, its plugin itself.

The bytes are held without Go by test_native_dialect.py.
"""

import os
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
from stores.warehouse.migrate import migrate
from tests.grafana_backend.backend import BUILT_WITHIN_S, PLUGIN_VARIABLE, Answer, GrafanaBackend, Query, build, go

# The first time, the program is built.
pytestmark = pytest.mark.timeout(BUILT_WITHIN_S + 300)

PAGE = Path(__file__).resolve().parents[4] / "docs" / "connect-grafana.md"
START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
HOUR_MS = 3_600_000
TABLE = (
    "CREATE TABLE shown (application_id String, accepted_at DateTime64(3, 'UTC'), outcome LowCardinality(String), "
    "amount Decimal(18, 2)) ENGINE = MergeTree ORDER BY application_id"
)
# One a minute for two days: Grafana is asked about the first of them.
ROWS = (
    "INSERT INTO shown SELECT toString(number), toDateTime64('2026-03-01 00:00:00', 3, 'UTC') + number * 60, "
    "['approve', 'refer', 'decline'][number % 3 + 1], 1000.25 FROM numbers(2880)"
)


@pytest.fixture(scope="session")
def program() -> Path:
    """The program of Grafana's backend, built once a user."""
    command = go()
    if command is None:
        pytest.skip("Go is not installed: Grafana's driver was not tried, its recorded bytes were")
    return build(command)


Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def shown(server):
    """A table as the warehouse's are."""
    client = server.client()
    client.command(TABLE)
    client.command(ROWS)
    yield server
    client.command("DROP TABLE shown")
    client.close()


def asker(program, server, **options) -> Ask:
    def ask(*statements: str, series: bool = False, first: int = 5) -> Answer:
        queries = [
            Query(str(place), sql, START, END, HOUR_MS, time_series=series) for place, sql in enumerate(statements)
        ]
        return GrafanaBackend(program, server.url, server.passwords["reader"], **options).ask(queries, first)

    return ask


PLUGIN = os.environ.get(PLUGIN_VARIABLE, "")


@pytest.fixture(scope="module", params=["twin", "plugin"])
def kind(request) -> dict[str, str]:
    """Grafana's backend on its libraries, and the plugin's own executable where there is one."""
    if request.param == "plugin" and not PLUGIN:
        pytest.skip(f"{PLUGIN_VARIABLE} does not name the executable of Grafana's plugin")
    return {"kind": request.param} | ({"plugin": PLUGIN} if request.param == "plugin" else {})


@pytest.fixture(scope="module")
def grafana(kind, program, shown) -> Ask:
    """What Grafana asks, answered by the table above."""
    return asker(program, shown, **kind)


@pytest.fixture(scope="module", params=["none", "gzip", "deflate", "lz4", "zstd"])
def driver(request, program, shown) -> Ask:
    """clickhouse-go alone, with each compression that it knows of over HTTP."""
    return asker(program, shown, kind="driver", compression=request.param)


def test_save_and_test_is_green(grafana):
    """The health check of the data source says that it works, for the reader."""
    answer = grafana()
    assert (answer.healthy, answer.message) == (True, "Data source is working")


def test_a_wrong_password_is_what_grafana_shows(program, shown):
    """Save & test says that the credentials are wrong, not that nobody answers."""
    answer = GrafanaBackend(program, shown.url, "wrong").ask([])
    assert not answer.healthy
    assert "AUTHENTICATION_FAILED" in answer.message


def test_a_panels_query_is_a_time_series(grafana):
    """Accepted applications by hour and outcome, within the panel's time range: a series an outcome."""
    found = grafana(
        "SELECT $__timeInterval(accepted_at) AS time, outcome, count() / $__interval_s AS rate FROM shown "
        "WHERE $__timeFilter(accepted_at) AND accepted_at < $__toTime AND accepted_at >= $__fromTime "
        "GROUP BY time, outcome ORDER BY time",
        series=True,
        first=24,
    )["0"]
    assert found.error == ""
    (frame,) = found.frames
    assert frame.rows == 24
    assert [field.get("labels") for field in frame.fields] == [
        None,
        *({"outcome": outcome} for outcome in ("approve", "decline", "refer")),
    ]
    hours = [(START + timedelta(hours=hour)).isoformat().replace("+00:00", "Z") for hour in range(24)]
    assert [row[0] for row in frame.first] == hours
    assert {tuple(row[1:]) for row in frame.first} == {(20 / 3600,) * 3}


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("$__timeFilter(accepted_at)", 1441),
        ("$__timeFilter_ms(accepted_at)", 1441),
        ("$__dateFilter(toDate(accepted_at))", 2880),
        ("$__dateTimeFilter(toDate(accepted_at), accepted_at)", 1441),
        ("accepted_at >= $__fromTime AND accepted_at < $__toTime", 1440),
        ("accepted_at >= $__fromTime_ms AND accepted_at < $__toTime_ms", 1440),
        ("toStartOfInterval(accepted_at, INTERVAL $__interval_s second) = $__timeInterval($__fromTime)", 60),
        ("$__timeInterval_ms(accepted_at) = $__fromTime_ms", 60),
    ],
)
def test_every_macro_of_the_time_range_works(grafana, condition, rows):
    """What a panel and an alert say about time is understood by the engine."""
    found = grafana(f"SELECT count() AS n FROM shown WHERE {condition}")["0"]
    assert (found.error, found.frames[0].first) == ("", [[rows]])


def test_a_table_has_its_columns(grafana):
    """Amounts are numbers, moments are times, and a result without rows has its columns."""
    select = "SELECT accepted_at, amount, outcome, application_id FROM shown"
    answer = grafana(f"{select} ORDER BY toUInt32(application_id)", f"{select} WHERE amount > 1000000", first=1)
    full, empty = answer["0"].frames[0], answer["1"].frames[0]
    assert (full.rows, full.first) == (2880, [["2026-03-01T00:00:00Z", 1000.25, "approve", "0"]])
    assert (empty.rows, list(empty.types)) == (0, ["accepted_at", "amount", "outcome", "application_id"])
    assert empty.types == full.types
    assert full.types["accepted_at"].endswith("time.Time")
    assert full.types["amount"].endswith("float64")


def test_the_schema_browser_finds_everything(grafana):
    """Grafana's query builder and its completion list databases, tables, columns and functions."""
    answer = grafana(
        "SHOW DATABASES",
        "SHOW TABLES FROM loanstream",
        'DESC TABLE "loanstream"."shown"',
        "SELECT name, type, table FROM system.columns WHERE database IN ('loanstream') AND table = 'shown'",
        "SELECT name FROM system.tables WHERE database = 'loanstream'",
        "SELECT name FROM system.functions WHERE name = 'quantileTDigest'",
        "SELECT version()",
        first=100,
    )
    assert [answer[str(place)].error for place in range(7)] == [""] * 7
    first = [answer[str(place)].frames[0].first for place in range(7)]
    assert ["loanstream"] in first[0]
    assert ["shown"] in first[1]
    columns = ["application_id", "accepted_at", "outcome", "amount"]
    assert [row[0] for row in first[2]] == columns
    assert sorted(row[0] for row in first[3]) == sorted(columns)
    assert ["shown"] in first[4]
    assert first[5] == [["quantileTDigest"]]


def test_an_error_is_what_grafana_shows(grafana):
    """The engine's code and words reach the panel; a reader that would write is told so."""
    answer = grafana("SELECT nonsense FROM shown", "INSERT INTO shown (application_id) VALUES ('x')", "SELECT 1")
    assert "UNKNOWN_IDENTIFIER" in answer["0"].error
    assert "READONLY" in answer["1"].error
    assert answer["2"].frames[0].first == [[1]]


def test_many_rows_come_whole(grafana):
    """Three hundred thousand rows in several blocks arrive, complete."""
    frame = grafana("SELECT number, toString(number) AS text FROM numbers(300000)")["0"].frames[0]
    assert (frame.rows, frame.first[-1]) == (300_000, [4, "4"])


LONG = "SELECT number, toString(number) AS text, [number] AS list FROM numbers(300000)"


def test_the_driver_reads_many_rows_under_each_compression(driver):
    """Block by block, none lost, with a result and without, and a statement that fails half-way is a failure."""
    answer = driver(
        LONG, f"{LONG} WHERE number > 300000", "SELECT throwIf(number > 2000000) FROM numbers(3000000)", "SELECT no"
    )
    assert answer.healthy, answer.message
    assert (answer["0"].error, answer["0"].frames[0].rows) == ("", 300_000)
    assert (answer["1"].error, answer["1"].frames[0].rows) == ("", 0)
    assert answer["1"].frames[0].types == {"number": "UInt64", "text": "String", "list": "Array(UInt64)"}
    assert "395" in answer["2"].error
    assert 0 < answer["2"].frames[0].rows < 3_000_000
    assert "UNKNOWN_IDENTIFIER" in answer["3"].error


READ = {
    "toUInt8(255)": 255,
    "toInt64(-9007199254740991)": -9007199254740991,
    "toFloat32(1.5)": 1.5,
    "toBFloat16(1.5)": 1.5,
    "true": True,
    "'ä'": "ä",
    "toFixedString('ab', 2)": "ab",
    "toDate('2026-03-01')": "2026-03-01T00:00:00Z",
    "toDate32('1926-03-01')": "1926-03-01T00:00:00Z",
    "toDateTime('2026-03-01 09:30:00', 'Asia/Kolkata')": "2026-03-01T09:30:00+05:30",
    "toDateTime64('2026-03-01 09:30:00.125', 3, 'UTC')": "2026-03-01T09:30:00.125Z",
    "toDecimal64('-0.01', 2)": "-0.01",
    "toDecimal256('1.5', 5)": "1.5",
    "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')": "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
    "CAST('b' AS Enum8('a' = 1, 'b' = 2))": "b",
    "toIPv4('10.1.2.3')": "10.1.2.3",
    "toIPv6('::1')": "::1",
    "CAST(NULL AS Nullable(Int32))": None,
    "CAST(7 AS Nullable(Int32))": 7,
    "CAST('x' AS LowCardinality(String))": "x",
    "CAST(NULL AS LowCardinality(Nullable(String)))": None,
    "CAST('x' AS LowCardinality(Nullable(String)))": "x",
    "CAST(['a', 'b', 'a'] AS Array(LowCardinality(String)))": ["a", "b", "a"],
    "[[1000], [], [2000, 3000]]": [[1000], [], [2000, 3000]],
    "CAST([NULL, 1] AS Array(Nullable(Int32)))": [None, 1],
    "CAST(map('lti', -1.5) AS Map(LowCardinality(String), Float64))": {"lti": -1.5},
    "CAST((1, 'a') AS Tuple(term UInt8, bank String))": {"term": 1, "bank": "a"},
    "(1, 'a')": [1, "a"],
    "CAST([(1, 'a')] AS Nested(term UInt8, bank String))": [{"term": 1, "bank": "a"}],
    "CAST((1.5, 2.5) AS Point)": [1.5, 2.5],
    "CAST(1 AS Variant(UInt8, String))": 1,
    "CAST('x' AS Dynamic)": "x",
    'CAST([\'{"a": {"b": [1, 2]}}\'] AS Array(JSON))[1]': {"a": {"b": [1, 2]}},
    'CAST(\'{"a": 1, "b": 2, "c": 3}\' AS JSON(max_dynamic_paths = 1))': {"a": 1, "b": 2, "c": 3},
    "CAST(CAST('x' AS Dynamic) AS Dynamic(max_types = 0))": "x",
    "toJSONString(CAST('{\"a\": 1}' AS JSON))": '{"a":1}',
    "finalizeAggregation(sumState(toUInt64(7)))": 7,
}


@pytest.fixture(scope="module")
def read(program, shown):
    """Every expression's value, read by the driver: as a single row, and as the middle one of three."""
    ask = asker(program, shown, kind="driver")
    alone = [f"SELECT {expression} AS value" for expression in READ]
    amid = [
        f"SELECT materialize(x) AS value FROM (SELECT {expression} AS x) ARRAY JOIN [1, 2, 3] AS n"
        for expression in READ
    ]
    answer = ask(*alone, *amid)
    return {expression: (answer[str(place)], answer[str(place + len(READ))]) for place, expression in enumerate(READ)}


@pytest.mark.parametrize("expression", READ)
def test_every_type_of_column_is_read(read, expression):
    """What a column may hold in the warehouse comes out of Grafana's driver as the same value."""
    alone, amid = read[expression]
    assert (alone.error, amid.error) == ("", "")
    assert alone.frames[0].first == [[READ[expression]]]
    assert amid.frames[0].first == [[READ[expression]]] * 3


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A warehouse with loanstream's own tables."""
    with EmbeddedWarehouse(tmp_path_factory.mktemp("migrated")) as warehouse:
        client = warehouse.client()
        migrate(client)
        client.close()
        yield warehouse


def test_every_table_of_ours_is_read(program, migrated, kind):
    """What loanstream keeps, of whichever type: Grafana reads it, without rows and with rows of those very types."""
    client = migrated.client("reader")
    names = [row[0] for row in client.query("SHOW TABLES FROM loanstream").result_rows]
    described = {name: client.query(f"DESCRIBE TABLE loanstream.`{name}`").result_rows for name in names}
    client.close()
    statements = [f"SELECT * FROM `{name}` WHERE 0" for name in names]
    for columns in described.values():
        structure = ", ".join(f"`{column}` {' '.join(kind.split())}" for column, kind, *_ in columns)
        made = structure.replace("\\", "\\\\").replace("'", "\\'")
        statements.append(f"SELECT * FROM generateRandom('{made}', 1, 3, 2) LIMIT 5")
    answer = asker(program, migrated, **kind)(*statements)
    assert len(names) > 10
    assert {statement: answer[str(place)].error for place, statement in enumerate(statements)} == dict.fromkeys(
        statements, ""
    )
    assert [answer[str(place)].frames[0].rows for place in range(len(statements))] == [0] * len(names) + [5] * len(
        names
    )


def test_the_panel_of_the_page_is_drawn(program, migrated, kind):
    """Who copies the first panel of the page has a panel."""
    (sql,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    found = asker(program, migrated, **kind)(sql, series=True)["0"]
    assert (found.error, [frame.rows for frame in found.frames]) == ("", [0])


def test_a_state_is_refused_with_what_to_do(driver):
    """The driver cannot read the state of an aggregate function; Grafana is told the column and the cure."""
    error = driver("SELECT sumState(number) AS total FROM numbers(3)")["0"].error
    assert "column 1 `total`" in error
    assert "finalizeAggregation" in error


def test_the_program_says_why_it_cannot_run(program):
    """A wrong flag is one line that names it."""
    ended = subprocess.run(
        [program, "-backend", "twin", "-url", "nonsense"], input="[]", check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (1, "grafana_backend: -url is not http://host:port\n")
