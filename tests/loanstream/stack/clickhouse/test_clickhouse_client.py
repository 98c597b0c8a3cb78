"""clickhouse-connect, unmodified, against the embedded warehouse."""

import gzip
import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import lz4.frame
import pytest
import zstandard
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from loanstream.stack.clickhouse.frames import packed, unpacked

COLUMNS = {
    "application_id": "String",
    "revision": "UInt32",
    "amount": "Decimal(18, 2)",
    "decided_at": "DateTime64(3, 'UTC')",
    "outcome": "LowCardinality(String)",
    "cibil_score": "Nullable(Int32)",
    "reasons": "Array(LowCardinality(String))",
    "points": "Map(LowCardinality(String), Float64)",
}
ROWS = [
    [
        "a-1",
        1,
        Decimal("250000.25"),
        datetime(2026, 3, 1, 10, 0, 0, 125000, UTC),
        "approve",
        712,
        ["R1", "R2"],
        {"lti": -1.5},
    ],
    ["a-2", 3, Decimal("-0.01"), datetime(2026, 3, 2, tzinfo=UTC), "refer", None, [], {}],
]


@pytest.fixture
def table(writer, request):
    name = f"t_{abs(hash(request.node.name))}"
    columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    writer.command(
        f"CREATE TABLE {name} ({columns}, CONSTRAINT revised CHECK revision > 0) ENGINE = MergeTree "
        "ORDER BY application_id SETTINGS non_replicated_deduplication_window = 100"
    )
    yield name
    writer.command(f"DROP TABLE {name}")


def utc(rows):
    return [[value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for value in row] for row in rows]


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
def test_rows_come_back_as_they_were_inserted(server, table, compression):
    """Every column type of the warehouse survives the way in and out, with and without compression."""
    client = server.client(compress=compression)
    assert client.insert(table, ROWS, column_names=list(COLUMNS)).written_rows == 2
    assert utc(client.query(f"SELECT * FROM {table} ORDER BY application_id").result_rows) == ROWS
    client.close()


def test_a_statement_without_a_result_is_told_by_its_missing_format(writer, table):
    """A command without a result gives a summary, one with an empty result the empty string."""
    assert writer.command(f"TRUNCATE TABLE {table}") != ""
    assert writer.command(f"SELECT application_id FROM {table}") == ""


@pytest.mark.parametrize("end", ["", ";", " -- all of them", " ORDER BY revision LIMIT 5"])
def test_an_empty_result_keeps_its_shape(reader, table, end):
    """A query that finds nothing has its columns and no rows, streamed or not."""
    query = f"SELECT * FROM {table} WHERE revision > {{least:UInt32}}{end}"
    found = reader.query(query, parameters={"least": 7})
    assert (found.column_names, found.result_rows) == (tuple(COLUMNS), [])
    assert [kind.name for kind in found.column_types] == list(COLUMNS.values())
    with reader.query_row_block_stream(query, parameters={"least": 7}) as blocks:
        assert [row for block in blocks for row in block] == []


def test_parameters_are_bound_by_the_engine(writer, reader, table):
    """Parameters reach the engine as values: quotes in them are only text."""
    writer.insert(table, ROWS, column_names=list(COLUMNS))
    found = reader.query(
        f"SELECT application_id FROM {table} WHERE amount > {{least:Decimal(18,2)}} AND application_id IN {{ids:Array(String)}}",
        parameters={"least": Decimal("1.00"), "ids": ["a-1", "x' OR 1=1 --"]},
    )
    assert found.result_rows == [("a-1",)]


def test_long_parameters_travel_as_a_form(reader):
    """Parameters too long for a URL arrive whole."""
    ids = [f"application-{number}" for number in range(2000)]
    assert reader.query("SELECT length({ids:Array(String)})", parameters={"ids": ids}).result_rows == [(2000,)]


def test_a_long_result_is_streamed_in_blocks(reader):
    """A result larger than one block is read block by block, complete and in order."""
    with reader.query_row_block_stream("SELECT number FROM numbers(300000)") as blocks:
        sizes = [(block[0][0], len(block)) for block in blocks]
    assert len(sizes) > 1
    assert sum(size for _, size in sizes) == 300_000
    assert sizes == sorted(sizes)


def test_an_error_after_the_first_block_reaches_the_client(reader):
    """A statement that fails half-way fails at the client; its answer is not taken for complete."""
    with (
        pytest.raises(StreamFailureError, match="395"),
        reader.query_row_block_stream("SELECT throwIf(number > 2000000) FROM numbers(3000000)") as blocks,
    ):
        list(blocks)


def test_a_session_keeps_its_temporary_table(server):
    """Statements of one session see its temporary tables; those of another do not."""
    one, other = server.client(session_id="s-1"), server.client(session_id="s-2")
    one.command("CREATE TEMPORARY TABLE chosen (application_id String)")
    one.insert("chosen", [["a-1"]], column_names=["application_id"], database="")
    assert one.query("SELECT * FROM chosen").result_rows == [("a-1",)]
    with pytest.raises(DatabaseError, match="code: 60"):
        other.query("SELECT * FROM chosen")
    one.close()
    other.close()


def test_settings_of_one_request_end_with_it(server):
    """A setting sent with one statement of a session does not reach the next."""
    client = server.client(session_id="s-3")
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 1}).result_rows == [(1,)]
    assert (
        client.query(
            "SELECT getSetting('log_comment'), getSetting('max_block_size')", settings={"max_block_size": 7}
        ).result_rows[0][1]
        == 7
    )
    assert client.query("SELECT getSetting('max_block_size')").result_rows != [(7,)]
    client.close()


def running(server, query_id: str, count: int) -> bool:
    """Wait until so many statements of this id run."""
    asked = f"SELECT count() FROM system.processes WHERE Settings['log_comment'] = '{query_id}'".encode()
    for _ in range(400):
        if server.post(asked)[2] == b"%d\n" % count:
            return True
        time.sleep(0.05)
    return False


def test_a_busy_session_refuses_a_second_statement(server):
    """While a session's statement runs, another one for it gets 373 and can be tried again."""
    endless = b"SELECT sum(sipHash64(number)) FROM numbers(100000000000)"
    first = threading.Thread(target=server.post, args=(endless, "session_id=busy&query_id=first"))
    first.start()
    assert running(server, "first", 1)
    assert server.post(b"SELECT 1", "session_id=busy")[1]["x-clickhouse-exception-code"] == "373"
    server.post(b"KILL QUERY WHERE Settings['log_comment'] = 'first' SYNC")
    first.join()
    assert server.post(b"SELECT 1", "session_id=busy")[2] == b"1\n"


def test_many_clients_at_once(server, table):
    """Clients insert and read side by side; nothing is mixed up or lost."""

    def work(number: int) -> list:
        client = server.client(autogenerate_session_id=False)
        client.insert(
            table,
            [[f"a-{number}-{row}", 1, 1, datetime.now(UTC), "refer", None, [], {}] for row in range(50)],
            column_names=list(COLUMNS),
        )
        rows = client.query(
            f"SELECT count() FROM {table} WHERE startsWith(application_id, {{mine:String}})",
            parameters={"mine": f"a-{number}-"},
        )
        client.close()
        return rows.result_rows

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(16))) == [[(50,)]] * 16


def test_the_same_token_inserts_once(writer, table):
    """A batch sent again under its token is acknowledged and not stored a second time."""
    for _ in range(3):
        writer.insert(
            table,
            ROWS,
            column_names=list(COLUMNS),
            settings={"insert_deduplication_token": "loan.decisions.v1.bank-a:0:10-20"},
        )
    assert writer.command(f"SELECT count() FROM {table}") == 2
    writer.insert(
        table,
        ROWS,
        column_names=list(COLUMNS),
        settings={"insert_deduplication_token": "loan.decisions.v1.bank-a:0:21-30"},
    )
    assert writer.command(f"SELECT count() FROM {table}") == 4


def test_a_violated_constraint_is_an_error(writer, table):
    """Rows that break a constraint are refused loudly: an insert that returns has stored its rows."""
    with pytest.raises(DatabaseError, match=r"code: 469.*`revised`"):
        writer.insert(table, [[*ROWS[0][:1], 0, *ROWS[0][2:]]], column_names=list(COLUMNS))
    assert writer.command(f"SELECT count() FROM {table}") == 0


def test_a_throwing_view_is_an_error(writer, table):
    """An insert whose materialized view fails is not acknowledged."""
    writer.command(f"CREATE TABLE {table}_v (a UInt8) ENGINE = MergeTree ORDER BY a")
    writer.command(
        f"CREATE MATERIALIZED VIEW {table}_mv TO {table}_v AS SELECT throwIf(revision = 3) AS a FROM {table}"
    )
    with pytest.raises(DatabaseError, match="code: 395"):
        writer.insert(table, ROWS, column_names=list(COLUMNS))
    writer.command(f"DROP TABLE {table}_mv")
    writer.command(f"DROP TABLE {table}_v")


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("zstd", zstandard.compress), ("lz4", lz4.frame.compress), ("", bytes)],
)
def test_several_compressed_frames_are_one_body(server, table, encoding, compress):
    """A body may be several frames; a cut one, or one of another encoding, is refused and stores nothing."""
    insert = f"query=INSERT+INTO+{table}+(application_id,revision)+FORMAT+CSV"
    whole = compress(b"a-1,1\n") + compress(b"a-2,2\n")
    status, headers, _ = server.post(whole, insert, **{"Content-Encoding": encoding})
    assert (status, '"written_rows": "2"' in headers["x-clickhouse-summary"]) == (200, True)
    if encoding:
        for bad in (whole[:-5], b"a-1,1\n"):
            assert server.post(bad, insert, **{"Content-Encoding": encoding})[0] == 400
    assert server.post(f"SELECT count() FROM {table}".encode())[2] == b"2\n"


def test_frames_of_clickhouses_own_compression_go_both_ways(server, table):
    """What its JDBC driver asks for by default: rows and errors come in frames, and a body may be of them."""
    insert = f"query=INSERT+INTO+{table}+(application_id,revision)+FORMAT+CSV&decompress=1"
    rows = b"".join(b"a-%d,%d\n" % (number, number) for number in range(1, 200_000))
    assert server.post(packed(rows), insert)[0] == 200
    select = f"SELECT application_id, revision FROM {table} ORDER BY revision FORMAT CSV".encode()
    status, headers, body = server.post(select, "compress=1")
    assert (status, "content-encoding" in {name.lower() for name in headers}) == (200, False)
    assert unpacked(body, 1 << 30).replace(b'"', b"") == rows
    status, headers, body = server.post(b"SELECT nonsense", "compress=1")
    assert (status, headers["x-clickhouse-exception-code"]) == (404, "47")
    assert b"nonsense" in unpacked(body, 1 << 20)


@pytest.mark.parametrize(
    ("statement", "data"),
    [
        ("INSERT INTO {t} (application_id, revision) FORMAT CSV", "a-1,1\n"),
        (
            "insert into {t}(application_id, revision) settings async_insert = 0 format JSONEachRow",
            '{{"application_id":"a-1","revision":1}}',
        ),
        ("/* FORMAT CSV */ INSERT INTO `{t}` (`application_id`, revision) -- FORMAT\n FORMAT TSV", "a-1\t1\n"),
        ("INSERT INTO {t} (application_id, revision) VALUES", "('a-1', 1)"),
        ("INSERT INTO {t} (application_id, revision) SELECT 'a-1', 1", ""),
    ],
)
def test_rows_follow_the_statement(server, table, statement, data):
    """The rows of an INSERT stand behind its text, which may be written in any way the engine allows."""
    sql = statement.format(t=table)
    assert server.post(f"{sql}\n{data.format()}".encode())[0] == 200
    assert server.post(f"SELECT application_id, revision FROM {table}".encode())[2] == b"a-1\t1\n"


def test_a_batch_of_statements_is_refused(server):
    """Two statements in one request are a syntax error, as on a server."""
    status, headers, _ = server.post(b"SELECT 1; SELECT 2", "wait_end_of_query=1")
    assert (status, headers["x-clickhouse-exception-code"]) == (400, "62")


def test_an_engine_that_would_lock_the_directory_is_refused(server):
    """A table that could not be opened again is not created."""
    assert server.post(b"CREATE TABLE q (a String) ENGINE = Kafka('h:1', 't', 'g', 'CSV')")[0] == 501


def test_a_client_that_goes_away_stops_its_statement(server):
    """When the client hangs up, the engine stops working for it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"X-ClickHouse-User": "writer", "X-ClickHouse-Key": server.passwords["writer"]}
    connection.request("POST", "/?query_id=left", b"SELECT sum(sipHash64(number)) FROM numbers(100000000000)", headers)
    assert running(server, "left", 1)
    connection.close()
    assert running(server, "left", 0)
