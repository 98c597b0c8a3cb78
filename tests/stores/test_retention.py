"""How long rows are kept: on an engine of these tests' own, for a TTL takes what other tests put in."""

import time

import pytest

from loanstream.doctor import look_at
from loanstream.install import retention
from loanstream.install.retention import wanted_of
from loanstream.installation import Installation
from loanstream.settings import SettingProblem, load
from stores.warehouse.migrate import migrate
from stores.warehouse.retention import MOMENTS, RETENTIONS, by_table, changes, held, told

COUNTING = {"count_hours": "decisions_by_log", "mark_counted": "hours_counted"}
"""Views that are refreshed by themselves -> what they fill. Here they run when a test says so, and not in between."""

FOR_EVER = dict.fromkeys(RETENTIONS)
DECISION = """
INSERT INTO loanstream.decisions_log
    (tenant, application_id, revision, decision_id, outcome, accepted_at, p_model, p_calibrated, score_final, kafka_topic, kafka_offset)
SELECT 'bank-a', concat('{prefix}', toString(number)), 1, 'd', 'approve', now64(3) - toIntervalDay({days}), 0.5, 0.5, 0.5,
    'loan.decisions.v1.bank-a', {offset} + number
FROM numbers({count})
"""


class Here:
    """As much of an installation as retention asks of one."""

    def __init__(self, server):
        self._server = server

    def warehouse_writer(self, **options):
        return self._server.client()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse

    with EmbeddedWarehouse(tmp_path_factory.mktemp("retention")) as started:
        client = started.client()
        migrate(client)
        for view in COUNTING:
            client.command(f"SYSTEM STOP VIEW loanstream.{view}")
        client.close()
        yield started


@pytest.fixture
def client(warehouse):
    """A client; every table is empty and keeps rows for ever."""
    client = warehouse.client()
    for (name,) in client.query(
        "SELECT name FROM system.tables WHERE database = 'loanstream' AND engine LIKE '%MergeTree' AND name != 'migrations'"
    ).result_rows:
        client.command(f"TRUNCATE TABLE loanstream.{name}")
    retention.make(Here(warehouse), FOR_EVER)
    yield client
    client.close()


def decide(client, days, count, prefix="a-", offset=0):
    client.command(DECISION.format(days=days, count=count, prefix=prefix, offset=offset))


def counted(client):
    """Count every hour, as the views that are refreshed do by themselves ten minutes after its last row."""
    client.command(
        "ALTER TABLE loanstream.hours_touched UPDATE at = at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"
    )
    client.command(
        "INSERT INTO loanstream.hours_touched SELECT hour, at - INTERVAL 1 HOUR FROM loanstream.hours_touched"
    )
    for view, table in COUNTING.items():
        sql = client.query(f"SELECT as_select FROM system.tables WHERE database = 'loanstream' AND name = '{view}'")
        client.command(f"INSERT INTO loanstream.{table} {sql.first_row[0]}")


def decisions(client):
    return client.query("SELECT sum(decisions) FROM loanstream.decisions_in_all").first_row[0]


def rows(client, table="decisions_log"):
    return client.query(f"SELECT count() FROM loanstream.{table}").first_row[0]


def until(look, wanted):
    """What `look` gives once it is as wanted, or at last: within ten seconds."""
    end = time.monotonic() + 10
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    return found


def test_without_settings_service_metrics_alone_go():
    """Decisions, their evidence and their figures are kept for ever, as replay and audits need them."""
    assert wanted_of(load({})) == FOR_EVER | {"metrics": 90}


def test_each_retention_has_its_setting():
    """Whoever adds one to the table adds the variable that sets it."""
    for name in RETENTIONS:
        days = {f"LOANSTREAM_RETENTION_{name.upper()}_DAYS": "400"}
        rest = {f"LOANSTREAM_RETENTION_{one.upper()}_DAYS": "300" for one in ("decisions", "monitoring")}
        assert wanted_of(load(rest | days))[name] == 400


@pytest.mark.parametrize("found", ["0", "-1", "a year", "36501", "1.5"])
def test_a_retention_is_a_number_of_days(found):
    """What is no number of days stops the start, and the line says what is expected."""
    with pytest.raises(SettingProblem, match=r"LOANSTREAM_RETENTION_DECISIONS_DAYS is .*; expected 1 to 36500 days"):
        load({"LOANSTREAM_RETENTION_DECISIONS_DAYS": found})


@pytest.mark.parametrize("given", [{}, {"DECISIONS": "400", "MONITORING": "30"}, {"DECISIONS": "30"}])
def test_figures_outlive_what_they_are_counted_of(given):
    """A figure that went while its decisions are there would be told as none."""
    environment = {f"LOANSTREAM_RETENTION_{name}_DAYS": days for name, days in (given | {"FIGURES": "365"}).items()}
    with pytest.raises(SettingProblem, match="LOANSTREAM_RETENTION_FIGURES_DAYS is 365, and LOANSTREAM_RETENTION_"):
        wanted_of(load(environment))


def test_every_table_with_a_moment_has_a_retention(client):
    """A new log is kept for a time that somebody thought of."""
    exempt = {"activations_log", "decision_keys_log", "decision_repeats_log", "deciders_log"}
    there = client.query(
        "SELECT name FROM system.tables WHERE database = 'loanstream' AND endsWith(name, '_log')"
    ).result_columns[0]
    assert set(there) - exempt <= set(MOMENTS)


def test_it_is_set_once_and_changed_and_taken_away(warehouse, client):
    """A second run finds nothing to do; without the setting rows are kept for ever again."""
    wanted = FOR_EVER | {"metrics": 90, "decisions": 400}
    assert len(retention.planned(Here(warehouse), wanted)) == len(changes(client, wanted)) == 7
    retention.make(Here(warehouse), wanted)
    assert {table: days for table, days in by_table(wanted).items() if table in held(client)} == held(client)
    assert retention.planned(Here(warehouse), wanted) == []
    assert "service_metrics_log 90 days (metrics)" in list(told(held(client)))
    retention.make(Here(warehouse), wanted | {"metrics": 30})
    assert held(client)["service_metrics_log"] == 30
    retention.make(Here(warehouse), FOR_EVER)
    assert set(held(client).values()) == {None}


def test_a_ttl_of_somebody_elses_is_replaced(warehouse, client):
    """What the warehouse does is what settings say, whoever set something else."""
    client.command("ALTER TABLE loanstream.outcomes_log MODIFY TTL toDateTime(at) + INTERVAL 1 YEAR")
    assert "outcomes_log by a TTL that is not of our form (decisions)" in list(told(held(client)))
    assert retention.planned(Here(warehouse), FOR_EVER) == ["keep outcomes_log for ever"]
    retention.make(Here(warehouse), FOR_EVER)
    assert held(client)["outcomes_log"] is None


def test_the_plan_says_how_many_rows_go(warehouse, client):
    """Whoever is asked knows what is lost for good."""
    decide(client, days=100, count=7)
    counted(client)
    assert "keep decisions_log 90 days; 7 rows are older, and go for good" in retention.planned(
        Here(warehouse), FOR_EVER | {"decisions": 90}
    )


def test_old_rows_go_and_their_figures_stay(warehouse, client):
    """Of an applicant nothing is left, and the figures are what they were; a late record of that time alters none."""
    decide(client, days=100, count=30)
    decide(client, days=10, count=20, prefix="b-", offset=100)
    counted(client)
    assert decisions(client) == 50
    retention.make(Here(warehouse), FOR_EVER | {"decisions": 90})
    assert until(lambda: rows(client), 20) == 20
    assert decisions(client) == 50
    decide(client, days=100, count=1, prefix="late-", offset=200)
    assert decisions(client) == 50
    counted(client)
    assert decisions(client) == 50


def test_a_late_record_of_an_hour_that_is_kept_is_counted(warehouse, client):
    """Only hours whose rows may be gone are settled."""
    decide(client, days=10, count=20)
    counted(client)
    retention.make(Here(warehouse), FOR_EVER | {"decisions": 90})
    decide(client, days=10, count=1, prefix="late-", offset=200)
    assert decisions(client) == 21


def test_rows_wait_until_their_figures_are_counted(warehouse, client):
    """An upgrade with years of rows loses no figure: what is not counted yet is kept, and install says so."""
    decide(client, days=100, count=30)
    wanted = FOR_EVER | {"decisions": 90}
    assert retention.planned(Here(warehouse), wanted) != []
    assert not any("decisions_log" in line for line in retention.planned(Here(warehouse), wanted))
    [line] = retention.waiting(Here(warehouse), wanted)
    assert line.startswith("decisions_log keeps its rows for now: 1 hours of what would go are not counted yet")
    retention.make(Here(warehouse), wanted)
    assert rows(client) == 30
    counted(client)
    assert retention.waiting(Here(warehouse), wanted) == []
    retention.make(Here(warehouse), wanted)
    assert until(lambda: rows(client), 0) == 0
    assert decisions(client) == 30


def test_projections_go_with_their_rows(warehouse, client):
    """What the figures read beside a table holds nothing that the table does not."""
    decide(client, days=100, count=30)
    decide(client, days=80, count=10, prefix="b-", offset=100)
    counted(client)
    retention.make(Here(warehouse), FOR_EVER | {"decisions": 90})
    assert until(lambda: rows(client), 10) == 10
    sql = "SELECT count() FROM (SELECT hour, tenant, accepted_at FROM loanstream.decisions_log WHERE hour > 0)"
    assert client.query(sql, settings={"force_optimize_projection": 1}).first_row[0] == 10


def test_the_doctor_says_what_holds_and_what_should(warehouse, client):
    """A warehouse that keeps rows for another time than settings say is wrong, and the line says both."""
    settings = {
        "LOANSTREAM_WAREHOUSE_URL": warehouse.url,
        "LOANSTREAM_WAREHOUSE_READER_PASSWORD": warehouse.passwords["reader"],
        "LOANSTREAM_RETENTION_LETTERS_DAYS": "200",
    }
    here = Installation(load(settings))
    letters = "keep dead_letters_log 200 days; keep letters_handled_log 200 days"
    differs = f"{letters}; keep service_metrics_log 90 days (kept now: every row for ever)"
    assert look_at.retention(here) == (False, differs)
    retention.make(Here(warehouse), wanted_of(load(settings)))
    assert look_at.retention(here) == (
        True,
        "dead_letters_log 200 days (letters); letters_handled_log 200 days (letters); service_metrics_log 90 days (metrics)",
    )
