"""The columns of a CSV: which there are, and what is wrong with a header."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from producers.forms import Form
from producers.lines import LineError, shown, undecoded
from schemas.expected import expected_at
from schemas.nearest import nearest

SEPARATORS: Mapping[str, str] = {";": "semicolons", "\t": "tabs", "|": "bars"}
SAYS_SEPARATOR = "sep="
"""How the line above the header begins in which spreadsheets tell each other what separates the columns."""
NAMED_MOST = 3


def described(form: Form) -> list[tuple[str, str, str]]:
    """Every field with its columns, whether it must be there, and what its values are."""
    rows = []
    for field in form.own:
        names = " or ".join(name for name, meant in form.columns.items() if meant == field)
        need = "optional" if field in form.optional else form.given.get(field, "required")
        rows.append((names, need, form.written.get(field) or expected_at(form.model, field)))
    return [*rows, *form.beside]


def header_errors(form: Form, header: Sequence[str], given: Iterable[str], line: int = 1) -> Iterator[LineError]:
    """What keeps a file with this header, in that line, from being read at all: one error for each kind of fault."""
    foreign = _not_a_header(form, header, line)
    if foreign is not None:
        yield foreign
        return
    broken = [(number, byte) for number, name in enumerate(header, 1) if (byte := undecoded(name))]
    if broken:
        yield from (LineError(line, f"column {number}", "text in UTF-8", byte) for number, byte in broken)
        return
    fields = [form.columns.get(name) for name in header]
    # What a spreadsheet writes beside the table has no name, and no values.
    meant = {name: _meant(form, name, header) for name in header if name and name not in form.columns}
    slips = {name: near for name, near in meant.items() if near is not None}
    strange = [name for name, near in meant.items() if near is None]
    if slips:
        found = _listed([f"{shown(name)} for {near}" for name, near in slips.items()])
        yield LineError(line, None, f"the columns' names as `{form.listing}` has them", found)
    if strange:
        noun = "column" if len(strange) == 1 else "columns"
        yield LineError(
            line,
            None,
            f"columns of {form.phrase}",
            f"the unknown {noun} {_listed([shown(name) for name in strange])}",
        )
    for index, name in enumerate(header):
        if fields[index] is not None and fields[index] in fields[:index]:
            yield LineError(line, None, f"one column for {fields[index]}", f"another, {shown(name)}")
    there = {*given, *fields, *form.optional, *(form.columns[near] for near in slips.values()), None}
    lacking = [field for field in form.own if field not in there]
    if lacking:
        accepted = [" or ".join(name for name, field in form.columns.items() if field == lack) for lack in lacking]
        yield LineError(line, None, "a column " + ", and a column ".join(accepted), "none")


def _not_a_header(form: Form, header: Sequence[str], line: int) -> LineError | None:
    """What the first line is where it does not name columns by commas."""
    if header[0].startswith(("{", "[")):
        return LineError(
            line, None, "comma-separated values", "JSON; name the file .json, or .jsonl with a value a line"
        )
    if header[0].lower().startswith(SAYS_SEPARATOR):
        word = SEPARATORS.get(header[0][len(SAYS_SEPARATOR) :].strip(' "'), SEPARATORS["\t"])
        return LineError(line, None, *_commas(word))
    for separator, word in SEPARATORS.items():
        names = [name.strip(' "') for text in header for name in text.split(separator)]
        if len(names) > 2 * len(header) and any(nearest(name, form.columns) for name in names):
            return LineError(line, None, *_commas(word))
    if not any(nearest(name, form.columns) for name in header) and any(_is_number(name) for name in header):
        return LineError(line, None, f"a line of column names (see `{form.listing}`)", "values")
    return None


def _commas(found: str) -> tuple[str, str]:
    return "commas between the columns", f"{found}; write it with commas and decimal points"


def names_columns(form: Form, row: Sequence[str]) -> bool:
    """Whether a row names columns, by commas or otherwise: three or more, as the form has them or nearly so.

    >>> from producers.forms import APPLICATIONS
    >>> names_columns(APPLICATIONS, ["Loan id;Education;loan_term"]), names_columns(APPLICATIONS, ["November", "", ""])
    (True, False)
    """
    names = [name.strip(' "') for text in row for name in re.split(r"[;\t|]", text)]
    return sum(nearest(name, form.columns) is not None for name in names) >= NAMED_MOST


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdecimal()


def _meant(form: Form, name: str, header: Sequence[str]) -> str | None:
    near = nearest(name, form.columns)
    return near if near is not None and near not in header else None


def _listed(names: Sequence[str]) -> str:
    """The first of some names.

    >>> _listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    rest = len(names) - NAMED_MOST
    return ", ".join(names[:NAMED_MOST]) + (f" and {rest} more" if rest > 0 else "")
