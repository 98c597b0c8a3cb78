"""`loanstream policy`: check a document, or show a policy as it is understood."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import typer

from loanstream.cli.options import AsJson, verb
from loanstream.cli.policy_sentences import policy_rows
from loanstream.problem import describe_problem
from loanstream.terminal import emit, table
from registry.named import policy_text
from schemas.problem import Problem
from scoring.policy import Policy, PolicyError
from scoring.policy_document import parse_policy

app = verb()


@app.callback()
def policy() -> None:
    """Policy documents."""


UNBOUND = (math.inf, -math.inf)


def check(named: str, *, as_json: bool) -> int:
    """Exit code 1 with the line that is wrong; with --json also where there is no such file."""
    try:
        policy = parse_policy(policy_text(named))
    except PolicyError as error:
        emit({"ok": False, "error": str(error)}, f"{Path(named).name}: {error}", as_json=as_json)
        return 1
    except (Problem, OSError) as error:
        line = describe_problem(error)
        if line is None or not as_json:
            raise  # the command line tells it on stderr, as for every verb
        emit({"ok": False, "error": line}, line, as_json=True)
        return 1
    emit({"ok": True, "policy_id": policy.policy_id}, f"good: {policy.policy_id}", as_json=as_json)
    return 0


def show(named: str, *, as_json: bool) -> int:
    """The policy's content as the decision core uses it."""
    policy = parse_policy(policy_text(named))
    content = {"policy_id": policy.policy_id, **_plain(policy)}
    emit(content, table(named, "", "", rows=policy_rows(policy)), as_json=as_json)
    return 0


def _plain(policy: Policy) -> dict[str, Any]:
    content: dict[str, Any] = _bounded(dataclasses.asdict(policy))
    return content


def _bounded(value: Any) -> Any:
    """Without the bounds that bind nothing (infinity is no JSON) and without what is not set."""
    if isinstance(value, dict):
        return {name: _bounded(part) for name, part in value.items() if part is not None and part not in UNBOUND}
    return [_bounded(part) for part in value] if isinstance(value, list | tuple) else value


@app.command("check")
def policy_check(file: Path, as_json: AsJson = False) -> None:
    """Check a policy document; names the line that is wrong."""
    raise typer.Exit(check(str(file), as_json=as_json))


@app.command("show")
def policy_show(name: str, as_json: AsJson = False) -> None:
    """A policy as it is understood: bands, penalties, rules, id."""
    raise typer.Exit(show(name, as_json=as_json))
