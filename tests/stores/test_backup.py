"""The warehouse lost and restored, on the real engine."""

import shutil

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
from schemas.problem import Problem
from stores.warehouse.backup import back_up, restore
from stores.warehouse.client import connect
from stores.warehouse.migrate import migrate, pending

ROWS = """
INSERT INTO loanstream.decisions_log
    (tenant, application_id, revision, decision_id, outcome, accepted_at, p_model, p_calibrated, score_final, event,
     kafka_topic, kafka_partition, kafka_offset)
SELECT 'bank-a', concat('a-', toString(number)), 1, 'd', 'approve', now64(3) - toIntervalMinute(number), 0.5, 0.5, 0.5,
    '{{}}', 'loan.decisions.v1.bank-a', 0, {offset} + number
FROM numbers({count})
"""
OUTCOMES = """
INSERT INTO loanstream.outcomes_log (tenant, application_id, revision, kind, repayment, kafka_topic, kafka_offset, kafka_timestamp)
SELECT 'bank-a', concat('a-', toString(number)), 1, 'repayment', 'current', 'loan.outcomes.v1.bank-a', number, now64(3)
FROM numbers({first}, {count})
"""
DECIDED = "SELECT DISTINCT application_id, outcome, decided_at FROM loanstream.outcomes_decided ORDER BY ALL"
TABLES = "SELECT name FROM system.tables WHERE database = 'loanstream' AND engine LIKE '%MergeTree' ORDER BY name"
FOLLOWING = {
    "hours_touched": "SELECT DISTINCT hour",
    "decision_keys_log": "SELECT DISTINCT *",
    "decision_repeats_log": "SELECT DISTINCT *",
    "deciders_log": "SELECT tenant, bundle_id, policy_id, min(first_at) AS first_at",
}
"""What a restore makes anew, the same beside itself, and what of it is the same."""


def contents(client):
    """Table -> its rows, as a number and a hash; and the figures of all decisions."""
    found = {
        name: client.query(
            "SELECT count(), groupBitXor(cityHash64(toString(tuple(*)))) "
            f"FROM ({FOLLOWING.get(name, 'SELECT *')} FROM loanstream.{name} {'GROUP BY ALL' if name == 'deciders_log' else ''})"
        ).first_row
        for (name,) in client.query(TABLES).result_rows
    }
    figures = client.query(
        "SELECT hour, outcome, sum(decisions) FROM loanstream.decisions_in_all GROUP BY hour, outcome ORDER BY hour"
    ).result_rows
    return found, figures


def lose(server):
    """Every table with every row."""
    client = connect(server.url, "writer", server.passwords["writer"], "default")
    client.command("DROP DATABASE loanstream SYNC")
    client.command("CREATE DATABASE loanstream")
    client.close()


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "warehouse"


def test_a_lost_warehouse_is_restored_with_every_row_and_figure(directory):
    """Whoever lost the warehouse's disk and has a backup has every row, every view, and every figure again."""
    with EmbeddedWarehouse(directory) as server:
        client = server.client()
        migrate(client)
        client.command(ROWS.format(count=500, offset=0))
        client.command(ROWS.format(count=20, offset=1000))
        client.command(OUTCOMES.format(first=0, count=30))
        client.command(
            "INSERT INTO loanstream.decision_repeats_log "
            "SELECT tenant, kafka_topic, kafka_partition, kafka_offset FROM loanstream.decisions_log WHERE kafka_offset >= 1000"
        )
        before = contents(client)
        made = back_up(client, "monday")
        client.close()
    assert made.files > 50
    assert made.size > 10_000
    assert sum(row[2] for row in before[1]) == 500
    shutil.move(directory / "backups", directory.parent / "kept")
    shutil.rmtree(directory)
    directory.mkdir()
    shutil.move(directory.parent / "kept", directory / "backups")

    with EmbeddedWarehouse(directory) as server:
        client = server.client()
        assert restore(client, "monday").size == made.size
        assert pending(client) == []
        assert contents(client) == before
        client.command(ROWS.format(count=1, offset=2000))
        assert client.query("SELECT max(kafka_offset) FROM loanstream.decision_keys_log").first_row[0] == 2000
        assert client.query("SELECT count() FROM system.view_refreshes WHERE exception != ''").first_row[0] == 0
        client.close()


def test_a_second_backup_holds_what_came_since(directory):
    """A nightly backup of a large warehouse is small, and restores with the one it is based on."""
    with EmbeddedWarehouse(directory) as server:
        client = server.client()
        migrate(client)
        client.command(ROWS.format(count=5000, offset=0))
        back_up(client, "monday")
        client.command(ROWS.replace("'a-'", "'b-'").format(count=10, offset=10_000))
        before = contents(client)
        back_up(client, "tuesday", base="monday")
        sizes = {
            name: sum(file.stat().st_size for file in (directory / "backups" / name).rglob("*") if file.is_file())
            for name in ("monday", "tuesday")
        }
        assert sizes["tuesday"] < sizes["monday"]
        lose(server)
        restore(client, "tuesday")
        assert contents(client) == before
        client.close()


def test_what_a_batch_lacked_in_the_backup_is_made_anew(directory):
    """A batch that came while the backup was made is counted, and a repeat of it is known as one."""
    with EmbeddedWarehouse(directory) as server:
        client = server.client()
        migrate(client)
        client.command(ROWS.format(count=5, offset=0))
        client.command(ROWS.format(count=5, offset=100))
        figures = contents(client)[1]
        for table in ("decision_keys_log", "hours_touched", "decision_repeats_log"):
            client.command(f"TRUNCATE TABLE loanstream.{table}")
        back_up(client, "torn")
        lose(server)
        restore(client, "torn")
        assert client.query("SELECT count() FROM loanstream.decision_keys_log").first_row[0] == 10
        assert client.query("SELECT count() FROM loanstream.decision_repeats_log").first_row[0] == 5
        assert sum(row[2] for row in contents(client)[1]) == sum(row[2] for row in figures) // 2 == 5
        client.close()


def test_outcomes_and_deciders_that_the_backup_lacks_are_made_anew(directory):
    """Each outcome stands once beside its decision again, also beside one that retention has taken since."""
    with EmbeddedWarehouse(directory) as server:
        client = server.client()
        migrate(client)
        client.command(ROWS.format(count=5, offset=0))
        client.command(OUTCOMES.format(first=0, count=3))
        client.command("ALTER TABLE loanstream.decisions_log DELETE WHERE kafka_offset = 0 SETTINGS mutations_sync = 2")
        client.command(OUTCOMES.format(first=3, count=2))
        before = client.query(DECIDED).result_rows
        client.command(
            "ALTER TABLE loanstream.outcomes_decided_log DELETE WHERE kafka_offset > 2 SETTINGS mutations_sync = 2"
        )
        client.command("TRUNCATE TABLE loanstream.deciders_log")
        back_up(client, "torn")
        lose(server)
        restore(client, "torn")
        assert client.query(DECIDED).result_rows == before
        assert client.query("SELECT count() FROM loanstream.outcomes_decided_log").first_row[0] == 5
        assert client.query(
            "SELECT tenant, min(first_at) <= now() FROM loanstream.deciders_log GROUP BY ALL"
        ).result_rows == [("bank-a", 1)]
        client.close()


def test_nothing_is_restored_over_rows(directory):
    """A restore never mixes two warehouses."""
    with EmbeddedWarehouse(directory) as server:
        client = server.client()
        migrate(client)
        back_up(client, "monday")
        with pytest.raises(Problem, match=r"the warehouse holds [0-9]+ rows; expected an empty one"):
            restore(client, "monday")
        client.close()


@pytest.mark.parametrize("name", ["", "../out", "/tmp/out", "a'b", "a b"])
def test_a_backup_stays_in_its_place(name):
    """A name leads nowhere else, and is never SQL."""
    with pytest.raises(Problem, match="a backup's name is"):
        back_up(None, name)


def test_a_reader_makes_no_backup_and_nobody_one_elsewhere(directory, tmp_path):
    """Rows leave the warehouse by its writer alone, and into its own directory alone."""
    with EmbeddedWarehouse(directory) as server:
        writer, reader = server.client(), server.client("reader")
        for statement in (
            "BACKUP DATABASE loanstream TO File('mine')",
            "RESTORE DATABASE loanstream FROM File('mine')",
        ):
            with pytest.raises(DatabaseError, match="164"):
                reader.command(statement)
        with pytest.raises(DatabaseError, match="36"):
            writer.command(f"BACKUP DATABASE loanstream TO File('{tmp_path}/elsewhere')")
        writer.close()
        reader.close()
