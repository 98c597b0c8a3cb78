"""`loanstream tenant`: banks come and go while everything runs."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Annotated, Any

import typer

from loanstream.cli.options import AsJson, State, Yes, confirm, installation_of, verb
from loanstream.stack.auth.registration import GRACE_S
from loanstream.stack.running import RunningStack
from loanstream.tenants import readers as server_readers
from loanstream.tenants import removing, renewing
from loanstream.tenants.adding import ADDING
from loanstream.tenants.at import auth_of, work_on
from loanstream.tenants.book import only_one
from loanstream.tenants.removing import DATA, REMOVING
from loanstream.tenants.standing import Stands, known, standing
from loanstream.tenants.work import Plan, Step, Work, plan, take
from loanstream.terminal import emit, table
from schemas.problem import Problem
from schemas.topics import TOPICS
from schemas.values import rfc3339_of_ms

app = verb()

AT_ONCE = 8
"""So many banks are looked at together: each takes a dozen questions to the broker."""
TOLD = 3
"""So many lines of a step are told before somebody is asked; --dry-run has all."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="the bank")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="show the plan, and do nothing")]
LeaveGrants = Annotated[bool, typer.Option("--leave-grants", help="leave Kafka's ACLs as they are: others keep them")]


@app.callback()
def tenant() -> None:
    """Banks: add one, see where each stands, give its clients new secrets, remove one. Nothing is restarted."""


@app.command()
def add(
    name: Name,
    replication_factor: Annotated[
        int | None,
        typer.Option(min=1, help="copies of each of its topics (default: as many as there are brokers, three at most)"),
    ] = None,
    leave_grants: LeaveGrants = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="return when every stage reads its topics, or at once")
    ] = True,
    dry_run: DryRun = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Add a bank: keys, topics, rights, clients. Run it again where it was killed: it does what is missing."""
    _check_name(name)
    work = work_on(installation_of(state), name, copies=replication_factor, leave_grants=leave_grants, waits=wait)
    with only_one(work.book):
        _carry_out(
            ADDING, work, f"{name} is served", "nothing is to be done: it is served", dry_run=dry_run, as_json=as_json
        )
    if _has_provider(work):
        _say(_AT_YOUR_PROVIDER.format(name=name))


@app.command("list")
def show(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="one bank only (default: every bank)")] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Where each bank stands: complete, half added, removed; what is missing, what is kept."""
    installation = installation_of(state)
    names = [name] if name else known(work_on(installation, "none"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda each: standing(work_on(installation, each)), names))
    emit([asdict(each) for each in found], _stands_table(found), as_json=as_json)


@app.command()
def rotate(
    name: Name,
    grace: Annotated[
        float, typer.Option(min=0, help="seconds that the secrets before are good for; 0: somebody else knows one")
    ] = GRACE_S,
    keys: Annotated[bool, typer.Option("--keys", help="refused: receipt and document keys stay; says why")] = False,
    dry_run: DryRun = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Give a bank's clients new secrets. Those before are good for a day more; run again meanwhile, it changes nothing.

    Its receipt and document keys never change: what was signed and sealed by them could not be proven and opened.
    """
    if keys:
        raise Problem(renewing.KEYS_STAY)
    files = auth_of(installation_of(state))
    if files is None:
        raise Problem("the tokens are not the embedded token server's: give new secrets at your identity provider")
    if dry_run:
        due = [client.client_id for client in renewing.planned(files, name, grace)]
        lines = [f"new secret for {each}" for each in due] or ["a rotation is under way: no secret is replaced"]
        emit({"tenant": name, "plan": {"secrets": due}, "done": not due}, "\n".join(lines), as_json=as_json)
        return
    found = renewing.renew(files, name, grace)
    rows = [(each.client_id, each.secret or "(told before)", _moment(each.old_until) or "-") for each in found]
    told = [
        {
            "client_id": each.client_id,
            "client_secret": each.secret,
            "new": each.is_new,
            "old_secret_until": _moment(each.old_until),
        }
        for each in found
    ]
    emit(told, table("", "client", "secret", "old secret until", rows=rows), as_json=as_json)


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339_of_ms(int(seconds * 1000))


@app.command()
def readers(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the statements, and run none")] = False,
    yes: Yes = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Roles and row policies at a ClickHouse server of yours: a bank's readers see its own rows. It may run again.

    For every bank that is served; those of a bank that was removed go. Run it after each add, remove and upgrade.
    """
    installation = installation_of(state)
    lines = server_readers.planned(installation)
    if not dry_run:
        if not yes:
            _say(f"{len(lines)} statements: roles and row policies for {', '.join(installation.tenants) or 'no bank'}")
            confirm("run them?", "run it with --yes, or with --dry-run to see the statements alone")
        server_readers.make(installation, lines)
    text = tuple(f"{line};" for line in lines) if dry_run else "the readers are as the table of rights says"
    emit({"statements": lines, "done": not dry_run}, text, as_json=as_json)


@app.command()
def remove(
    name: Name,
    delete_data: Annotated[
        str | None,
        typer.Option("--delete-data", metavar="KINDS", help=f"what goes with it, for good: some of {','.join(DATA)}"),
    ] = None,
    leave_grants: LeaveGrants = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Cut a bank off at once: gateway, tokens, broker. Its data stay, but for what --delete-data names."""
    delete = frozenset(part.strip() for part in (delete_data or "").split(",") if part.strip())
    removing.check(delete)
    installation = installation_of(state)
    work = work_on(installation, name, delete=delete, leave_grants=leave_grants)
    if name not in (there := known(work)):
        raise Problem(f"no bank {name} here; there are {', '.join(there) or 'none'}")
    with only_one(work.book):
        if not (dry_run or yes) and any(plan(REMOVING, work).values()):
            _say_plan(plan(REMOVING, work))
            for kind in sorted(delete):
                _say(f"LOST for good: {kind}: {DATA[kind]}")
            _confirm(name)
        _carry_out(
            REMOVING,
            work,
            f"{name} is cut off",
            "nothing is to be done: it is cut off",
            dry_run=dry_run,
            as_json=as_json,
        )
    for line in _afterwards(work):
        _say(line)


_AT_YOUR_PROVIDER = "its clients are your provider's: {name}-producer and {name}-consumer, with the claim tenant"


def _afterwards(work: Work) -> Iterator[str]:
    """What is kept, and how it goes; what others have to do."""
    kept = [kind for kind in standing(work).kept if kind in DATA]
    if kept:
        command = f"loanstream tenant remove {work.tenant} --delete-data {','.join(kept)}"
        yield f"kept: {', '.join(kept)}; to delete all of it: {command}"
    if work.book is None and work.standing is not None:
        yield f"take {work.tenant} out of LOANSTREAM_TENANTS and restart the gateways: they believe its tokens so far"
    if _has_provider(work):
        yield f"disable the clients of {work.tenant} at your identity provider"


def _has_provider(work: Work) -> bool:
    """Whether tokens are those of a provider of yours; an embedded stack has its own, or asks for none."""
    return work.auth is None and not isinstance(work.installation, RunningStack)


def _carry_out(steps: tuple[Step, ...], work: Work, done: str, nothing: str, *, dry_run: bool, as_json: bool) -> None:
    found = plan(steps, work)
    empty = not any(found.values())
    if empty or dry_run:
        emit(
            {"tenant": work.tenant, "plan": found, "done": empty},
            nothing if empty else _plan_table(found),
            as_json=as_json,
        )
        return
    for name in take(steps, work):
        _say(f"{name} done")
    emit({"tenant": work.tenant, "plan": found, "done": True}, done, as_json=as_json)


def _plan_table(found: Plan) -> Any:
    return table("", "step", "would do", rows=[(name, "\n".join(lines)) for name, lines in found.items() if lines])


def _say_plan(found: Plan) -> None:
    for name, lines in found.items():
        if lines:
            more = f"; and {len(lines) - TOLD} more" if len(lines) > TOLD else ""
            _say(f"{name}: {'; '.join(lines[:TOLD])}{more}")


def _stands_table(found: list[Stands]) -> Any:
    rows = [
        (each.tenant, each.stands, ", ".join(each.missing) or "-", ", ".join(each.kept) or "-", each.next or "-")
        for each in found
    ]
    return table("", "tenant", "stands", "missing", "kept", "next", rows=rows)


def _check_name(name: str) -> None:
    try:
        TOPICS["applications"].name(name)
    except ValueError as error:
        raise typer.BadParameter(f"NAME: {error}") from None


def _confirm(name: str) -> None:
    """Return where the person types the name. Problem where nobody can be asked; Abort for anything else."""
    if not sys.stdin.isatty():
        raise Problem("nobody is there to say yes: run it with --yes, or with --dry-run to see the plan alone")
    sys.stderr.write(f"type {name} to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != name:
        raise typer.Abort


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
