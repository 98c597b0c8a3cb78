"""The Native format in the dialect that a client asks for: Grafana's driver cannot read another one."""

import asyncio
import json
import struct
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

import clickhouse_connect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanstream.stack.clickhouse.errors import EngineError
from loanstream.stack.clickhouse.native import Column, Dialect

# As clickhouse-go 2.43.0 and 2.47.0 sent it, under Grafana's plugin 4.14.1 and alone; the password is the test's.
DRIVER = "client_protocol_version=54460&database=loanstream&default_format=Native&max_execution_time=14"
DRIVER_HEADERS = {
    "Accept-Encoding": "gzip",
    "User-Agent": "grafana/0.0.0 clickhouse-go/2.43.0 (lv:go/1.26.8; os:linux)",
}
INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
"""What a server puts before each block: field 1, no overflow; field 2, bucket -1; 0, the end."""


def text(value):
    return bytes([len(value)]) + value.encode()


def buffers(*blocks):
    """Blocks as the engine writes them in its format Buffers: counts, then each column's bytes behind their length."""
    return b"".join(
        struct.pack("<QQ", len(columns), rows) + b"".join(struct.pack("<Q", len(each)) + each for each in columns)
        for rows, columns in blocks
    )


@pytest.fixture(scope="module")
def ask(server):
    """One request as the driver sends it, without its gzip, from the reader."""

    def run(sql, revision=54460, more=""):
        url = DRIVER.replace("54460", str(revision)) + more
        headers = DRIVER_HEADERS | {"Accept-Encoding": "identity"}
        return server.post(sql.encode(), url, user="reader", **headers)

    return run


COLUMNS = "SELECT toUInt8(number) AS term, 'xy' AS bank, toDateTime(5, 'Asia/Kolkata') AS at FROM numbers(2)"
FLAG = b"\x00"


@pytest.mark.parametrize(
    ("revision", "info", "zone", "flag"),
    [
        (0, b"", "DateTime", b""),
        (51903, INFO, "DateTime", b""),
        (54405, INFO, "DateTime('Asia/Kolkata')", b""),
        (54453, INFO, "DateTime('Asia/Kolkata')", b""),
        (54454, INFO, "DateTime('Asia/Kolkata')", FLAG),
        (54460, INFO, "DateTime('Asia/Kolkata')", FLAG),
    ],
)
def test_a_block_is_written_in_the_clients_revision(ask, revision, info, zone, flag):
    """Grafana's driver (54460), clickhouse-connect (54405) and a client that asks for nothing each get what they read."""
    columns = (
        text("term") + text("UInt8") + flag + b"\x00\x01",
        text("bank") + text("String") + flag + b"\x02xy\x02xy",
        text("at") + text(zone) + flag + b"\x05\x00\x00\x00" * 2,
    )
    status, headers, body = ask(COLUMNS, revision)
    assert (status, headers["x-clickhouse-format"]) == (200, "Native")
    assert body == info + b"\x03\x02" + b"".join(columns)
    assert ask(COLUMNS, revision, "&wait_end_of_query=1")[2] == body
    assert ask(f"{COLUMNS} FORMAT Native", revision)[2] == body
    empty = [column[: len(column) - cut] for column, cut in zip(columns, (2, 6, 8), strict=True)]
    assert ask(f"{COLUMNS} WHERE 0", revision)[2] == info + b"\x03\x00" + b"".join(empty)


@pytest.mark.parametrize("revision", ["", "x", "-1", "5\u0664460", "9" * 5000])
def test_a_revision_that_is_none_is_the_oldest(ask, revision):
    """Nonsense from a client is no fault of the warehouse's."""
    assert ask("SELECT 1", quote(revision))[2] == b"\x01\x01\x011\x05UInt8\x01"


def test_what_the_driver_asks_first_is_answered(ask):
    """The first statement of every connection of Grafana's: who is the server?"""
    status, _, body = ask("SELECT displayName(), version(), revision(), timezone()")
    assert (status, body[:10]) == (200, INFO + b"\x04\x01")
    assert text("revision()") + text("UInt32") + FLAG in body


@pytest.mark.parametrize(
    "statement",
    [
        "SHOW DATABASES",
        "SHOW TABLES FROM system LIKE 'one'",
        'DESC TABLE "system"."one"',
        "EXISTS TABLE system.one",
        "EXPLAIN SELECT 1",
        "SHOW SETTINGS LIKE 'max_threads'",
        "(SELECT 1)",
        "-- a note\nSELECT 1",
        "/* a note */ WITH 1 AS one SELECT one",
        "FROM system.one SELECT dummy",
        "SELECT 1;",
        "SELECT 1 -- a note",
        "SELECT dummy, dummy, 1, 1 FROM system.one",
        "SELECT (SELECT 1), 2 IN (SELECT 2)",
        "SELECT 1 FORMAT Native;",
        "SELECT 1 FORMAT Native -- a note",
        "SELECT 1 FORMAT Native; /* a note */ -- and another",
    ],
)
def test_every_statement_that_answers_does_so_in_native(ask, statement):
    """Grafana's schema browser, and however a query is written: the driver's dialect, and the same columns as ever."""
    bare = statement.split("FORMAT")[0].removesuffix(";")
    _, _, compact = ask(f"{bare}\nFORMAT JSONCompactEachRowWithNames")
    status, _, body = ask(statement)
    assert (status, body[: len(INFO)]) == (200, INFO), body
    for name in json.loads(compact.splitlines()[0]):
        assert text(name) in body


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("Tuple(net Float64, month Date)", "Tuple(net Float64, month Date)"),
        ("Map(String, Tuple(a UInt8, b Tuple(c UInt8, d UInt8)))",) * 2,
        ("Nested(a UInt8, b String)", "Nested(a UInt8, b String)"),
        ("Enum8('a, \\n b' = 1)", "Enum8('a, \\n b' = 1)"),
        ("LowCardinality(Nullable(String))",) * 2,
        ("SimpleAggregateFunction(sum, UInt64)",) * 2,
    ],
)
def test_a_type_is_written_in_one_line(ask, server, kind, written):
    """Grafana's plugin knows a column by its type, and no type of theirs has line ends."""
    server.post(b"DROP TABLE IF EXISTS typed")
    assert server.post(f"CREATE TABLE typed (a {kind}) ENGINE = Memory".encode(), "flatten_nested=0")[0] == 200
    assert text("a") + text(written) + FLAG in ask("SELECT a FROM typed")[2]


@pytest.mark.parametrize("revision", [0, 54405, 54460])
def test_a_state_that_the_driver_cannot_read_is_refused_by_name(ask, revision):
    """Grafana shows what to do about an aggregate's state; a client that can read it gets it."""
    status, headers, body = ask("SELECT 1, sumState(number) AS total FROM numbers(3)", revision)
    if revision < 54454:
        assert (status, b"AggregateFunction(sum, UInt64)" in body) == (200, True)
    else:
        assert (status, headers["x-clickhouse-exception-code"]) == (501, "48")
        assert b"column 2 `total`" in body
        assert b"finalizeAggregation" in body


def test_a_refused_states_expression_is_not_repeated(ask):
    """The name of a column may hold a value; an error says no value."""
    body = ask("SELECT sumIfState(number, 'Jane-Canary-4711' != '') FROM numbers(3)")[2]
    assert b"column 1 is the state" in body
    assert b"Canary" not in body


def test_the_limits_of_the_result_are_not_its_columns(ask):
    """A reader that takes one row gets it, however many columns it has; and two are too many."""
    limit = "&max_result_rows=1&result_overflow_mode=throw"
    assert ask("SELECT 1, 2, 3", more=limit)[0] == 200, ask("SELECT 1, 2, 3", more=limit)
    assert ask("SELECT 1, 2, 3 FROM numbers(2)", more=limit)[1]["x-clickhouse-exception-code"] == "396"
    assert ask("SELECT number FROM numbers(9)", more="&limit=2")[2].startswith(INFO + b"\x01\x02")


def test_a_syntax_error_keeps_its_place(server):
    """The position in the message is the statement's own."""
    body = server.post(b"SELECT 1 1", "client_protocol_version=54460&default_format=Native")[2]
    assert b"Syntax error at character 10" in body


def test_a_moment_keeps_its_zone_for_clickhouse_connect(reader):
    """A DateTime with a zone comes back in it, streamed or not."""
    expected = datetime(2026, 3, 1, 9, 30, tzinfo=ZoneInfo("Asia/Kolkata"))
    sql = "SELECT toDateTime('2026-03-01 09:30:00', 'Asia/Kolkata') AS at"
    found = reader.query(sql)
    assert found.result_rows == [(expected,)]
    assert found.result_rows[0][0].utcoffset() == expected.utcoffset()
    assert [kind.name for kind in found.column_types] == ["DateTime('Asia/Kolkata')"]
    with reader.query_rows_stream(sql) as rows:
        assert list(rows) == [(expected,)]


def test_clickhouse_connect_reads_the_later_dialect(server):
    """Both its clients find out that the front speaks it, and read many rows and none in it."""
    many, none = "SELECT number, toString(number) AS text FROM numbers(200000)", "SELECT 1 AS one WHERE 0"
    client = server.client("reader")
    assert client.protocol_version == 54405
    assert client.query(many).result_rows[-1] == (199_999, "199999")
    client.close()

    async def read():
        options = {"username": "reader", "password": server.passwords["reader"]}
        async with await clickhouse_connect.get_async_client(host="127.0.0.1", port=server.port, **options) as client:
            return await asyncio.gather(client.query(many), client.query(none), client.query(many))

    first, empty, second = asyncio.run(read())
    assert first.result_rows == second.result_rows == [(number, str(number)) for number in range(200_000)]
    assert (empty.column_names, empty.result_rows) == (("one",), [])


@given(
    st.lists(st.tuples(st.integers(1, 1 << 40), st.lists(st.binary(max_size=40), min_size=2, max_size=2)), max_size=4)
)
def test_the_bytes_of_a_column_pass_untouched(blocks):
    """Whatever the engine wrote into its columns, block by block, and however many rows it says there are."""
    dialect = Dialect([Column("a", "String"), Column("b", "Date")], 54460)
    heads = (text("a") + text("String") + FLAG, text("b") + text("Date") + FLAG)
    expected = b"".join(
        INFO + b"\x02" + leb128(rows) + heads[0] + columns[0] + heads[1] + columns[1] for rows, columns in blocks
    )
    assert dialect.blocks(buffers(*blocks)) == expected


def leb128(number):
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


@pytest.mark.parametrize("cut", [1, 7, 15, 17, 24, 26])
def test_a_block_that_is_cut_off_is_no_answer(cut):
    """Bytes that are not whole blocks never become rows."""
    whole = buffers((1, [b"\x07", b"\x01\x00"]))
    with pytest.raises((ValueError, struct.error)):
        Dialect([Column("a", "UInt8"), Column("b", "Date")], 54460).blocks(whole[:-cut])


def test_columns_that_nobody_described_are_no_answer():
    """A block of other columns than the result's is a fault, never a shifted table."""
    with pytest.raises(ValueError, match="argument"):
        Dialect([Column("a", "UInt8")], 54460).blocks(buffers((1, [b"\x07", b"\x07"])))


def test_a_state_is_refused_only_where_it_is_one():
    """A sum that a table keeps as a plain number is read."""
    Dialect([Column("a", "SimpleAggregateFunction(sum, UInt64)")], 54460)
    with pytest.raises(EngineError, match="column 1 `a`"):
        Dialect([Column("a", "Array(AggregateFunction(sum, UInt64))")], 54460)


BACKED_UP = "Enum8('CREATING_BACKUP' = 0, 'BACKUP_CREATED' = 1"


@pytest.fixture(scope="module")
def tell(server):
    """One request of the writer's, in a revision of Native."""

    def run(sql, revision=54460, more=""):
        return server.post(
            sql.encode(), DRIVER.replace("54460", str(revision)) + more, **{"Accept-Encoding": "identity"}
        )

    server.post(b"DROP TABLE IF EXISTS told")
    assert server.post(b"CREATE TABLE told (term UInt8) ENGINE = MergeTree ORDER BY term")[0] == 200
    yield run
    server.post(b"DROP TABLE told")


@pytest.mark.parametrize(("revision", "info", "flag"), [(0, b"", b""), (54405, INFO, b""), (54460, INFO, FLAG)])
@pytest.mark.parametrize("written", ["", "\nFORMAT Native", " FORMAT Native; -- a note"])
def test_what_a_command_tells_is_in_the_clients_revision(tell, revision, info, flag, written):
    """A backup's id and state reach Grafana's driver and clickhouse-connect as a question's answer would."""
    status, headers, body = tell(
        f"BACKUP TABLE loanstream.told TO Memory('b{revision}{len(written)}'){written}", revision
    )
    assert (status, headers["x-clickhouse-format"]) == (200, "Native"), body
    assert body.startswith(info + b"\x02\x01" + text("id") + text("String") + flag + b"\x24")
    kind, state = text("status") + leb128(len(_enum(body))) + _enum(body) + flag, b"\x01"
    assert BACKED_UP.encode() in kind
    assert body.endswith(kind + state)


def _enum(body):
    return body[body.index(b"Enum8(") : body.rindex(b")") + 1]


@pytest.mark.parametrize("revision", [0, 54405, 54460])
@pytest.mark.parametrize(
    "command",
    [
        "ALTER TABLE told ADD COLUMN IF NOT EXISTS bank String",
        "ALTER TABLE told ADD COLUMN IF NOT EXISTS bank String FORMAT Native",
        "KILL QUERY WHERE 0",
        "OPTIMIZE TABLE told",
        "INSERT INTO told (term) SELECT 1",
    ],
)
def test_a_command_that_tells_nothing_has_no_body(tell, revision, command):
    """A client tells by the missing format that there is nothing to read."""
    status, headers, body = tell(command, revision)
    assert (status, headers.get("x-clickhouse-format"), body) == (200, None, b"")


def test_a_command_runs_once(tell, server):
    """Whichever format its answer is asked in, rows that a command writes are written once."""
    for revision in (0, 54460):
        server.post(b"TRUNCATE TABLE told")
        assert tell("INSERT INTO told (term) SELECT number FROM numbers(3)", revision)[0] == 200
        assert server.post(b"SELECT count() FROM told")[2] == b"3\n"
