"""A CSV as rows with their lines, and the row that names its columns."""

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from producers.columns import SAYS_SEPARATOR, names_columns
from producers.forms import Form
from producers.lines import LINE_ENDS, FileRefusedError, LineError, text_lines

OPEN_QUOTE = "unexpected end of data"
"""What Python's csv says of a file that ends within quotes."""
SAYS: Mapping[str, tuple[str, str]] = {
    "new-line character": LINE_ENDS,
    "',' expected after": (
        "a comma or the line's end behind a closing quote",
        "more text; a quote within quotes is written twice",
    ),
    "field larger than": ("values of {phrase}", f"one of more than {csv.field_size_limit()} characters"),
}
"""How Python's csv begins what it says of a line -> what is expected, and what was found, in our words."""
OTHERWISE = ("comma-separated values", "a line that is none")
LOOKED_THROUGH = 20
"""Lines in which the column names are looked for where the first line has none."""

Row = tuple[int, int, list[str] | LineError]
"""A row's first and last line, and its values or what is wrong with it."""


def rows_of(path: Path, form: Form) -> Iterator[Row]:
    """The rows of a CSV, each with its first and its last line, or what is wrong with it.

    Raises `FileRefusedError` at a quote that nothing closes: whatever stands behind it is inside it.
    """
    rows = csv.reader((text + "\n" for _, text in text_lines(path)), skipinitialspace=True, strict=True)
    while True:
        start = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            end = rows.line_num
            if str(error) == OPEN_QUOTE:
                expected = f"an end of the quote that opens in line {start}"
                raise FileRefusedError(LineError(start, None, expected, "none", last=end)) from None
            said = next((ours for begins, ours in SAYS.items() if str(error).startswith(begins)), OTHERWISE)
            expected, found = said
            yield start, end, LineError(start, None, expected.format(phrase=form.phrase), found, last=end)
        else:
            if row is None:
                return
            yield start, rows.line_num, row


def header_of(rows: Iterator[Row], form: Form) -> tuple[int, list[str]]:
    """The first row and its line. Raises `FileRefusedError` where it is blank, or a later one names the columns."""
    at, _, first = next(rows)
    if not isinstance(first, LineError) and ",".join(first).strip().lower() == f"{SAYS_SEPARATOR},":
        at, _, first = next(rows, (at, at, [""]))
    if isinstance(first, LineError):
        raise FileRefusedError(first)
    header = [name.strip() for name in first] or [""]
    if not names_columns(form, header) and not header[0].lower().startswith(SAYS_SEPARATOR):
        later = islice(rows, LOOKED_THROUGH)
        below = next((line for line, _, row in later if isinstance(row, list) and names_columns(form, row)), None)
        if below is not None:
            found = f"it in line {below}; remove what stands above it"
            raise FileRefusedError(LineError(at, None, "a line of column names at the top", found))
    if not any(header):
        raise FileRefusedError(LineError(at, None, "a line of column names", "a blank line"))
    return at, header
