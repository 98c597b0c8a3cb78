"""Options that verbs share, and what they name."""

from pathlib import Path
from typing import Annotated

import typer

from loanstream.stack.layout import default_state

State = Annotated[
    Path | None, typer.Option("--state", envvar="LOANSTREAM_STATE", help="the stack's directory (a per-user default)")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON value on stdout, all else on stderr")]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="one bank only (default: every bank)")]


def verb() -> typer.Typer:
    """The Typer of one verb's module."""
    return typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )


def state_of(given: Path | None) -> Path:
    """The state directory that is meant: the one given, else the user's default."""
    return (given or default_state()).expanduser().absolute()
