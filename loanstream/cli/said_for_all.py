"""Options for what all applications of a file say: a faulty one is told as the option, not as a fault of its lines."""

from collections.abc import Callable
from typing import Annotated

import typer

from schemas.cells import CellError, read_cell
from schemas.problem import WrongOption


def of_field(option: str, field: str) -> Callable[[str | None], str | None]:
    """Checks an option's value as that of a field of LoanApplication. Raises WrongOption.

    >>> of_field("--currency", "currency")("INR")
    'INR'
    """

    def check(said: str | None) -> str | None:
        if said is not None:
            _check(f"{option} {said!r}", field, said)
        return said

    return check


def of_prefix(said: str) -> str:
    """Checks what goes before every application id. Raises WrongOption."""
    if said:
        _check(f"--id-prefix {said!r} and at least one character", "application_id", f"{said}1")
    return said


def _check(option: str, field: str, said: str) -> None:
    try:
        # A cell of a CSV is read without the space around it; an option is taken as it is.
        read_cell(field, said if said.strip() == said else "")
    except CellError as error:
        raise WrongOption(f"{option}: {error}") from None


CurrencyOption = Annotated[
    str, typer.Option("--currency", help="for files without a currency", callback=of_field("--currency", "currency"))
]
