"""The command line: one function a verb, which reads its arguments, calls the room that knows, and shows the answer.

Everything slow is imported inside the verbs, so that `--help` answers at once. Exit codes: 0 ok; 1 failed, or a
difference found; 2 usage.
"""

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="loanstream",
    help="Loan applications in, explained and reproducible decisions out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
documents_app = typer.Typer(help="The document store.", no_args_is_help=True)
dlq_app = typer.Typer(help="Dead letters: list, show, send back.", no_args_is_help=True)
policy_app = typer.Typer(help="Policy documents.", no_args_is_help=True)
app.add_typer(documents_app, name="documents")
app.add_typer(dlq_app, name="dlq")
app.add_typer(policy_app, name="policy")


class Outcome(StrEnum):
    """What a decision may be."""

    APPROVE = "approve"
    REFER = "refer"
    DECLINE = "decline"


State = Annotated[
    Path | None, typer.Option("--state", envvar="LOANSTREAM_STATE", help="the stack's directory (a per-user default)")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON value on stdout, all else on stderr")]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="one bank only (default: every bank)")]


def _state(given: Path | None) -> Path:
    from loanstream.stack.layout import default_state

    return (given or default_state()).expanduser().absolute()


def _running(state: Path | None) -> Any:
    from loanstream.running import Running

    return Running.at(_state(state))


@app.command()
def up(
    state: State = None,
    workers: Annotated[int, typer.Option(min=1, max=32, help="workers a stage")] = 1,
    policy: Annotated[str, typer.Option(help="policy of the first activation: a name or a YAML file")] = "standard",
    bundle: Annotated[str, typer.Option(help="model bundle of the first activation: a name or a folder")] = "default",
    tenants: Annotated[str, typer.Option(envvar="LOANSTREAM_TENANTS", help="banks, by commas")] = "bank-a,bank-b",
) -> None:
    """Run the whole embedded stack in the foreground: broker, warehouse, workers. Ctrl-C stops it."""
    from loanstream.start import start

    raise typer.Exit(start(_state(state), tenants, workers, policy, bundle))


@app.command()
def demo(
    state: Annotated[Path | None, typer.Option("--state", help="where the demo's state is kept")] = None,
    as_json: AsJson = False,
    scale: Annotated[float, typer.Option(min=0.01, max=100.0, help="more or fewer applications")] = 1.0,
) -> None:
    """Start a fresh stack, send it more than a thousand applications, and show what happened."""
    from loanstream.demo.show import show_demo
    from loanstream.stack.layout import default_state

    raise typer.Exit(show_demo((state or default_state().with_name("loanstream-demo")).absolute(), as_json, scale))


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="applications: CSV, JSON lines, or JSON with one or a list")],
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="the bank they are from (default: the stack's first)")
    ] = None,
    currency: Annotated[str, typer.Option(help="for files without a currency")] = "INR",
    documents: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="the applicants' documents, named <application id>.<kind>.pdf or <application id>/<kind>.pdf; "
            "kinds: payslip, bank_statement, tax_return, identity, other",
        ),
    ] = None,
    id_prefix: Annotated[str, typer.Option(help="put before every application id")] = "",
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Publish the applications in a file to a running stack."""
    from loanstream.submit import submit_file

    raise typer.Exit(submit_file(_running(state), file, tenant, currency, documents, id_prefix, as_json=as_json))


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="applications: CSV, JSON lines, or JSON with one or a list")],
    tenant: Annotated[str, typer.Option(help="the bank they are for")] = "bank-a",
    bundle: Annotated[str, typer.Option(help="a name or a folder")] = "default",
    policy: Annotated[str, typer.Option(help="a name or a YAML file")] = "standard",
    currency: Annotated[str, typer.Option(help="for files without a currency")] = "INR",
    as_json: AsJson = False,
) -> None:
    """Decide the applications in a file without Kafka, by the same code."""
    from loanstream.offline import score_file

    raise typer.Exit(score_file(file, tenant, bundle, policy, currency, as_json=as_json))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def worker(context: typer.Context) -> None:
    """Run one worker: verify [--lane fast|slow], score or record; settings from the environment."""
    from loanstream.worker import main as run

    raise typer.Exit(run(context.args))


@documents_app.command("put")
def documents_put(
    file: Annotated[Path, typer.Argument(help="the document")],
    tenant: Annotated[str, typer.Option("--tenant", help="the bank it belongs to")],
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Store a document; prints the SHA-256 that applications name it by."""
    from loanstream.show import emit

    running = _running(state)
    data = file.read_bytes()
    sha256 = running.documents.put(running.tenant(tenant), data)
    emit({"tenant": tenant, "sha256": sha256, "size": len(data)}, sha256, as_json=as_json)


@app.command()
def decisions(
    tenant: TenantOption = None,
    outcome: Annotated[Outcome | None, typer.Option(help="only these")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000)] = 20,
    compare: Annotated[Path | None, typer.Option(help="CSV with recorded outcomes to compare with")] = None,
    id_prefix: Annotated[str, typer.Option(help="with --compare: the one the file was submitted with")] = "",
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """The latest decisions; with --compare, their agreement with a file's recorded outcomes."""
    from loanstream import asking

    if id_prefix and compare is None:
        raise typer.BadParameter("--id-prefix is of use with --compare alone")
    raise typer.Exit(asking.decisions(_running(state), tenant, outcome, limit, compare, id_prefix, as_json=as_json))


@app.command()
def show(
    application_id: str,
    tenant: TenantOption = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """The whole story of one application: claims, documents, checks, points, receipt, timings."""
    from loanstream import asking

    raise typer.Exit(asking.show(_running(state), application_id, tenant, as_json=as_json))


@app.command()
def replay(
    application_id: Annotated[str | None, typer.Argument(help="one application (default: every decision)")] = None,
    tenant: TenantOption = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make every decision again from its receipt's inputs and compare bit for bit."""
    from loanstream import asking

    raise typer.Exit(asking.replay(_running(state), tenant, application_id, as_json=as_json))


@app.command()
def reconcile(tenant: TenantOption = None, state: State = None, as_json: AsJson = False) -> None:
    """Compare the warehouse with the topics, record by record; exit 1 and a name for every difference."""
    from loanstream import asking

    raise typer.Exit(asking.reconcile(_running(state), tenant, as_json=as_json))


@dlq_app.command("list")
def dlq_list(
    tenant: TenantOption = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """The dead letters, newest last, with their causes."""
    from loanstream import letters

    raise typer.Exit(letters.list_letters(_running(state), tenant, limit, as_json=as_json))


@dlq_app.command("show")
def dlq_show(letter: str, state: State = None, as_json: AsJson = False) -> None:
    """One dead letter (topic/partition/offset) with its original bytes."""
    from loanstream import letters

    raise typer.Exit(letters.show_letter(_running(state), letter, as_json=as_json))


@dlq_app.command("redrive")
def dlq_redrive(
    tenant: TenantOption = None,
    letter: Annotated[str | None, typer.Option("--id", help="exactly this one (topic/partition/offset)")] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters back to the topics they came from, once each."""
    from loanstream import letters

    raise typer.Exit(letters.redrive(_running(state), tenant, letter, as_json=as_json))


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="folder for the bundle")],
    data: Annotated[Path | None, typer.Option(envvar="LOANSTREAM_DATA", help="folder of the public data sets")] = None,
    recipe: Annotated[str, typer.Option(help="default or paper")] = "default",
    as_json: AsJson = False,
) -> None:
    """Train a model bundle with its card."""
    from loanstream.training_run import run_training

    raise typer.Exit(run_training(data, out, recipe, as_json=as_json))


@policy_app.command("check")
def policy_check(file: Path, as_json: AsJson = False) -> None:
    """Check a policy document; names the line that is wrong."""
    from loanstream.policies import check

    raise typer.Exit(check(str(file), as_json=as_json))


@policy_app.command("show")
def policy_show(name: str, as_json: AsJson = False) -> None:
    """A policy as it is understood: bands, penalties, rules, id."""
    from loanstream.policies import show as show_policy

    raise typer.Exit(show_policy(name, as_json=as_json))


@app.command()
def bench(
    full: Annotated[
        bool, typer.Option("--full", help="beside rivals, and a million applications: up to an hour")
    ] = False,
    applications: Annotated[int, typer.Option(min=1000, help="through the whole chain, with --full")] = 1_000_000,
    plot: Annotated[Path | None, typer.Option(help="where to draw memory, with --full (SVG)")] = None,
    only: Annotated[
        str,
        typer.Option(metavar="PARTS", help="of --full, by commas: short, rivals, latency, tenants, burst, million"),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Measure speed, in one run, as ratios where machines differ."""
    if full:
        from loanstream.bench.full import NoSuchPart, chosen, run_full

        try:
            parts = chosen(only)
        except NoSuchPart as unknown:
            raise typer.BadParameter(str(unknown), param_hint="--only") from None
        raise typer.Exit(run_full(parts, applications, plot, as_json=as_json))
    from loanstream.bench.run import run_bench

    raise typer.Exit(run_bench(as_json=as_json))


@app.command()
def chaos(
    state: Annotated[Path, typer.Option(help="where its stack is made, anew")] = Path("chaos-state"),
    kills: Annotated[int, typer.Option(min=0, help="kills of the workers of each stage")] = 10,
    restarts: Annotated[int, typer.Option(min=0, help="broker stops, and as many kills")] = 5,
    others: Annotated[int, typer.Option(min=0, help="rounds of every other fault")] = 1,
    only: Annotated[str, typer.Option(metavar="NAMES", help="faults whose names hold one of these, by commas")] = "",
    selftest: Annotated[bool, typer.Option("--selftest", help="take rules out; each run must turn red")] = False,
) -> None:
    """Apply every fault of a table to a stack under load, and count what became of each record."""
    from loanstream.chaos.faults import NoSuchFault, chosen, table
    from loanstream.chaos.run import run_chaos
    from loanstream.chaos.run import selftest as run_selftest

    if selftest:
        raise typer.Exit(run_selftest(state.absolute()))
    try:
        faults = chosen(table(kills, restarts, others), only)
    except NoSuchFault as unknown:
        raise typer.BadParameter(str(unknown), param_hint="--only") from None
    raise typer.Exit(run_chaos(state.absolute(), faults))


@app.command()
def doctor(state: State = None, as_json: AsJson = False) -> None:
    """Check this machine and the running stack, line by line, with how to mend what is wrong."""
    from loanstream.checkup import checkup

    raise typer.Exit(checkup(_state(state), as_json=as_json))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code. Faults that a person can mend are one line on stderr."""
    if not sys.stdout.isatty():
        os.environ.setdefault("NO_COLOR", "1")
    try:
        code = _run(arguments)
        sys.stdout.flush()  # a full disk is heard of here, and not at the interpreter's end
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who read us has read enough
        _give_up_what_cannot_be_written()
        return 1
    except Exception as error:
        line = _one_line(error)
        if line is None:
            raise
        sys.stderr.write(f"loanstream: {line}\n")
        _give_up_what_cannot_be_written()
        return 1
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        app(args=list(arguments) if arguments is not None else None, standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _give_up_what_cannot_be_written() -> None:
    """Else the interpreter tries it once more at its end, and says so in its own words."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_line(error: Exception) -> str | None:
    """The line for a fault that is not a bug of ours; None for one that is."""
    from loanstream.faults import describe_fault

    return describe_fault(error)
