"""`loanstream dashboards list`."""

import json

from dashboards.all import DASHBOARDS
from loanstream.cli.main import main


def test_every_panel_is_listed_with_its_question(capsys):
    """Who looks for a figure finds the dashboard, the panel, its question and its query, without a Grafana."""
    assert main(["dashboards", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["uid"], row["id"], row["question"], row["query"]) for row in found] == [
        (dashboard.uid, panel.id, panel.question, panel.query)
        for dashboard in DASHBOARDS.values()
        for panel in dashboard.panels()
    ]


def test_a_person_reads_a_table(capsys):
    """The same as a table: a line begins with the dashboard, then the panel."""
    assert main(["dashboards", "list"]) == 0
    shown = capsys.readouterr().out
    first = next(iter(DASHBOARDS.values()))
    assert shown.startswith("dashboard")
    assert any(line.startswith(first.title) and next(first.panels()).title in line for line in shown.splitlines())
