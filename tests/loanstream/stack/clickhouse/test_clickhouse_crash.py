"""What the embedded warehouse has acknowledged, it has."""

import os
import resource
import shutil
import subprocess
import sys
import threading
import time

import pytest
from clickhouse_connect.driver.exceptions import Error

from schemas.problem import Problem

CREATE = (
    "CREATE TABLE loans (batch UInt32, row UInt32, filler String MATERIALIZED randomString({filler})) "
    "ENGINE = MergeTree ORDER BY (batch, row) SETTINGS non_replicated_deduplication_window = 1000"
)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 MiB of its own."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", tmp_path], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


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
    server.kill()
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


def test_without_its_reserve_the_warehouse_stores_nothing(start, tmp_path):
    """While the disk has no room for the reserve, inserts are errors that say so, and reading goes on."""
    server = start(tmp_path)
    server.client().command(CREATE.format(filler=10))
    server.client().insert("loans", [[1, 1]], column_names=["batch", "row"])
    server.kill()
    (tmp_path / "reserve").unlink()
    full = start(tmp_path, reserve_bytes=shutil.disk_usage(tmp_path).free * 2)
    with pytest.raises(Error, match="code: 243"):
        full.client().insert("loans", [[2, 1]], column_names=["batch", "row"])
    assert full.client().query("SELECT batch, row FROM loans").result_rows == [(1, 1)]


def test_a_full_disk_can_be_emptied_again(start, small_disk):
    """On a full disk acknowledged batches are there, the others are not, and TRUNCATE makes room for more."""
    client = start(small_disk / "warehouse", reserve_bytes=16 << 20).client()
    client.command(CREATE.format(filler=2000))
    stored, refused = [], []
    for batch in range(20):
        try:
            client.insert("loans", [[batch, row] for row in range(2000)], column_names=["batch", "row"])
            stored.append(batch)
        except Error as error:
            refused.append(str(error))
    assert stored
    assert refused
    assert all("code: 243" in text for text in refused)
    read = "SELECT batch FROM loans GROUP BY batch HAVING uniqExact(filler) = 2000 ORDER BY batch"
    assert [batch for (batch,) in client.query(read).result_rows] == stored
    client.command("TRUNCATE TABLE loans")
    client.command("SYSTEM WAIT LOADING PARTS loans")
    for _ in range(600):
        try:
            client.insert("loans", [[99, 1]], column_names=["batch", "row"])
            break
        except Error:
            time.sleep(0.1)
    assert client.query("SELECT batch, row FROM loans").result_rows == [(99, 1)]


def test_a_write_that_fails_unnoticed_is_not_acknowledged(start, tmp_path):
    """A part that the disk cut short is an error and is gone; the same batch, sent again under its token, is stored."""
    server = start(tmp_path)
    client = server.client(autogenerate_session_id=False)
    client.command(CREATE.format(filler=2000))
    client.insert("loans", [[1, row] for row in range(100)], column_names=["batch", "row"])

    def send() -> None:
        batch = [[2, row] for row in range(3000)]
        client.insert("loans", batch, column_names=["batch", "row"], settings={"insert_deduplication_token": "batch-2"})

    unlimited = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (2 << 20, unlimited[1]))
    with pytest.raises(Error, match="code: 243"):
        send()
    read = "SELECT batch, count(), uniqExact(filler) FROM loans GROUP BY batch ORDER BY batch"
    assert client.query(read).result_rows == [(1, 100, 100)]
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, unlimited)
    send()
    send()
    assert client.query(read).result_rows == [(1, 100, 100), (2, 3000, 3000)]


def test_a_limit_on_file_sizes_is_refused_at_start(tmp_path):
    """Where files may not grow, the warehouse does not start, and says which limit it is."""
    command = f"ulimit -f 2048 && exec {sys.executable} -m loanstream.stack.clickhouse --data {tmp_path} --port 1"
    passwords = {f"LOANSTREAM_WAREHOUSE_{user}_PASSWORD": "x" for user in ("WRITER", "READER")}
    ended = subprocess.run(
        ["sh", "-c", command], check=False, env=os.environ | passwords, capture_output=True, text=True, timeout=30
    )
    assert (ended.returncode, "RLIMIT_FSIZE" in ended.stderr) == (2, True)


def test_sigterm_ends_the_process_with_zero(start, tmp_path):
    """SIGTERM stops the warehouse at once, with exit code 0, even under a statement that would run for hours."""
    server = start(tmp_path)
    endless = threading.Thread(target=_ignore_the_end, args=(server,), daemon=True)
    endless.start()
    while server.post(b"SELECT count() FROM system.processes")[2] != b"2\n":
        pass
    assert server.stop() == 0


def test_a_directory_in_use_is_refused_in_one_line(start, tmp_path):
    """A second warehouse on the same directory ends with one line that says so."""
    start(tmp_path)
    with pytest.raises(Problem, match="cannot open the warehouse"):
        start(tmp_path)
    assert "Traceback" not in (tmp_path / "warehouse.log").read_text()


def _ignore_the_end(server) -> None:
    try:
        server.post(b"SELECT sum(sipHash64(number)) FROM numbers(100000000000)")
    except OSError:
        return
