"""Options that verbs share, and what they name."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from loanstream.stack.layout import default_state
from schemas.problem import Problem

if TYPE_CHECKING:
    from loanstream.installation import Installation

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="LOANSTREAM_STATE",
        help="a running stack's directory (default: the installation that settings name, else the user's own stack)",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON value on stdout, all else on stderr")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]
FirstPolicy = Annotated[
    str | None, typer.Option(help="policy of the first activation: a name or a YAML file (default: standard)")
]
FirstBundle = Annotated[
    str | None,
    typer.Option(help="model bundle of the first activation: a name or a folder (default: the policy's, else default)"),
]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="one bank only (default: every bank)")]


class WholeSentences(TyperGroup):
    """A verb's own commands; its help has their sentences whole, on however narrow a terminal."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Each command with the first paragraph of its help."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_paragraph(command.help)) for name, command in found if command])


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def verb() -> typer.Typer:
    """The Typer of one verb's module."""
    return typer.Typer(
        cls=WholeSentences,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def confirm(question: str, otherwise: str) -> None:
    """Return where the person says yes. Problem where nobody can be asked, with what to do instead; Abort at a no."""
    if not sys.stdin.isatty():
        raise Problem(f"nobody is there to say yes: {otherwise}")
    # Not typer's own: that writes to stdout, which belongs to the answer.
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise typer.Abort


def installation_of(state: Path | None) -> "Installation":
    """The installation that a command is for: by settings, or the running stack of the state directory. Problem."""
    from loanstream.stack.running import RunningStack

    return by_settings(state) or RunningStack.at(state_of(state))


def by_settings(state: Path | None) -> "Installation | None":
    """The installation that settings describe, where they name a Kafka or a warehouse; None where a stack is meant.

    Problem where a state directory is named as well.
    """
    from loanstream.installation import Installation
    from loanstream.settings import load

    settings = load()
    if settings.kafka_bootstrap is None and settings.warehouse_url is None:
        return None
    if state is not None:
        raise Problem(
            "a state directory (--state, LOANSTREAM_STATE) is given, and LOANSTREAM_KAFKA_BOOTSTRAP or "
            "LOANSTREAM_WAREHOUSE_URL is set; expected one of them: a running stack, or what settings describe"
        )
    return Installation(settings)


def state_of(given: Path | None) -> Path:
    """The state directory that is meant: the one given, else the user's default."""
    return (given or default_state()).expanduser().absolute()
