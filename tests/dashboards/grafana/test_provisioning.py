"""Grafana's provisioning files: what compose mounts, and alert rules in the shape that files have."""

import json
import re
from dataclasses import replace

import pytest
import yaml

from dashboards.grafana.datasource import read
from dashboards.grafana.names import (
    DATASOURCE_TYPE,
    DATASOURCE_UID,
    FOLDER_TITLE,
    FOLDER_UID,
    GENERATED,
    PLUGIN_VERSION,
)
from dashboards.grafana.provisioning import as_text
from dashboards.grafana.rules import Group, Rule, as_json, duration
from loanstream.generate.files import ALERT_RULES, ROOT
from schemas.problem import Problem
from tests.compose.files import Files, mounts_of

FOLDER = ROOT / "deploy" / "compose" / "grafana"
RULE = Rule(
    "loanstream-lag",
    "Lag",
    "SELECT stage, value FROM loanstream.lag\nWHERE at <= $__toTime",
    1,
    for_s=90,
    since_s=600,
    labels={"severity": "page", "bank": "{{ $labels.tenant }}"},
    annotations={"summary": "{{ $labels.stage }} waits", "runbook": "docs/runbooks/lag.md"},
    on_no_rows="Alerting",
    panel=("loanstream-flow", 12),
)
GROUP = Group("Flow", (RULE, replace(RULE, uid="loanstream-other", title="Other", panel=None)), every_s=120)


def service():
    return Files.shipped().services["grafana"]


def mounted(target):
    source, writable = mounts_of(service())[target]
    assert not writable
    return ROOT / source


def test_grafana_reads_the_dashboards_that_are_committed():
    """The folder that the provider names is the one where compose mounts the generated files, to be read alone."""
    path = mounted("/etc/grafana/provisioning/dashboards/loanstream.yaml")
    document = yaml.safe_load(path.read_text("utf-8"))
    (provider,) = document["providers"]
    assert document["apiVersion"] == 1
    assert (provider["type"], provider["folder"], provider["folderUid"]) == ("file", FOLDER_TITLE, FOLDER_UID)
    assert provider["allowUiUpdates"] is False
    assert mounted(provider["options"]["path"]).resolve() == GENERATED


def test_the_data_source_is_the_one_that_dashboards_choose():
    """Its uid and type are those of the dashboards, it reads as the reader, and its password stands in a secret."""
    document = yaml.safe_load(mounted("/etc/grafana/provisioning/datasources/loanstream.yaml").read_text("utf-8"))
    (source,) = document["datasources"]
    assert (source["uid"], source["type"]) == (DATASOURCE_UID, DATASOURCE_TYPE)
    assert source["jsonData"]["username"] == "reader"
    assert all(value.startswith("$__file{/") for value in source["secureJsonData"].values())


def test_the_plugin_is_the_one_that_queries_are_written_for():
    """Grafana installs the pinned plugin before it reads files that need it."""
    variables = service()["environment"]
    assert variables["GF_PLUGINS_PREINSTALL_SYNC"] == f"{DATASOURCE_TYPE}@{PLUGIN_VERSION}"


def test_alert_rules_are_mounted_as_they_are_generated():
    """The file of rules that compose mounts is the generated one."""
    path = mounted("/etc/grafana/provisioning/alerting/loanstream.yaml")
    assert path == ROOT / ALERT_RULES
    document = yaml.safe_load(path.read_text("utf-8"))
    assert document["apiVersion"] == 1
    assert all(group["folder"] == FOLDER_TITLE for group in document["groups"])


def test_a_group_of_rules_becomes_a_file():
    """The file's shape is not the API's: folder and interval stand at the group, and both say the same of each rule."""
    document = yaml.safe_load(as_text([GROUP]))
    (group,) = document["groups"]
    assert {name: group[name] for name in ("orgId", "name", "folder", "interval")} == {
        "orgId": 1,
        "name": "Flow",
        "folder": FOLDER_TITLE,
        "interval": "120s",
    }
    lag, other = group["rules"]
    assert (lag["uid"], other["uid"]) == ("loanstream-lag", "loanstream-other")
    assert (lag["for"], lag["noDataState"], lag["execErrState"], lag["condition"]) == (
        "1m30s",
        "Alerting",
        "Error",
        "B",
    )
    assert {"orgID", "folderUID", "ruleGroup"}.isdisjoint(lag)
    assert (lag["annotations"]["__panelId__"], lag["panelId"]) == ("12", 12)
    assert lag["annotations"]["__dashboardUid__"] == lag["dashboardUid"]
    assert {"__panelId__", "panelId", "dashboardUid"}.isdisjoint({*other["annotations"], *other})


def test_a_rule_asks_the_warehouse_and_judges_the_answer():
    """The first step is the query on the fixed data source, the second compares its number with the threshold."""
    asked, judged = as_json(GROUP)["rules"][0]["data"]
    assert asked["datasourceUid"] == asked["model"]["datasource"]["uid"] == DATASOURCE_UID
    assert (asked["model"]["rawSql"], asked["model"]["format"]) == (RULE.sql, 1)
    assert asked["relativeTimeRange"] == {"from": 600, "to": 0}
    assert judged["datasourceUid"] == "__expr__"
    assert judged["model"]["conditions"][0]["evaluator"] == {"params": [1], "type": "gte"}
    assert judged["model"]["expression"] == asked["refId"]


def test_dollars_are_doubled_in_labels_alone():
    """Grafana replaces variables in the labels of a file; queries and annotations it takes as they stand."""
    (group,) = yaml.safe_load(as_text([GROUP]))["groups"]
    rule = group["rules"][0]
    assert rule["labels"]["bank"] == "{{ $$labels.tenant }}"
    assert rule["annotations"]["summary"] == "{{ $labels.stage }} waits"
    assert "$__toTime" in rule["data"][0]["model"]["rawSql"]
    assert "$$" not in json.dumps(as_json(GROUP))


def test_the_same_rules_make_the_same_file():
    """Two runs write the same bytes, and SQL stands there line by line."""
    assert as_text([GROUP]) == as_text([GROUP])
    assert re.search(r"rawSql: \|-\n +SELECT stage, value FROM loanstream\.lag\n +WHERE", as_text([GROUP]))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (60, "1m"), (3600, "1h"), (86400, "1d"), (604800, "1w"), (691200, "8d"), (61, "1m1s")],
)
def test_times_are_written_as_grafana_gives_them_back(seconds, text):
    """A rule that was written and is read again is the same rule."""
    assert duration(seconds) == text


def test_the_compose_file_of_the_data_source_can_be_applied(tmp_path):
    """What compose mounts is what --datasource takes: names of secrets' files are read where the command runs."""
    (tmp_path / "reader").write_text("a-password\n")
    (tmp_path / "ca.pem").write_text("a certificate\n")
    shipped = (FOLDER / "datasources.yaml").read_text("utf-8")
    path = tmp_path / "source.yaml"
    path.write_text(
        shipped.replace("/run/secrets/warehouse-reader", f"{tmp_path}/reader").replace(
            "/tls/ca.pem", f"{tmp_path}/ca.pem"
        )
    )
    found = read(path)
    assert found["uid"] == DATASOURCE_UID
    assert found["jsonData"]["protocol"] == "http"
    assert found["secureJsonData"] == {"password": "a-password", "tlsCACert": "a certificate"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "expected a file of Grafana's provisioning with one data source"),
        ("- 1", "expected a file of Grafana's provisioning with one data source"),
        ("datasources: [{type: prometheus, uid: loanstream-warehouse}]", "of type grafana-clickhouse-datasource"),
        ("datasources: [{type: grafana-clickhouse-datasource, uid: mine}]", "and uid loanstream-warehouse"),
        (
            "datasources: [{type: grafana-clickhouse-datasource, uid: loanstream-warehouse, name: a}]",
            "expected a name and jsonData",
        ),
        (
            "datasources: [{type: grafana-clickhouse-datasource, uid: loanstream-warehouse, name: a, jsonData: {}}]",
            "expected the reader's password in secureJsonData",
        ),
    ],
)
def test_a_file_without_the_data_source_is_told(tmp_path, text, told):
    """A wrong file is told by the option and what is expected in it, and nothing of it is repeated."""
    path = tmp_path / "source.yaml"
    path.write_text(text)
    with pytest.raises(Problem, match=re.escape(told)) as raised:
        read(path)
    assert "prometheus" not in str(raised.value)
