"""`loanstream up`: the embedded stack with what the other rooms bring to it."""

import shlex
import sys
import time
from concurrent.futures import Future
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli.options import FirstBundle, FirstPolicy, state_of, verb
from loanstream.extras import need
from loanstream.install.retention import wanted_of
from loanstream.install.steps import FIRST, STEPS, Wanted, activate, decided_otherwise, retention_waits
from loanstream.install.topics import unserved
from loanstream.installation import Installation
from loanstream.settings import load as load_settings
from loanstream.stack.auth.ring import Times
from loanstream.stack.layout import default_state
from loanstream.stack.up import Hooks, run_up
from schemas.problem import WrongOption
from schemas.topics import TOPICS

app = verb()


def start(
    state: Path,
    tenants: str | None,
    workers: int,
    policy: str | None,
    bundle: str | None,
    *,
    secure: bool = True,
    times: Times | None = None,
) -> int:
    """Run the stack of `state` until it is told to stop. `tenants` are names by commas, None: whoever was served.

    The token server's `times` are for the lab: no option names them.
    """
    need("stack")
    names = _tenants(tenants)
    _check(policy, bundle)
    stored: Future[Wanted] = Future()
    retention = wanted_of(load_settings())
    where = "" if state == default_state() else f" --state {shlex.quote(str(state))}"

    def wanted(installation: Installation) -> Wanted:
        return Wanted(installation, bundle, policy, "loanstream up", broker_topics=True, retention=retention)

    hooks = Hooks(
        stores=lambda installation: _store(wanted(installation), stored),
        broker=lambda installation: _prepare_broker(wanted(installation), stored, where),
        warehouse=lambda installation: _prepare_warehouse(wanted(installation)),
    )
    return run_up(state, names, workers, _say, hooks, secure=secure, times=times)


def _tenants(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        for name in names:
            TOPICS["applications"].name(name)
    except ValueError as error:
        raise WrongOption(f"--tenants: {error}") from None
    if not names or len(set(names)) < len(names):
        raise WrongOption("--tenants: expected one or more different names, by commas")
    return names


def _check(policy: str | None, bundle: str | None) -> None:
    """Problem for what is no policy or no bundle, before a directory is made; the shipped ones need no look."""
    if policy is None and bundle is None:
        return
    from registry.named import load

    load(bundle, policy or FIRST["policy"])


EXAMPLES_TENANT = "bank-a"
"""The tenant of the shipped examples, whose documents are there from the start."""


def _store(wanted: Wanted, stored: Future[Wanted]) -> None:
    """What needs neither broker nor warehouse: the document store, and both artefacts, checked and stored."""
    try:
        STEPS["artefact store"].make(wanted)
    except BaseException as error:
        stored.set_exception(error)
        raise
    stored.set_result(wanted)
    STEPS["document store"].make(wanted)
    if EXAMPLES_TENANT in wanted.installation.tenants:
        for document in (resources.files("schemas") / "examples" / "documents").iterdir():
            wanted.installation.documents.put(EXAMPLES_TENANT, document.read_bytes())


def _prepare_warehouse(wanted: Wanted) -> None:
    """Tables, and how long they keep their rows."""
    STEPS["warehouse"].make(wanted)
    STEPS["retention"].make(wanted)
    for line in retention_waits(wanted):
        _say(line)


def _prepare_broker(wanted: Wanted, stored: Future[Wanted], where: str) -> None:
    """Rights, topics and first activation; tells what of this start's options the state does not follow.

    `where` names this state to another command.
    """
    STEPS["grants"].make(wanted)
    STEPS["topics"].make(wanted)
    here = wanted.installation
    for tenant in unserved(here.admin_settings, here.tenants):
        _say(f"{tenant} has topics here and is not among --tenants: workers read them, commands do not know it")
    told = None if activate(stored.result()) else decided_otherwise(stored.result(), where)
    if told is not None:
        _say(told)


def _say(line: str) -> None:
    """A line (or lines that belong together) with the time, in UTC as in the logs."""
    sys.stderr.write(f"{time.strftime('%H:%M:%SZ', time.gmtime())} {line}\n")
    sys.stderr.flush()


OwnState = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="LOANSTREAM_STATE",
        help="where the stack's state is kept; made where it is not there (default: the user's own)",
    ),
]


@app.command()
def up(
    state: OwnState = None,
    workers: Annotated[int, typer.Option(min=1, max=32, help="workers a stage")] = 1,
    policy: FirstPolicy = None,
    bundle: FirstBundle = None,
    tenants: Annotated[
        str | None,
        typer.Option(
            envvar="LOANSTREAM_TENANTS",
            help="banks, by commas (default: those that were served last; of a new state bank-a,bank-b)",
        ),
    ] = None,
    secure: Annotated[
        bool,
        typer.Option(
            "--secure/--insecure", help="whether the broker asks who one is, and refuses whoever has no right"
        ),
    ] = True,
) -> None:
    """Run the whole embedded stack in the foreground: broker, warehouse, workers. Ctrl-C stops it."""
    raise typer.Exit(start(state_of(state), tenants, workers, policy, bundle, secure=secure))
