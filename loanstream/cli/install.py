"""`loanstream install`: your own Kafka, warehouse and stores made ready, by the steps that `up` takes for its own."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from loanstream.cli.options import AsJson, FirstBundle, FirstPolicy, Yes, confirm, verb
from loanstream.install.durability import losses
from loanstream.install.retention import wanted_of
from loanstream.install.steps import STEPS, Wanted, decided_otherwise, retention_waits, rights_of_others
from loanstream.install.steps import plan as plan_of
from loanstream.installation import Installation
from loanstream.settings import load
from loanstream.terminal import emit, table
from schemas.problem import Problem

app = verb()

Plan = Mapping[str, list[str]]
"""Step -> what it would make, a line each."""
NEEDED = ("kafka_bootstrap", "warehouse_url", "documents_url", "artefacts_url")
"""Settings that are told as missing before anything is looked at; `keys` may be held by others."""
TOLD = 3
"""So many lines of a step are told; a new tenant lacks all of its topics."""


def prepare(wanted: Wanted, *, trial: bool, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show the plan and, unless it is empty, make what it names; exit code 1 where the person says no, or has to mend
    something first.
    """
    plan, faults = plan_of(wanted)
    if faults:
        for line in faults:
            _say(f"loanstream: {line}")
        return 1
    _refuse_losses(wanted, trial=trial)
    empty = not any(plan.values())
    if empty or dry_run:
        emit({"plan": plan, "done": empty}, _shown(plan, empty), as_json=as_json)
        _note(wanted, plan)
        return 0
    if not yes:
        _say_plan(plan)
        confirm("make it so?", "run it with --yes, or with --dry-run to see the plan alone")
    for name in (name for name, lines in plan.items() if lines):
        STEPS[name].make(wanted)
        _say(f"{name} ready")
    emit({"plan": plan, "done": True}, "the installation is ready", as_json=as_json)
    _note(wanted, plan)
    return 0


def _refuse_losses(wanted: Wanted, *, trial: bool) -> None:
    """Say with which settings of Kafka records can be lost. Problem where there are some and this is no trial."""
    here = wanted.installation
    lines = losses(here.admin_settings, here.tenants, wanted.replication)
    for line in lines:
        _say(line)
    if lines and not trial:
        raise Problem(f"with {len(lines)} settings of this Kafka records can be lost; change them, or say --trial")


def _note(wanted: Wanted, plan: Plan) -> None:
    """What a person should know and `install` does not touch: others' rights on what is ours, rows that stay for now;
    and where the installation is active already, what it decides with may not be what was asked for.
    """
    for line in (*rights_of_others(wanted), *retention_waits(wanted)):
        _say(line)
    told = None if plan["activation"] else decided_otherwise(wanted)
    if told is not None:
        _say(told)


def _shown(plan: Plan, empty: bool) -> object:
    if empty:
        return "nothing is to be done: the installation is ready"
    rows = [(name, "\n".join(lines) or "ready") for name, lines in plan.items()]
    return table("what is missing", "step", "would make", rows=rows)


def _say_plan(plan: Plan) -> None:
    for name, lines in plan.items():
        _say(f"{name}: {'; '.join(_some(lines)) or 'ready'}")


def _some(lines: list[str]) -> list[str]:
    return [*lines[:TOLD], *([f"and {len(lines) - TOLD} more"] if len(lines) > TOLD else [])]


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@app.command()
def install(  # noqa: PLR0913, PLR0917 - a row an option, as the command line has them
    bundle: FirstBundle = None,
    policy: FirstPolicy = None,
    replication_factor: Annotated[
        int | None,
        typer.Option(
            min=1, help="copies of each topic that is created (default: as many as there are brokers, three at most)"
        ),
    ] = None,
    make_keys: Annotated[bool, typer.Option("--make-keys", help="make the key files that are missing")] = False,
    trial: Annotated[
        bool, typer.Option("--trial", help="for a Kafka that may lose records: says what can be lost, and goes on")
    ] = False,
    leave_grants: Annotated[
        bool, typer.Option("--leave-grants", help="leave Kafka's ACLs as they are: others keep them")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what is missing, and make nothing")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make your own Kafka, warehouse and stores ready: shows what is missing, asks, and makes it.

    Exit 1 where something has to be mended first: every such thing in a line, and nothing is made.
    """
    settings = load()
    for name in NEEDED:
        settings.needed(name)
    _ = Installation(settings).served
    if settings.tenant_keys is None or settings.column_key is None:
        settings.needed("keys")
    wanted = Wanted(
        Installation(settings),
        bundle,
        policy,
        actor="loanstream install",
        replication=replication_factor,
        make_keys=make_keys,
        leave_grants=leave_grants,
        retention=wanted_of(settings),
    )
    raise typer.Exit(prepare(wanted, trial=trial, dry_run=dry_run, yes=yes, as_json=as_json))
