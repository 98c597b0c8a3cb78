"""`loanstream policy`: begin a document, check it, show it as it is understood, hold it against another."""

import dataclasses
import math
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from loanstream.cli.listed import listed
from loanstream.cli.options import AsJson, verb
from loanstream.cli.policy_difference import differences
from loanstream.cli.policy_sentences import policy_rows
from loanstream.cli.policy_template import write_template
from loanstream.problem import describe_problem
from loanstream.terminal import emit
from registry.named import named_policy, policy_text
from schemas.problem import Problem
from scoring.policy import Policy, PolicyError
from scoring.policy_document import parse_policy

app = verb()


@app.callback()
def policy() -> None:
    """Policy documents: begin one, check it, show it, compare two."""


UNBOUND = (math.inf, -math.inf)


def check(named: str, *, as_json: bool) -> int:
    """Exit code 1 with the line that is wrong; with --json also where there is no such file."""
    try:
        policy = parse_policy(policy_text(named))
    except PolicyError as error:
        if as_json:
            emit({"ok": False, "error": str(error)}, "", as_json=True)
        else:
            sys.stderr.write(f"{Path(named).name}: {error}\n")
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
    policy = named_policy(named)
    content = {"policy_id": policy.policy_id, **_plain(policy)}
    emit(content, listed(policy_rows(policy)), as_json=as_json)
    return 0


def diff(a: str, b: str, *, as_json: bool) -> int:
    """Exit code 1 where they differ."""
    policies = {"a": (a, named_policy(a)), "b": (b, named_policy(b))}
    found = differences(policies["a"][1], policies["b"][1])
    sides = {
        side: {"named": named, "name": policy.name, "policy_id": policy.policy_id}
        for side, (named, policy) in policies.items()
    }
    heads = [(side.upper(), f"{Path(one['named']).name}, {one['policy_id']}") for side, one in sides.items()]
    lines = [line for one in found for line in one.lines()]
    text = f"{listed(heads)}\n\n{listed(lines) if found else 'the same policy'}"
    emit({"same": not found, **sides, "differences": [dataclasses.asdict(one) for one in found]}, text, as_json=as_json)
    return 1 if found else 0


def init(named: str, *, as_json: bool) -> int:
    """A new file; never one that was there."""
    file, name = write_template(named)
    emit({"file": str(file), "name": name}, f"{file}; next: loanstream policy check {file}", as_json=as_json)
    return 0


NAMED: Any = typer.Argument(help="a shipped policy's name, or a YAML file")


def _plain(policy: Policy) -> dict[str, Any]:
    content: dict[str, Any] = _bounded(dataclasses.asdict(policy))
    return content


def _bounded(value: Any) -> Any:
    """Without the bounds that bind nothing (infinity is no JSON) and without what is not set."""
    if isinstance(value, dict):
        return {name: _bounded(part) for name, part in value.items() if part is not None and part not in UNBOUND}
    return [_bounded(part) for part in value] if isinstance(value, list | tuple) else value


@app.command("init")
def policy_init(
    named: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="its name, or the YAML file to write")
    ] = "my-policy",
    as_json: AsJson = False,
) -> None:
    """Write a policy document to begin with, every key explained; never over a file that is there."""
    raise typer.Exit(init(named, as_json=as_json))


@app.command("check")
def policy_check(file: Annotated[Path, typer.Argument(help="the YAML file")], as_json: AsJson = False) -> None:
    """Check a policy document; names the line that is wrong, exit 1."""
    raise typer.Exit(check(str(file), as_json=as_json))


@app.command("show")
def policy_show(name: Annotated[str, NAMED], as_json: AsJson = False) -> None:
    """A policy as it is understood: bands, penalties, rules, id."""
    raise typer.Exit(show(name, as_json=as_json))


@app.command("diff")
def policy_diff(a: Annotated[str, NAMED], b: Annotated[str, NAMED], as_json: AsJson = False) -> None:
    """What differs between two policies (names or files), in sentences; exit 1 where anything does."""
    raise typer.Exit(diff(a, b, as_json=as_json))
