"""The verbs, and how each ends: 0 ok; 1 failed, or a difference found; 2 the command line is wrong by itself.

A verb's module is imported when the verb is asked for, so that `--help` answers at once.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

COLUMNS = 100
"""What a line of a help takes at most, where the terminal is wider."""

VERBS: dict[str, str] = {
    "up": "Run the whole embedded stack in the foreground: broker, warehouse, workers. Ctrl-C stops it.",
    "demo": "Start a fresh stack, send it more than a thousand applications, and show what happened.",
    "submit": "Publish the applications in a file.",
    "score": "Decide the applications in a file without Kafka, by the same code; --against: who another policy flips.",
    "documents": "The document store: put a document into it.",
    "decisions": "The latest decisions; with --compare, their agreement with a file's recorded outcomes.",
    "outcomes": "What became of loans: bring repayment outcomes in from a file.",
    "show": "The whole story of one application: claims, documents, checks, points, receipt, timings.",
    "review": "What was referred to a person: list, show, decide.",
    "replay": "Make every decision again from its receipt's inputs and compare bit for bit.",
    "reconcile": "Compare the warehouse with the topics, record by record; exit 1 and a name for every difference.",
    "dlq": "Dead letters: list, show, send back, discard.",
    "policy": "Policy documents: begin one, check it, show it, compare two.",
    "activate": "Let another policy or bundle decide, from a moment on: shows what changes, asks, and publishes it.",
    "history": "Every activation in order: who, when, why, what is in force; with --as-of, what decided at a moment.",
    "rollback": "Take back the activation in force: what decided before it decides again; twice goes back two steps.",
    "train": (
        "Train a model bundle with its card and validation report: of the loan layout, or with --config or --target of "
        "any data set."
    ),
    "study": "Compare models on the same folds, and find the threshold from stated costs.",
    "model": "Model bundles: list, show, compare two, verify one, write the validation report of one.",
    "install": "Make your own Kafka, warehouse and stores ready: shows what is missing, asks, and makes it.",
    "tenant": "Banks: add one, see where each stands, give its clients new secrets, remove one.",
    "dashboards": "What risk teams watch: list it, open it in a browser, draw it, bring it to a running Grafana.",
    "alarms": "Ask every alarm's question of the warehouse now; exit 1 where one fires.",
    "auth": "The embedded stack's tokens: signing keys and clients.",
    "worker": "Run one worker: verify [--lane fast|slow], score or record; settings from the environment.",
    "top": "What flows now: rates, what waits and for how long, decisions, dead letters; again every second.",
    "doctor": "Check this machine and the installation, line by line, with how to mend what is wrong.",
    "bench": "Measure speed, in one run, as ratios where machines differ.",
    "chaos": "Apply every fault of a table to a stack under load, and count what became of each record.",
}
"""Verb -> its help in one line; `loanstream.cli.<verb>` holds it."""


class Verbs(TyperGroup):
    """The table's verbs as commands."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the base's signature
        """Every verb, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the base's signature
        """The command of a verb, its module imported now; None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        command = typer.main.get_command(import_module(f"loanstream.cli.{cmd_name}").app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the base's signature
        """The table, whole sentences, without importing a verb."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


def application() -> Verbs:
    """The command `loanstream`."""
    app = typer.Typer(
        name="loanstream",
        cls=Verbs,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"max_content_width": COLUMNS},
    )
    app.callback()(loanstream)
    command = typer.main.get_command(app)
    assert isinstance(command, Verbs)
    return command


def loanstream(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda asked: _tell_version() if asked else None,
            help="Show the release, the code's version as receipts name it, and exit.",
        ),
    ] = False,
) -> None:
    """Loan applications in, explained and reproducible decisions out."""


def _tell_version() -> None:
    """The release, the version of the code as receipts name it, and the commit where the package knows it."""
    from loanstream.version import version_line

    typer.echo(version_line())
    raise typer.Exit


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
        return getattr(error, "exit_code", 1)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        application()(args=list(arguments) if arguments is not None else None, prog_name="loanstream")
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
    from loanstream.problem import describe_problem

    return describe_problem(error)
