"""Who may do what in the embedded warehouse."""

import urllib.error
import urllib.request

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

REFUSED = {
    "insert": "INSERT INTO loans VALUES (1)",
    "insert with data": "INSERT INTO loans FORMAT CSV\n1\n",
    "create": "CREATE TABLE more (a UInt8) ENGINE = Memory",
    "temporary table": "CREATE TEMPORARY TABLE more (a UInt8)",
    "drop": "DROP TABLE loans",
    "alter": "ALTER TABLE loans DELETE WHERE 1",
    "truncate": "TRUNCATE TABLE loans",
    "optimize": "OPTIMIZE TABLE loans",
    "system": "SYSTEM FLUSH LOGS",
    "kill": "KILL QUERY WHERE 1",
    "use": "USE system",
    "set": "SET max_threads = 1",
    "settings": "SELECT 1 SETTINGS max_threads = 1",
    "unset readonly": "SELECT 1 SETTINGS readonly = 0",
    "outfile": "SELECT 1 INTO OUTFILE 'loans.csv'",
    "file table": "SELECT * FROM file('/etc/hostname', 'LineAsString')",
    "file scalar": "SELECT file('/etc/hostname')",
    "file in a lambda": "SELECT arrayMap(path -> FILE(path), ['/etc/hostname'])",
    "file quoted": "SELECT * FROM `fil\\x65`('/etc/hostname', 'LineAsString')",
    "file after a comment": "SELECT file /* ' */ ('/etc/hostname')",
    "file in a subquery": "WITH f AS (SELECT * FROM file('/etc/hostname')) SELECT * FROM f",
    "describe file": "DESCRIBE TABLE file('/etc/passwd', 'LineAsString')",
    "explain file": "EXPLAIN SELECT * FROM file('/etc/hostname')",
    "a file by its name": "SELECT * FROM default.`/etc/hostname`",
    "filesystem": "SELECT * FROM filesystem('/')",
    "url": "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "remote": "SELECT * FROM remote('127.0.0.1:1', 'system.one')",
    "s3": "SELECT * FROM s3('http://127.0.0.1:1/b/k', 'CSV')",
    "mysql": "SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')",
    "executable": "SELECT * FROM executable('ls', 'TSV', 'a String')",
    "python": "SELECT * FROM Python(os)",
    "eval": "SELECT * FROM eval('SELECT 1')",
    "grant": "GRANT SELECT ON *.* TO reader",
    "backup": "BACKUP DATABASE loanstream TO Disk('a', 'b')",
}


@pytest.fixture(scope="module", autouse=True)
def loans(server):
    client = server.client()
    client.command("CREATE TABLE loans (term UInt8) ENGINE = MergeTree ORDER BY term")
    client.command("INSERT INTO loans VALUES (12)")
    yield
    client.command("DROP TABLE loans")
    client.close()


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED)
def test_a_reader_is_refused(server, statement):
    """A reader changes nothing, sets nothing and reaches nothing outside the warehouse."""
    status, headers, body = server.post(statement.encode(), user="reader")
    assert (status, headers["x-clickhouse-exception-code"]) == (403, "164"), body
    assert server.post(b"SELECT term FROM loans", user="reader")[2] == b"12\n"


@pytest.mark.parametrize("setting", ["readonly=0", "max_memory_usage=0", "async_insert=1", "max_threads=8"])
def test_a_reader_sets_only_what_is_on_its_list(server, setting):
    """A setting in the URL that is not on the reader's list is refused."""
    assert server.post(b"SELECT 1", setting, user="reader")[1]["x-clickhouse-exception-code"] == "164"


def test_a_reader_gets_its_limits(server):
    """A reader may ask for less time, never for more."""
    limit = b"SELECT getSetting('max_execution_time')"
    assert server.post(limit, "max_execution_time=5", user="reader")[2] == b"5\n"
    assert server.post(limit, "max_execution_time=5000", user="reader")[2] == b"30\n"
    assert server.post(limit, "max_execution_time=0", user="reader")[2] == b"30\n"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'file(' || format('{}', 1)",
        "SHOW TABLES",
        "DESCRIBE TABLE loans",
        "EXPLAIN SELECT 1",
        "SELECT * FROM numbers(1)",
    ],
)
def test_a_reader_reads(server, statement):
    """What only reads this warehouse is served."""
    assert server.post(statement.encode(), user="reader")[0] == 200


def test_a_reader_is_told_by_the_client_that_it_is_one(reader):
    """clickhouse-connect works for a reader, with compression."""
    assert reader.query("SELECT term FROM loans").result_rows == [(12,)]
    assert reader.compression


def test_get_only_reads(server):
    """A GET never changes anything, whoever sends it."""
    url = f"{server.url}/?user=writer&password={server.passwords['writer']}&query="
    assert urllib.request.urlopen(url + "SELECT+1").read() == b"1\n"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url + "DROP+TABLE+loans")


@pytest.mark.parametrize(
    ("user", "password"),
    [("reader", "wrong"), ("writer", None), ("nobody", "x"), ("default", "")],
    ids=["wrong", "another's", "unknown", "the engine's own"],
)
def test_a_wrong_password_is_refused(server, user, password):
    """Unknown users and wrong passwords get 516 and 403, and learn nothing else."""
    password = server.passwords["reader"] if password is None else password
    with pytest.raises(DatabaseError, match="code: 516"):
        server.client(user, password=password)
    status, _, body = server.post(b"SELECT 1", user=user, **{"X-ClickHouse-Key": password})
    assert status == 403
    assert b"the user or the password is wrong" in body


CANARY = "Jane-Canary-4711"


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT toUInt8('{CANARY}')",
        f"SELECT toUInt8(name) FROM (SELECT '{CANARY}' AS name)",
        f"SELECT term FROM nowhere WHERE name = '{CANARY}'",
        f"SELECT nothing FROM loans WHERE toString(term) = '{CANARY}'",
        f"SELECT term FROM loans WHERE '{CANARY}",
        f"SELEC '{CANARY}'",
        f"SELECT throwIf(1, '{CANARY}')",
        f"INSERT INTO loans VALUES ('{CANARY}')",
        f"INSERT INTO loans FORMAT CSV\n{CANARY}\n",
        f'INSERT INTO loans FORMAT JSONEachRow\n{{"term": "{CANARY}"}}',
        f"INSERT INTO loans FORMAT Native\n{CANARY}",
        f"SELECT CAST('{CANARY}' AS Enum8('a' = 1))",
        f"SELECT toDecimal32('{CANARY}', 2)",
        f"SELECT JSONExtractString('{CANARY}', 1, '{CANARY}') + 1",
        f"SELECT plus('{CANARY}', 1)",
        f"SELECT * FROM loans WHERE term = '{CANARY}'",
        f"SELECT substring('{CANARY}')",
        f"SELECT tuple('{CANARY}').7",
        f"SELECT dictGet('{CANARY}', 'a', 1)",
        f"SELECT parseDateTime('{CANARY}', '%Y')",
    ],
)
def test_an_error_says_no_value(server, statement):
    """An error's text names the code and the schema; a value of the data or the statement is in neither text nor log."""
    status, headers, body = server.post(statement.encode())
    assert status >= 400, body
    assert headers["x-clickhouse-exception-code"].isdecimal()
    assert CANARY.encode() not in body
    assert CANARY not in server.log.read_text()


def test_a_parameter_that_does_not_fit_is_not_repeated(server):
    """A parameter of the wrong type is refused without its value."""
    status, _, body = server.post(b"SELECT {term:UInt8}", f"param_term={CANARY}")
    assert status == 400
    assert CANARY.encode() not in body
