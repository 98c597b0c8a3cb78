"""What the verbs that publish a file share: patience with the broker, words beside the answer, the table of columns."""

import sys

from loanstream.terminal import emit, table
from producers.columns import described
from producers.forms import Form

KAFKA_BACK_WITHIN_S = 15.0
"""A broker that is restarted is back within that, and its sender need not know."""


def note(line: str | None) -> None:
    """Tell a person what is no fault of the file; nothing where there is none."""
    if line is not None:
        sys.stderr.write(f"note: {line}\n")


def tell_columns(form: Form, *, as_json: bool) -> None:
    """Print the columns that a CSV of this form may have."""
    rows = described(form)
    listed = [dict(zip(("column", "need", "expected"), row, strict=True)) for row in rows]
    emit(listed, table("columns of a CSV", "column", "need", "what its values are", rows=rows), as_json=as_json)
