"""The doctor."""

import errno
import json
import os
import subprocess
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from loanstream.cli.doctor import lines
from loanstream.cli.main import main
from loanstream.doctor import look_at, machine, report, running_stack, work
from loanstream.doctor.check import AWAY, Check, look_through
from loanstream.doctor.report import run_doctor
from loanstream.install import topics as installed
from loanstream.installation import Installation
from loanstream.reach import Fault
from loanstream.settings import SETTINGS, load
from loanstream.stack import space
from loanstream.stack.layout import Layout
from loanstream.stack.probe import Page
from loanstream.tenants.book import TenantBook
from schemas.topics import TENANT_TOPICS
from stores.documents import blobs
from stores.documents.blobs import MARKER, FileBlobs
from stores.keys import KeyFiles


def _by_name(state: Path) -> dict[str, Check]:
    return {check.name: check for check in run_doctor(state)}


def test_looks_at_the_machine_without_a_stack(tmp_path: Path) -> None:
    """Without a running stack the doctor reports the machine, and that no stack runs is no fault."""
    checks = _by_name(tmp_path / "state")
    assert checks["python"].ok
    assert checks["java runtime"].ok
    assert checks["stack"].ok
    assert "loanstream up" in checks["stack"].found


@pytest.mark.parametrize("exists", [True, False])
def test_a_state_that_is_named_and_has_no_stack_is_wrong(tmp_path: Path, exists: bool) -> None:
    """An alert on the exit code hears of a stack that does not run, and of a typo, which is told as one."""
    state = tmp_path / "state"
    if exists:
        Layout(state).make()
    check = {check.name: check for check in run_doctor(state, named=True)}["stack"]
    assert (check.ok, f"no stack is running at {state}" in check.found) == (False, True)
    assert ("there is no directory" in check.found) is not exists
    assert "--state or LOANSTREAM_STATE" in check.fix


@pytest.mark.parametrize("how", ["option", "variable", "neither"])
def test_doctors_exit_code_says_whether_the_named_stack_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    """1 where a state is named, by either way; a machine without any state is looked at for itself."""
    for row in SETTINGS:
        monkeypatch.delenv(row.variable, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(report, "check_machine", lambda _: [Check("python", ok=True, found="3")])
    if how == "variable":
        monkeypatch.setenv("LOANSTREAM_STATE", str(tmp_path / "nope"))
    arguments = ["doctor", "--state", str(tmp_path / "nope")] if how == "option" else ["doctor"]
    assert main(arguments) == (0 if how == "neither" else 1)
    assert ("all is well" in capsys.readouterr().out) == (how == "neither")


@pytest.mark.parametrize(
    ("unset", "rows"),
    [
        ("LOANSTREAM_TENANTS", ["keys"]),
        ("LOANSTREAM_DOCUMENTS_URL", ["document store"]),
        ("LOANSTREAM_KEYS", ["keys"]),
        ("LOANSTREAM_WAREHOUSE_URL", ["warehouse"]),
    ],
)
def test_a_setting_that_is_not_set_is_mended_by_setting_it(tmp_path: Path, unset: str, rows: list[str]) -> None:
    """The way to mend it is that variable, whatever else the row is about."""
    found = {
        "LOANSTREAM_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "LOANSTREAM_TENANTS": "bank-a",
        "LOANSTREAM_WAREHOUSE_URL": "http://127.0.0.1:1",
        "LOANSTREAM_DOCUMENTS_URL": tmp_path.as_uri(),
        "LOANSTREAM_KEYS": str(tmp_path),
    }
    del found[unset]
    checks = {check.name: check for check in report.run_doctor_by_settings(Installation(load(found)))}
    for name in rows:
        assert not checks[name].ok
        assert checks[name].found.startswith(f"{unset} is not set; expected ")
        assert checks[name].fix == f"set {unset} as it says"


def test_a_check_that_fails_to_look_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that cannot look says so in its own line, and the others go on."""

    def broken() -> Check:
        raise OSError("no such thing")

    monkeypatch.setitem(machine.MACHINE, "memory", broken)
    checks = _by_name(tmp_path)
    assert not checks["memory"].ok
    assert "no such thing" in checks["memory"].found
    assert checks["memory"].fix
    assert checks["ports"].ok


@pytest.mark.parametrize("short_by", [1, 0])
def test_the_disk_a_start_refuses_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_by: int) -> None:
    """The doctor finds the disk too small exactly where `up` does not start."""
    free = space.STATE_NEEDS_BYTES - short_by
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert _by_name(tmp_path)["disk"].ok == (space.shortage(tmp_path) is None) == (short_by == 0)


def _describe(state: Path, **parts: object) -> Layout:
    """A state whose stack.json names parts that do not answer, and `parts`; with its keys and document store."""
    layout = Layout(state)
    layout.make()
    KeyFiles(layout.keys).make_passwords()
    FileBlobs.create(layout.documents)
    stack = {
        "kafka": {"bootstrap": "127.0.0.1:1", "security": {}},
        "warehouse": {"url": "http://127.0.0.1:1", "database": "d", "user": "u", "password": "hunter2"},
        "documents": {"url": layout.documents.as_uri()},
        "tenants": ["bank-a"],
        "processes": [{"name": "kafka", "pid": os.getpid()}, {"name": "score-0", "pid": 2**22 - 1}],
    }
    layout.ports.write_text(json.dumps({"warehouse": 1, "score-0": 1}))
    layout.stack_file.write_text(json.dumps(stack | parts))
    return layout


def _answering(monkeypatch: pytest.MonkeyPatch, **found: list[str]) -> None:
    """Kafka answers: of topics without an offset, unread ones and partitions that stand still it tells what is found."""
    monkeypatch.setattr(look_at, "kafka_fault", lambda _: None)
    monkeypatch.setattr(look_at, "sight_fault", lambda _: None)
    monkeypatch.setattr(look_at.grants, "is_guarded", lambda _: False)
    monkeypatch.setattr(work.installed, "not_installed", lambda *_: found.get("not_installed", []))
    monkeypatch.setattr(work.installed, "without_offset", lambda *_: found.get("without_offset", []))
    monkeypatch.setattr(work.served, "unread", lambda _: found.get("unread", []))
    monkeypatch.setattr(work, "standing_still", lambda _: iter(found.get("still", [])))


def test_finds_the_dead_parts_of_a_stack(tmp_path: Path) -> None:
    """Of a stack whose parts do not answer, each is a line that names its log; what needs them is not well either."""
    _describe(tmp_path)
    checks = _by_name(tmp_path)
    assert "score-0" in checks["processes"].found
    for name in ("kafka", "warehouse", "score-0"):
        assert not checks[name].ok
        assert ".log" in checks[name].fix
    assert "hunter2" not in str(checks)


NEED = {
    "kafka": {"operator"},
    "operator": {"topics", "rights", "readers", "progress", "brokers' clocks"},
    "warehouse": {"warehouse reader", "reader's limits", "figures", "retention", "refusals"},
}


def test_what_needs_kafka_is_not_looked_at_where_kafka_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that is down is asked once; every line that needs it says so, and gives no advice of its own."""
    _describe(tmp_path)
    asked = []
    monkeypatch.setattr(look_at, "kafka_fault", lambda _: asked.append(1) or Fault("no answer", ("A",)))
    checks = _by_name(tmp_path)
    assert len(asked) == 1
    said = {"kafka": "not looked at: Kafka is away", "warehouse": "not looked at: the warehouse is away"}
    needs = {"kafka": NEED["kafka"] | NEED["operator"], "warehouse": NEED["warehouse"]}
    for part, names in needs.items():
        assert checks[part].looked
        assert {name for name, check in checks.items() if check.found == said[part]} == names
        assert {(checks[name].ok, checks[name].looked, checks[name].fix) for name in names} == {(False, False, "")}


@pytest.mark.parametrize("rows", [running_stack.ROWS, report.BY_SETTINGS], ids=["a stack", "settings"])
def test_an_operator_who_may_not_see_is_told_so(rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is called absent, late or well that he may not see: one red line, and what needs his sight is not green."""
    monkeypatch.setattr(look_at, "kafka_fault", lambda _: None)
    monkeypatch.setattr(look_at, "operator", lambda _: None)
    monkeypatch.setattr(look_at, "sight_fault", lambda _: Fault("the operator may not see topic loan.x", ("A",)))
    here = SimpleNamespace(bootstrap="b:1")
    checks = {check.name: check for check in look_through({name: rows[name] for name in LOOKED}, here, PLACES)}
    assert (checks["operator"].ok, checks["operator"].found) == (False, "the operator may not see topic loan.x")
    assert {(checks[name].ok, checks[name].found) for name in NEED["operator"]} == {
        (False, "not looked at: the operator may not see it")
    }


LOOKED = ("kafka", "operator", "topics", "rights", "readers", "progress", "brokers' clocks")
PLACES = {"state": "S", "logs": "L", "keys": "K"}


@pytest.mark.parametrize("rows", [running_stack.ROWS, report.BY_SETTINGS], ids=["a stack", "settings"])
def test_a_row_is_behind_the_one_it_needs(rows) -> None:
    """Both tables know the same of who needs whom, and every part that is needed has words for its absence."""
    names = list(rows)
    assert {name for name, row in rows.items() if row.needs} == set.union(*NEED.values())
    for name, row in rows.items():
        assert row.needs is None or (row.needs in AWAY and names.index(row.needs) < names.index(name))


def test_every_row_of_a_stack_says_how_to_mend_it(tmp_path: Path) -> None:
    """Whatever is wrong with a stack, the line has what to do, with the paths of that state."""
    _describe(tmp_path)
    checks = _by_name(tmp_path)
    seen = [checks[name] for name in running_stack.ROWS if checks[name].looked]
    assert all(check.fix and "{" not in check.fix for check in seen)


def test_tells_a_few_topics_and_how_many_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Topics that are not as they should be are told by name, of many the first three and their number."""
    _describe(tmp_path)
    lines = [f"topic {number} is absent" for number in range(12)]
    _answering(monkeypatch)
    monkeypatch.setattr(look_at.installed, "newest_stamps", lambda *_: {})
    monkeypatch.setattr(look_at.installed, "differences", lambda *_: lines)
    check = _by_name(tmp_path)["topics"]
    assert (check.ok, check.found) == (
        False,
        "topic 0 is absent; topic 1 is absent; topic 2 is absent; and 9 more",
    )
    lines.clear()
    assert _by_name(tmp_path)["topics"].ok


@pytest.mark.parametrize(("ahead_ms", "ok"), [(-3_600_000, True), (900, True), (1_100, False), (7_200, False)])
def test_finds_a_broker_whose_clock_is_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_ms: int, ok: bool
) -> None:
    """By the newest stamp it gave; an old stamp says nothing."""
    _describe(tmp_path)
    _answering(monkeypatch)
    monkeypatch.setattr(look_at.time, "time_ns", lambda: 1_780_000_000_000 * 10**6)
    newest = {1: 1_780_000_000_000 - 5, 2: 1_780_000_000_000 + ahead_ms}
    monkeypatch.setattr(look_at.installed, "newest_stamps", lambda *_: newest)
    monkeypatch.setattr(look_at.installed, "differences", lambda *_: [])
    check = _by_name(tmp_path)["brokers' clocks"]
    assert (check.ok, "NTP" in check.fix) == (ok, True)
    assert ok or check.found == f"broker 2 is {ahead_ms / 1000:.1f} s ahead of this machine"


def test_finds_a_document_store_that_is_gone(tmp_path: Path) -> None:
    """A store is well while it takes writes, which leave nothing; an empty mount point is none."""
    layout = _describe(tmp_path)
    before = list(layout.documents.iterdir())
    assert _by_name(tmp_path)["document store"].ok
    assert list(layout.documents.iterdir()) == before
    (layout.documents / MARKER).unlink()
    assert not _by_name(tmp_path)["document store"].ok


def test_finds_a_document_store_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is there but takes no writes is a finding with the system's own word for it."""
    _describe(tmp_path)

    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(blobs.tempfile, "TemporaryFile", refuse)
    check = _by_name(tmp_path)["document store"]
    assert not check.ok
    assert "Read-only file system" in check.found
    assert str(tmp_path / "documents") in check.found


def test_finds_keys_that_others_may_read(tmp_path: Path) -> None:
    """A key file or a keys' directory that is open to others is named with its mode and the command that closes it."""
    layout = _describe(tmp_path)
    assert _by_name(tmp_path)["keys"].ok
    (layout.keys / "warehouse.json").chmod(0o640)
    check = _by_name(tmp_path)["keys"]
    assert (check.ok, "warehouse.json is 0640" in check.found) == (False, True)
    (layout.keys / "warehouse.json").chmod(0o600)
    layout.keys.chmod(0o755)
    check = _by_name(tmp_path)["keys"]
    assert (check.ok, "keys is 0755" in check.found) == (False, True)
    (layout.keys / "columns" / "warehouse.json").chmod(0o604)
    check = _by_name(tmp_path)["keys"]
    assert "keys/columns/warehouse.json is 0604" in check.found
    assert check.fix == f"chmod -R u=rwX,go= {layout.keys}"
    subprocess.run(check.fix.split(), check=True)
    assert _by_name(tmp_path)["keys"].ok


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_finds_a_state_that_others_may_enter(tmp_path: Path, mode: int) -> None:
    """Below it applicants' data lies in clear: red with its mode, and with the command that closes it."""
    layout = _describe(tmp_path / "state")
    assert _by_name(layout.state)["state"].ok
    layout.state.chmod(mode)
    check = _by_name(layout.state)["state"]
    assert (check.ok, check.found) == (False, f"{layout.state} is {mode:04o}")
    assert check.fix.startswith(f"chmod 700 {layout.state}")


def test_what_the_doctor_tries_to_be_refused_is_no_warning(empty, tmp_path: Path) -> None:
    """The warehouse's log keeps its warnings for whoever else is refused."""
    _describe(
        tmp_path,
        warehouse={
            "url": empty.url,
            "database": "loanstream",
            "user": "reader",
            "password": empty.passwords["reader"],
        },
    )
    log = empty.log

    def warnings() -> int:
        return sum("code=164" in line and "warning" in line.lower() for line in log.read_text().splitlines())

    before = warnings()
    assert _by_name(tmp_path)["reader's limits"].ok
    assert warnings() == before
    with pytest.raises(ClickHouseError):
        empty.client("reader").command("CREATE TABLE decisions_log (refused UInt8) ENGINE = Memory")
    assert warnings() == before + 1


@pytest.mark.parametrize(
    ("user", "password", "logs_in", "limits", "found"),
    [
        ("reader", None, True, True, "refused: CREATE, INSERT, file(), url(), executable()"),
        (
            "reader",
            "stale",
            False,
            False,
            "not looked at: the reader does not get in",
        ),
        ("writer", None, True, False, "not refused: CREATE, INSERT, file(), url(), executable()"),
    ],
    ids=["the reader", "a stale password", "an account that may write"],
)
def test_tries_the_readers_account(empty, tmp_path, user, password, logs_in, limits, found) -> None:
    """The reader logs in, changes nothing and reaches nothing outside; an account that may is a finding."""
    password = password or empty.passwords[user]
    _describe(tmp_path, warehouse={"url": empty.url, "database": "loanstream", "user": user, "password": password})
    tables = empty.client().query("SHOW TABLES FROM loanstream").result_rows
    checks = _by_name(tmp_path)
    assert (checks["warehouse reader"].ok, checks["reader's limits"].ok) == (logs_in, limits)
    assert found in checks["reader's limits"].found
    assert logs_in or checks["warehouse reader"].found == (
        f"{user} does not get in: the user or the password is wrong (AUTHENTICATION_FAILED)"
    )
    assert password not in str(checks)
    assert empty.client().query("SHOW TABLES FROM loanstream").result_rows == tables
    assert empty.client().query("SELECT count() FROM loanstream.decisions_log").first_row == (0,)


def test_finds_topics_that_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A topic that no member of a stage's group has, or that has no offset to begin at, is red with topic and group."""
    _describe(tmp_path)
    monkeypatch.setattr(look_at.installed, "newest_stamps", lambda *_: {})
    monkeypatch.setattr(look_at.installed, "differences", lambda *_: [])
    _answering(monkeypatch)
    assert _by_name(tmp_path)["readers"].ok
    _answering(
        monkeypatch, without_offset=["t has no committed offset of group score"], unread=["t is read by no member"]
    )
    check = _by_name(tmp_path)["readers"]
    assert (check.ok, check.found) == (False, "t has no committed offset of group score; t is read by no member")
    _answering(monkeypatch, not_installed=["bank-x"])
    check = _by_name(tmp_path)["readers"]
    assert (check.ok, check.found) == (False, "nothing of bank-x is read: its topics are absent")


@pytest.mark.parametrize(
    ("lacking", "named"),
    [("", []), ("loan.applications.v1.bank-x", ["bank-x"]), ("loan.decisions.v1.bank-x.dlq", ["bank-x"])],
)
def test_a_tenant_that_lacks_a_topic_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, lacking: str, named: list
) -> None:
    """Whichever topic of a stage's it is; a tenant that has them all, and topics of all tenants, are none."""
    existing = {topic.name(tenant): None for topic in TENANT_TOPICS for tenant in ("bank-a", "bank-x")}
    existing.pop(lacking, None)
    admin = SimpleNamespace(list_topics=lambda timeout: SimpleNamespace(topics=existing))
    monkeypatch.setattr(installed, "AdminClient", lambda _: nullcontext(admin))
    assert installed.not_installed({}, ("bank-a", "bank-x")) == named
    assert installed.not_installed({}, ("bank-a", "bank-new")) == ["bank-new"]


def test_finds_a_partition_that_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever workers say of themselves, the doctor names the partition."""
    _describe(tmp_path)
    monkeypatch.setattr(look_at.installed, "newest_stamps", lambda *_: {})
    monkeypatch.setattr(look_at.installed, "differences", lambda *_: [])
    _answering(monkeypatch)
    assert _by_name(tmp_path)["progress"].ok
    _answering(monkeypatch, still=["in[2] stands still at offset 5 of group verify, a record waits for 75 s"])
    check = _by_name(tmp_path)["progress"]
    assert (check.ok, "in[2] stands still" in check.found) == (False, True)


WELL, READY = Page(200, b'{"healthy": true, "complaint": null}'), Page(200, b'{"ready": true, "why": null}')


@pytest.mark.parametrize(
    ("health", "readiness", "ok", "told"),
    [
        (WELL, READY, True, ""),
        (Page(503, b'{"healthy": false, "complaint": "in[2] stands still"}'), READY, False, "in[2] stands still"),
        (WELL, Page(503, b'{"ready": false, "why": "no broker has answered"}'), False, "no broker has answered"),
        (Page(503, b"what is this"), None, False, "status 503"),
        (None, None, False, "does not answer"),
    ],
    ids=["healthy", "complains", "waits", "another server", "nobody"],
)
def test_tells_what_a_worker_complains_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, health, readiness, ok, told
) -> None:
    """Of a worker that is not well, or waits for a broker, its own sentence stands in the report."""
    _describe(tmp_path)
    monkeypatch.setattr(running_stack, "page", lambda url: health if url.endswith("/healthz") else readiness)
    check = _by_name(tmp_path)["score-0"]
    assert (check.ok, told in check.found, "score-0.log" in check.fix) == (ok, True, True)


def test_tells_what_was_refused_by_tenant_and_cause(empty, tmp_path: Path) -> None:
    """Within a day; what is older, and a day without any, is as well."""
    warehouse = {"url": empty.url, "database": "loanstream", "user": "reader", "password": empty.passwords["reader"]}
    _describe(tmp_path, warehouse=warehouse)
    assert _by_name(tmp_path)["refusals"].found == "none within a day"
    client = empty.client()
    refused = [("bank-a", "not_json", 0), ("bank-a", "too_deep", 0), ("bank-a", "not_json", 0), ("", "not_json", 0)]
    for number, (tenant, cause, days) in enumerate([*refused, ("bank-b", "empty", 2)]):
        client.command(
            "INSERT INTO loanstream.dead_letters_log (tenant, cause, origin_offset, at, kafka_timestamp) "
            f"SELECT '{tenant}', '{cause}', {number}, now() - INTERVAL {days} DAY, now()"
        )
    check = _by_name(tmp_path)["refusals"]
    assert check.ok
    assert check.found == (
        "within a day: topics of all: not_json 1; bank-a: not_json 2, too_deep 1 (see loanstream dlq list)"
    )


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_report_fits_the_terminal(tmp_path: Path, width: int) -> None:
    """No line is wider, save for a path, which is never broken; the last line names what is wrong."""
    _describe(tmp_path)
    checks = [check for check in run_doctor(tmp_path) if check.name in running_stack.ROWS]
    told = list(lines(checks, width))
    assert all(len(line.replace(str(tmp_path), "")) <= width for line in told)
    assert all(len(line) <= width or str(tmp_path) in line for line in told)
    text = " ".join(" ".join(told).split())
    assert all(check.found in text for check in checks)
    wrong = ", ".join(check.name for check in checks if check.looked and not check.ok)
    assert text.endswith(f"wrong: {wrong}; not looked at: 11 lines")


def test_a_report_without_a_fault_ends_in_three_words() -> None:
    """Whoever reads the last line alone knows."""
    assert list(lines([Check("disk", ok=True, found="room")], 80)) == ["ok     disk  room", "all is well"]


def test_a_bank_that_is_half_added_is_named(tmp_path: Path) -> None:
    """With the verb that says how to go on; once it is served the line is well again."""
    layout = _describe(tmp_path)
    book = TenantBook(layout.tenants)
    book.serve(["bank-a"])
    assert _by_name(tmp_path)["banks"].ok
    book.note("bank-c", "adding")
    said = _by_name(tmp_path)["banks"]
    assert (said.ok, said.found) == (False, "half added: bank-c")
    assert "loanstream tenant list" in said.fix
