"""`loanstream dashboards apply` against a stand-in of Grafana's HTTP API."""

import copy
import json
import os
import socket
import subprocess
import sys

import pytest
from grafana_stand_in import Grafana, app_of, served
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Route

from dashboards.alarms.table import ALERTS
from dashboards.all import DASHBOARDS
from dashboards.grafana import alarms
from dashboards.grafana.names import DATASOURCE_UID, FOLDER_UID, GENERATED
from dashboards.grafana.rules import Group, Rule
from loanstream.stack.pki import AUTH, Pki

OF_TABLE = alarms.of_table
TODAY = "loanstream-today"
FLOW = "Flow: lag & silence?"
GROUP = Group(
    FLOW,
    (
        Rule("loanstream-lag", "Lag", "SELECT stage, value FROM lag", 1, labels={"severity": "page"}, for_s=300),
        Rule("loanstream-silence", "Silence", "SELECT tenant, value FROM silence", 1, for_s=5400, panel=(TODAY, 7)),
    ),
)


@pytest.fixture(autouse=True)
def no_rules(monkeypatch):
    """Most of what is told here is about dashboards: a Grafana without the data source takes no rule."""
    monkeypatch.setattr(alarms, "of_table", lambda _thresholds, _runbooks: ())


@pytest.fixture
def group(no_rules, monkeypatch):
    monkeypatch.setattr(alarms, "of_table", lambda _thresholds, _runbooks: (GROUP,))


@pytest.fixture
def datasource(tmp_path):
    (tmp_path / "password").write_text("a-password\n")
    path = tmp_path / "datasource.yaml"
    path.write_text(
        f"""apiVersion: 1
datasources:
  - name: loanstream
    uid: {DATASOURCE_UID}
    type: grafana-clickhouse-datasource
    jsonData: {{host: clickhouse, port: 8443, secure: true, username: reader}}
    secureJsonData: {{password: "$__file{{{tmp_path}/password}}"}}
"""
    )
    return path


def committed(uid):
    return json.loads((GENERATED / f"{uid}.json").read_text("utf-8"))


def test_an_empty_grafana_gets_folder_and_every_dashboard(apply, grafana):
    """One command, and a risk team opens its dashboards: each is there as it is committed, in our folder."""
    code, out, err = apply("--yes")
    assert code == 0, err
    assert grafana.folders.keys() == {FOLDER_UID}
    assert grafana.dashboards.keys() == DASHBOARDS.keys()
    for uid, stored in grafana.dashboards.items():
        assert stored["folder"] == FOLDER_UID
        assert committed(uid).items() <= stored["dashboard"].items()
    assert out == f"{1 + len(DASHBOARDS)} things brought to Grafana\n"


def test_a_second_run_changes_nothing(apply, grafana, group, datasource):
    """It can run in every deployment: where all is as it should be it writes nothing, asks nothing, and says so."""
    assert apply("--yes", "--datasource", str(datasource), role="admin")[0] == 0
    grafana.writes.clear()
    code, out, _ = apply("--datasource", str(datasource), role="admin")
    assert (code, grafana.writes) == (0, [])
    assert out.endswith("nothing to do\n")


def test_nothing_is_done_before_it_is_shown_and_agreed_to(apply, grafana):
    """Nobody there to say yes: the plan is told, and nothing is written."""
    code, _, err = apply()
    assert (code, grafana.writes) == (1, [])
    assert "+ dashboard Today: create" in err
    assert "run it with --yes" in err


def test_a_dry_run_shows_and_writes_nothing(planned, grafana):
    """--dry-run is safe against any Grafana."""
    steps, _ = planned()
    assert steps["folder", "Loanstream"]["state"] == "create"
    assert steps["dashboard", "Today"]["state"] == "create"
    assert grafana.writes == []


def shown(panel):
    return next(each for each in panel["panels"] if each["title"] == "By bank")


WIDTH = shown(committed(TODAY))["gridPos"]["w"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: shown(d).update(title="Banks"), ['panel "By bank": title: "Banks" -> "By bank"']),
        (lambda d: shown(d).update(id=3), ['panel "By bank": is added', 'panel "By bank": is taken out']),
        (
            lambda d: shown(d)["fieldConfig"]["defaults"].update(unit="ms"),
            ['panel "By bank": fieldConfig.defaults.unit: "ms" -> "short"'],
        ),
        (lambda d: shown(d)["gridPos"].update(w=1), [f'panel "By bank": gridPos.w: 1 -> {WIDTH}']),
        (lambda d: d["panels"].append({"id": 3, "title": "Mine", "type": "text"}), ['panel "Mine": is taken out']),
        (lambda d: d["panels"].reverse(), ["panels: another order"]),
        (lambda d: d.update(refresh=""), ['dashboard: refresh: "" -> "5s"']),
        (lambda d: d["templating"]["list"].pop(), ['variable "interval": is added']),
        (lambda d: d["annotations"]["list"][0].update(enable=False), None),
        (lambda d: shown(d)["fieldConfig"]["overrides"].append({"matcher": {"id": "byName"}}), None),
    ],
)
def test_what_a_person_changed_is_told_by_panel_and_put_right(apply, planned, grafana, change, told):
    """Whoever applies sees what was changed by hand in Grafana, by panel, before it is put back."""
    apply("--yes")
    stored = grafana.dashboards[TODAY]["dashboard"]
    change(stored)
    step = planned()[0]["dashboard", "Today"]
    assert step["state"] == "change"
    assert step["changes"] == told if told else len(step["changes"]) == 1
    assert apply("--yes")[0] == 0
    assert grafana.dashboards[TODAY]["dashboard"]["version"] == 2
    assert committed(TODAY).items() <= grafana.dashboards[TODAY]["dashboard"].items()


def test_a_changed_query_is_told_line_by_line(apply, grafana):
    """--diff shows what of a query is another, and which line is ours."""
    apply("--yes")
    target = shown(grafana.dashboards[TODAY]["dashboard"])["targets"][0]
    target["rawSql"] = target["rawSql"].replace("ORDER BY tenant", "ORDER BY decisions")
    _, short, _ = apply("--dry-run")
    assert 'panel "By bank": targets[0].rawSql: another text' in short
    _, whole, _ = apply("--dry-run", "--diff")
    assert "-ORDER BY decisions" in whole
    assert "+ORDER BY tenant" in whole


def test_what_grafana_adds_is_no_difference(apply, planned, grafana):
    """Ids, versions, defaults and Grafana's own annotations are its own: they are not put back at every run."""
    apply("--yes")
    stored = grafana.dashboards[TODAY]["dashboard"]
    stored["annotations"]["list"].insert(0, {"builtIn": 1, "name": "Annotations & Alerts"})
    stored["preload"] = False
    stored["panels"][1] |= {"pluginVersion": "13.2.1"}
    del stored["panels"][1]["transparent"]
    assert planned()[0]["dashboard", "Today"]["state"] == "same"


def test_what_is_not_ours_is_named_and_left_alone(apply, planned, grafana, group, datasource):
    """A team's own dashboards and rules stay in the folder, and the plan names them."""
    apply("--yes", "--datasource", str(datasource), role="admin")
    grafana.dashboards["theirs"] = {
        "dashboard": {"uid": "theirs", "title": "Ours too", "version": 3},
        "folder": FOLDER_UID,
    }
    rule = grafana.groups[FOLDER_UID, FLOW]["rules"][0] | {"ruleGroup": "Night", "uid": "night"}
    grafana.groups[FOLDER_UID, "Night"] = {"title": "Night", "rules": [rule]}
    grafana.folders["elsewhere"] = {"uid": "elsewhere", "title": "Elsewhere"}
    grafana.groups["elsewhere", "Day"] = {
        "title": "Day",
        "rules": [rule | {"folderUID": "elsewhere", "ruleGroup": "Day"}],
    }
    assert planned()[1] == ["dashboard Ours too", "alert rules Night"]
    before = copy.deepcopy((grafana.dashboards["theirs"], grafana.groups[FOLDER_UID, "Night"]))
    grafana.dashboards.pop(TODAY)
    code, _, err = apply("--yes")
    assert code == 0
    assert "dashboard Ours too: not ours, left alone" in err
    assert "alert rules Night: not ours, left alone" in err
    assert (grafana.dashboards["theirs"], grafana.groups[FOLDER_UID, "Night"]) == before


def test_alert_rules_arrive_and_a_change_is_put_right(apply, planned, grafana, group, datasource):
    """Rules are brought with the dashboards; one that differs is told by its name."""
    assert apply("--yes", "--datasource", str(datasource), role="admin")[0] == 0
    stored = grafana.groups[FOLDER_UID, FLOW]
    assert [rule["uid"] for rule in stored["rules"]] == ["loanstream-lag", "loanstream-silence"]
    assert stored["rules"][1]["annotations"] == {"__dashboardUid__": TODAY, "__panelId__": "7"}
    stored["rules"][0]["labels"]["severity"] = "none"
    stored["rules"][1]["for"] = "2h"
    assert planned()[0]["alert rules", FLOW]["changes"] == [
        'rule "Lag": labels.severity: "none" -> "page"',
        'rule "Silence": for: "2h" -> "1h30m"',
    ]
    apply("--yes")
    assert planned()[0]["alert rules", FLOW]["state"] == "same"


def test_rules_without_their_data_source_are_refused_in_grafanas_words(apply, group):
    """A rule cannot choose its warehouse as a reader does: where the data source is missing, Grafana's answer is told."""
    code, _, err = apply("--yes")
    assert code == 1
    needed = f"refused to write the alert rules {FLOW}, which need the data source {DATASOURCE_UID}, status 400"
    assert f"{needed}: invalid alert rule: data source not found" in err


def test_a_grafana_without_the_data_source_gets_dashboards_alone(apply, grafana, group):
    """--no-rules: whoever is called by other means has the dashboards, and no rule."""
    assert apply("--yes", "--no-rules")[0] == 0
    assert (grafana.dashboards.keys(), grafana.groups) == (DASHBOARDS.keys(), {})


def test_a_folder_of_ones_own(apply, grafana):
    """--folder: the dashboards go into a folder that is there, whatever its title; one elsewhere moves there."""
    apply("--yes")
    grafana.folders["risk"] = {"uid": "risk", "title": "Risk"}
    code, _, err = apply("--yes", "--folder", "risk")
    assert code == 0
    assert "dashboard: moves from the folder loanstream to risk" in err
    assert {stored["folder"] for stored in grafana.dashboards.values()} == {"risk"}
    assert grafana.folders["risk"]["title"] == "Risk"


@pytest.mark.parametrize("uid", ["", "a/b", "Risk team", "x" * 41])
def test_a_folder_is_named_by_a_uid(apply, grafana, uid):
    """A title or a path is no uid: exit 2, and nothing is asked."""
    code, _, err = apply("--yes", "--folder", uid)
    assert (code, grafana.folders) == (2, {})
    assert "--folder: expected a uid, 1 to 40 letters, digits, - and _" in err


def test_the_data_source_is_made_and_its_password_told_to_nobody(apply, planned, grafana, datasource):
    """With --datasource a Grafana without files gets the warehouse too; the password is in no output."""
    code, out, err = apply("--yes", "--datasource", str(datasource), role="admin")
    assert code == 0
    stored = grafana.datasources[DATASOURCE_UID]
    assert stored["jsonData"]["host"] == "clickhouse"
    assert stored["secureJsonData"] == {"password": "a-password"}
    assert "a-password" not in out + err
    stored["jsonData"]["host"] = "elsewhere"
    steps, _ = planned("--datasource", str(datasource), role="admin")
    assert steps["data source", "loanstream"]["changes"] == ['data source: jsonData.host: "elsewhere" -> "clickhouse"']


def test_somebody_who_saves_meanwhile_is_not_overwritten(apply, grafana):
    """Between the look and the write somebody saved: it stops and says so, and that version stays."""
    apply("--yes")
    grafana.dashboards[TODAY]["dashboard"]["refresh"] = "1h"

    def save(held):
        held.dashboards[TODAY]["dashboard"] |= {"version": 9, "refresh": "30s"}

    grafana.before_save = save
    code, _, err = apply("--yes")
    assert code == 1
    assert "somebody changed it meanwhile; run this again" in err
    assert grafana.dashboards[TODAY]["dashboard"]["refresh"] == "30s"


def test_what_files_provision_is_not_fought_over(apply, grafana):
    """Either files or apply: where Grafana has a dashboard from a file, apply writes nothing at all."""
    apply("--yes")
    grafana.dashboards[TODAY] |= {"provisioned": True}
    grafana.writes.clear()
    code, _, err = apply("--yes")
    assert (code, grafana.writes) == (1, [])
    assert "from a file of its provisioning" in err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"token": "unknown"}, "--token-file: Grafana does not know the token"),
        (
            {"role": "viewer"},
            "--token-file: the token's account may not make a folder; expected a service account that",
        ),
        ({"token": "two words"}, "--token-file: expected a file with one line"),
        ({"token": "schlüssel"}, "--token-file: expected a file with one line"),
    ],
)
def test_a_token_that_will_not_do_is_told_by_its_option(apply, grafana, more, told):
    """Who gives the wrong token reads which option it is and what is expected, and never the token."""
    code, out, err = apply("--yes", **more)
    assert (code, grafana.writes) == (1, [])
    assert told in err
    assert "token" in err
    assert more.get("token", "viewer-token") not in out + err


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("grafana.bank.example", "--url: expected Grafana's address"),
        ("ftp://grafana.bank.example", "--url: expected Grafana's address"),
        ("https://grafana.bank.example:port", "--url: expected Grafana's address"),
        ("https://admin:hunter2@grafana.bank.example", "--url: expected no name and no password in it"),
        ("http://grafana.bank.example", "--url: expected https"),
    ],
)
def test_an_address_that_is_none_is_a_wrong_option(apply, url, told):
    """The command line is wrong by itself: exit 2, before anything is sent; what was written is not repeated."""
    code, out, err = apply("--yes", url=url)
    assert code == 2
    assert told in err
    assert "hunter2" not in out + err


def test_nobody_at_the_address(apply):
    """A Grafana that is down is told by the option that names it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        code, _, err = apply("--yes", url=f"http://127.0.0.1:{free.getsockname()[1]}")
    assert code == 1
    assert "--url: nobody answers there" in err


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (PlainTextResponse("welcome"), "--url: what answers there is no Grafana"),
        (PlainTextResponse("{", media_type="application/json"), "--url: what answers there is no Grafana"),
        (RedirectResponse("/login", 302), "--url: it sends its visitors elsewhere"),
        (PlainTextResponse("down", 502), "Grafana could not read folders: its own fault, status 502"),
    ],
)
def test_something_else_at_the_address(apply, page, told):
    """A proxy's or another service's answer is told for what it is."""
    app = Starlette(routes=[Route("/{path:path}", lambda _: page, methods=["GET", "POST"])])
    with served(app) as port:
        code, _, err = apply("--yes", url=f"http://127.0.0.1:{port}")
    assert code == 1
    assert told in err


def test_a_visitor_who_is_sent_elsewhere_stays(apply, grafana, address):
    """A redirect would turn a write into a read and could lead anywhere: it is not followed, and nothing is written."""
    sent = Route("/{path:path}", lambda request: RedirectResponse(address + request.url.path, 302))
    with served(Starlette(routes=[sent])) as port:
        code, _, err = apply("--yes", url=f"http://127.0.0.1:{port}")
    assert (code, grafana.writes) == (1, [])
    assert "expected the address where Grafana itself is" in err


def test_a_certificate_is_held_against_who_is_trusted(apply, grafana, tmp_path):
    """Over https the token goes to nobody whose certificate is not trusted; --ca names who signed it."""
    ours, others = (Pki(tmp_path / name / "keys", tmp_path / name / "tls") for name in ("ours", "others"))
    for pki in (ours, others):
        pki.make()
    leaf = str(ours.leaf(AUTH))
    with served(app_of(grafana), ssl_certfile=leaf, ssl_keyfile=leaf) as port:
        url = f"https://localhost:{port}"
        for options in ((), ("--ca", str(others.ca))):
            code, _, err = apply("--yes", *options, url=url)
            assert (code, grafana.writes) == (1, [])
            assert "--url: nobody that is trusted signed its certificate" in err
        code, _, err = apply("--yes", "--ca", str(tmp_path / "missing"), url=url)
        assert (code, "--ca: expected a PEM file" in err) == (1, True)
        assert apply("--yes", "--ca", str(ours.ca), url=url)[0] == 0
    assert grafana.dashboards.keys() == DASHBOARDS.keys()


def test_a_grafana_below_a_path(apply, grafana):
    """Where Grafana is served under a path, the address ends with it, with or without a slash."""
    with served(app_of(grafana, "/watch/grafana")) as port:
        assert apply("--yes", url=f"http://127.0.0.1:{port}/watch/grafana")[0] == 0
        assert apply(url=f"http://127.0.0.1:{port}/watch/grafana/")[0] == 0
    assert grafana.dashboards.keys() == DASHBOARDS.keys()


def test_the_token_is_in_no_command_line_and_no_log(address, tmp_path):
    """Neither a list of processes nor a log at its loudest shows the token."""
    (tmp_path / "token").write_text("editor-token\n")
    loud = "import logging, sys; logging.basicConfig(level=0); from loanstream.cli.main import main; sys.exit(main())"
    words = ["dashboards", "apply", "--url", address, "--token-file", str(tmp_path / "token"), "--yes", "--no-rules"]
    done = subprocess.run(
        [sys.executable, "-c", loud, *words], env=os.environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "editor-token" not in done.stdout + done.stderr + " ".join(words)


def test_the_stand_in_is_new_in_every_test(grafana):
    """What one test wrote is no other's."""
    assert grafana == Grafana()


def test_every_alarm_of_the_table_arrives_with_the_banks_own_numbers(apply, grafana, datasource, monkeypatch, tmp_path):
    """One command, and whoever is on duty is called: a rule an alarm, with the operator's thresholds and links."""
    monkeypatch.setattr(alarms, "of_table", OF_TABLE)
    own = tmp_path / "thresholds.yaml"
    own.write_text("approval_rate: {bank-a: {tolerance: 0.04}}")
    monkeypatch.setenv("LOANSTREAM_ALARM_THRESHOLDS", str(own))
    monkeypatch.setenv("LOANSTREAM_RUNBOOKS_URL", "https://docs.bank.example/runbooks/")
    assert apply("--yes", "--datasource", str(datasource), role="admin")[0] == 0
    rules = {rule["uid"]: rule for group in grafana.groups.values() for rule in group["rules"]}
    assert {rule["labels"]["alarm"] for rule in rules.values()} == set(ALERTS)
    asked = rules["loanstream-approval-rate"]
    assert "transform(tenant, ['bank-a'], [0.04], 0.01)" in asked["data"][0]["model"]["rawSql"]
    assert asked["annotations"]["runbook_url"] == "https://docs.bank.example/runbooks/approval_rate.md"
    grafana.writes.clear()
    assert apply("--datasource", str(datasource), role="admin")[0] == 0
    assert grafana.writes == []


def test_a_grafana_without_our_data_source_may_have_the_dashboards_alone(apply, grafana, monkeypatch):
    """`--no-rules`: nothing is refused, and no rule is sent."""
    monkeypatch.setattr(alarms, "of_table", OF_TABLE)
    assert apply("--yes", "--no-rules")[0] == 0
    assert (len(grafana.dashboards), grafana.groups) == (len(DASHBOARDS), {})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "approval_rate: {bank-a: {tolerance: 4}}",
            "approval_rate.bank-a.tolerance: a number from 0 to 0.5 is expected",
        ),
        ("[", "thresholds.yaml: YAML is expected"),
        (None, "names a file that cannot be read; expected a YAML file"),
    ],
)
def test_wrong_thresholds_are_told_before_grafana_is_asked(apply, grafana, monkeypatch, tmp_path, text, told):
    """The line names the setting and the place in the file, and nothing is brought anywhere."""
    own = tmp_path / "thresholds.yaml"
    if text is not None:
        own.write_text(text)
    monkeypatch.setenv("LOANSTREAM_ALARM_THRESHOLDS", str(own))
    code, _, err = apply("--yes")
    assert code == 1
    assert err.startswith("loanstream: LOANSTREAM_ALARM_THRESHOLDS")
    assert told in err
    assert grafana.writes == []
