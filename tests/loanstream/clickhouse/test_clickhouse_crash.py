"""What the embedded warehouse has acknowledged, it has."""

import signal
import threading

import pytest
from clickhouse_connect.driver.exceptions import Error

CREATE = (
    "CREATE TABLE loans (batch UInt32, row UInt32, filler String MATERIALIZED randomString({filler})) "
    "ENGINE = MergeTree ORDER BY (batch, row) SETTINGS non_replicated_deduplication_window = 1000"
)


def test_a_killed_warehouse_keeps_every_acknowledged_row(start, tmp_path):
    """After kill -9 under load, each acknowledged batch is there, whole and once."""
    server = start(tmp_path)
    server.client().command(CREATE.format(filler=10))
    acknowledged, enough = [], threading.Event()

    def write(first: int) -> None:
        client = server.client(autogenerate_session_id=False)
        for batch in range(first, first + 1_000_000):
            try:
                client.insert("loans", [[batch, row] for row in range(200)], column_names=["batch", "row"])
            except (Error, OSError):
                return
            acknowledged.append(batch)
            if len(acknowledged) >= 20:
                enough.set()

    writers = [threading.Thread(target=write, args=(number * 1_000_000,)) for number in range(3)]
    for writer in writers:
        writer.start()
    assert enough.wait(60)
    server.process.kill()
    server.process.wait()
    for writer in writers:
        writer.join()

    again = start(tmp_path)
    counts = dict(
        again.client()
        .query("SELECT batch, uniqExact(row) = 200 AND count() = 200 FROM loans GROUP BY batch")
        .result_rows
    )
    assert set(acknowledged) <= set(counts)
    assert all(counts.values()), "a batch is stored in part or twice"


def test_a_full_disk_fails_the_insert_and_nothing_else(start, tmp_path):
    """When the disk takes no more, the insert is an error, stores nothing, and the warehouse goes on."""
    server = start(tmp_path, file_bytes=2 << 20)
    client = server.client()
    client.command(CREATE.format(filler=2000))
    client.insert("loans", [[1, row] for row in range(100)], column_names=["batch", "row"])
    with pytest.raises(Error):
        client.insert("loans", [[2, row] for row in range(5000)], column_names=["batch", "row"])
    assert client.query("SELECT batch, count() FROM loans GROUP BY batch").result_rows == [(1, 100)]
    client.insert("loans", [[3, 1]], column_names=["batch", "row"])
    assert client.command("SELECT count() FROM loans") == 101


def test_sigterm_ends_the_process_with_zero(start, tmp_path):
    """SIGTERM stops the warehouse at once, with exit code 0, even under a statement that would run for hours."""
    server = start(tmp_path)
    endless = threading.Thread(target=_ignore_the_end, args=(server,), daemon=True)
    endless.start()
    while server.post(b"SELECT count() FROM system.processes")[2] != b"2\n":
        pass
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0


def test_a_directory_in_use_is_refused_in_one_line(start, tmp_path):
    """A second warehouse on the same directory ends with one line that says so."""
    start(tmp_path)
    with pytest.raises(AssertionError, match="cannot open the warehouse") as refusal:
        start(tmp_path)
    assert "Traceback" not in str(refusal.value)


def _ignore_the_end(server) -> None:
    try:
        server.post(b"SELECT sum(sipHash64(number)) FROM numbers(100000000000)")
    except OSError:
        return
