"""Who does something, and why: what is recorded of a person's act, checked before anything is done."""

import os
import pwd
from typing import Annotated

import typer

from schemas.values import SENTENCE_MAX, TEXT_MAX

Actor = Annotated[
    str | None, typer.Option("--actor", help="who does it; it is recorded (default: the user of this process)")
]


def actor_of(given: str | None) -> str:
    """Who acts: whom `--actor` names, else the operating system's user. BadParameter for what cannot be recorded."""
    return _line("--actor", _user() if given is None else given, TEXT_MAX)


def reason_of(given: str) -> str:
    """Why. BadParameter for what cannot be recorded."""
    return _line("--reason", given, SENTENCE_MAX)


def _line(option: str, text: str, most: int) -> str:
    said = text.strip()
    if not said or len(said) > most or not said.isprintable():
        raise typer.BadParameter(f"{option}: expected one line of 1 to {most} characters")
    return said


def _user() -> str:
    """Whoever runs this process, whatever its environment says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without a name
        return f"user {os.getuid()}"
