"""`loanstream dashboards apply`, `list` and `rules`: the dashboards at a running Grafana, and what they hold."""

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loanstream.cli.options import AsJson, Yes, confirm
from loanstream.settings import load
from loanstream.terminal import aside, counted, emit, table
from schemas.problem import Problem, WrongOption

if TYPE_CHECKING:
    from dashboards.grafana.plan import Plan, Step, Wanted
    from dashboards.grafana.rules import Group

TOLD = 4
"""So many changes of a dashboard are told; --diff tells all."""

_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MARKS = {"create": "+", "change": "~", "same": " "}
_MADE = {"create": "is made", "change": "is changed", "same": "is as it should be"}


def register(app: typer.Typer) -> None:
    """Give the verb its commands `apply`, `list` and `rules`."""
    app.command("apply")(apply)
    app.command("list")(show_list)
    app.command("rules")(rules_file)


def apply(  # noqa: PLR0913, PLR0917 - a row an option, as the command line has them
    url: Annotated[str, typer.Option("--url", help="Grafana's address, as in https://grafana.bank.example:3000")],
    token_file: Annotated[
        Path, typer.Option("--token-file", help="a file with the token of a service account that is Editor there")
    ],
    ca: Annotated[
        Path | None, typer.Option("--ca", help="PEM file of who signed Grafana's certificate (default: the system's)")
    ] = None,
    folder: Annotated[
        str, typer.Option("--folder", help="uid of the folder; it is made where it is missing")
    ] = "loanstream",
    datasource: Annotated[
        Path | None,
        typer.Option(
            "--datasource",
            help="make the data source, too: a file as deploy/compose/grafana/datasources.yaml; the account is Admin",
        ),
    ] = None,
    rules: Annotated[
        bool,
        typer.Option("--rules/--no-rules", help="alert rules, too; they need the data source loanstream-warehouse"),
    ] = True,
    diff: Annotated[bool, typer.Option("--diff", help="tell every change, queries line by line")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would change, and change nothing")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Bring folder, dashboards and alert rules to a running Grafana: shows what would change, asks, and does it.

    A second run changes nothing. What else stands in the folder is named and left alone.
    """
    from dashboards.grafana.datasource import read
    from dashboards.grafana.door import Door
    from dashboards.grafana.plan import look

    if _UID.fullmatch(folder) is None:
        raise WrongOption("--folder: expected a uid, 1 to 40 letters, digits, - and _, and no title")
    wanted = _wanted(folder, None if datasource is None else read(datasource), with_rules=rules)
    if ca is not None and not ca.is_file():
        raise Problem("--ca: expected a PEM file with the certificate of who signed Grafana's")
    plan = look(Door.to(url, _secret("--token-file", token_file), ca), wanted)
    if dry_run or not plan.due:
        emit(_plain(plan), tuple(_lines(plan, whole=diff)), as_json=as_json)
        return
    for line in _lines(plan, whole=diff):
        aside(line)
    if not yes:
        confirm("make it so?", "run it with --yes, or with --dry-run to see what would change alone")
    for step in plan.due:
        step.take()
        aside(f"{step.kind} {step.name}: {_MADE[step.state]}")
    emit(_plain(plan), f"{counted(len(plan.due), 'thing')} brought to Grafana", as_json=as_json)


def show_list(as_json: AsJson = False) -> None:
    """Every dashboard and its panels: what each answers, in which unit, from which query."""
    from dashboards.all import DASHBOARDS

    found: list[dict[str, Any]] = [
        {
            "dashboard": dashboard.title,
            "uid": dashboard.uid,
            "panel": panel.title,
            "id": panel.id,
            "question": panel.question,
            "kind": panel.kind,
            "unit": panel.unit,
            "query": panel.query,
        }
        for dashboard in DASHBOARDS.values()
        for panel in dashboard.panels()
    ]
    shown = ("dashboard", "panel", "question", "kind", "unit", "query")
    rows = [tuple(each[column] for column in shown) for each in found]
    emit(found, table("", *shown, rows=rows), as_json=as_json)


def rules_file() -> None:
    """The alert rules with your thresholds, as a file for Grafana's folder provisioning/alerting; to stdout."""
    from dashboards.grafana.provisioning import as_text

    sys.stdout.write(as_text(_groups()))


def _groups() -> "tuple[Group, ...]":
    """The alarms, with the thresholds and links that settings name. Problem."""
    from dashboards.grafana.alarms import of_table
    from loanstream.alarms import thresholds

    settings = load()
    return of_table(thresholds(settings), settings.runbooks_url)


def _wanted(folder: str, datasource: dict[str, Any] | None, *, with_rules: bool) -> "Wanted":
    from dashboards.all import DASHBOARDS
    from dashboards.grafana import rules
    from dashboards.grafana.names import GENERATED
    from dashboards.grafana.plan import Wanted

    texts = ((GENERATED / f"{uid}.json").read_text("utf-8") for uid in DASHBOARDS)
    groups = [rules.as_json(group, folder) for group in (_groups() if with_rules else ())]
    return Wanted([json.loads(text) for text in texts], groups, datasource, folder)


def _secret(option: str, path: Path) -> str:
    """One line of a file, which is told to nobody. Problem, OSError."""
    try:
        found = path.read_text("ascii").strip()
    except UnicodeDecodeError:
        found = ""
    if not found or not found.isprintable() or " " in found:
        raise Problem(f"{option}: expected a file with one line, and nothing else on it")
    return found


def _lines(plan: "Plan", *, whole: bool) -> list[str]:
    lines: list[str] = []
    for step in plan.steps:
        lines.append(f"{_MARKS[step.state]} {step.kind} {step.name}{'' if step.state == 'same' else f': {step.state}'}")
        lines += _changes(step, whole=whole)
    lines += [f"  {other}: not ours, left alone" for other in plan.others]
    same = len(plan.steps) - len(plan.due)
    lines.append(f"{same} as it should be, {len(plan.due)} to do" if plan.due else "nothing to do")
    return lines


def _changes(step: "Step", *, whole: bool) -> list[str]:
    if whole:
        return [f"    {line}" for change in step.changes for line in change.splitlines()]
    told = [f"    {_in_one_line(change)}" for change in step.changes]
    left = len(told) - TOLD
    return [*told[:TOLD], *([f"    and {left} more: --diff tells all"] * (left > 0))]


def _in_one_line(change: str) -> str:
    first, *rest = change.splitlines()
    return f"{first}another text" if rest else first


def _plain(plan: "Plan") -> dict[str, Any]:
    steps = [
        {"kind": step.kind, "name": step.name, "state": step.state, "changes": list(step.changes)}
        for step in plan.steps
    ]
    return {"steps": steps, "left_alone": list(plan.others)}
