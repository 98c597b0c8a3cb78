"""Loan applications out of files (kinds: `READERS`), one by one: each an application, or what is wrong with it."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from producers.columns import COLUMNS, WHOLE_NUMBERS, header_errors
from producers.lines import BYTE_ORDER_MARK, FileRefusedError, LineError, Place, shown, text_lines, undecoded
from schemas.application import LoanApplication
from schemas.decode import Undecodable, check_json, field_errors
from schemas.problem import Problem

OPEN_QUOTE = "unexpected end of data"
"""What Python's csv says of a file that ends within quotes."""

EXPECTED: Mapping[str, str] = {
    "missing": "a value",
    "bool_parsing": "Yes or No",
    "datetime_from_date_parsing": "a time such as 2026-03-31T10:00:00Z",
    "datetime_parsing": "a time such as 2026-03-31T10:00:00Z",
    "timezone_aware": "a time with its zone, such as 2026-03-31T10:00:00Z",
}
"""Kinds of errors that we say better."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a line that does not say it itself is taken to say; `id_prefix` goes before every application_id."""

    tenant: str | None
    currency: str | None
    submitted_at: datetime
    id_prefix: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """As JSON has them."""
        given = {"tenant": self.tenant, "currency": self.currency, "submitted_at": self.submitted_at.isoformat()}
        return {name: value for name, value in given.items() if value is not None}


class UnknownKindError(Problem):
    """A file whose name ends in nothing of `READERS`."""


def read_applications(
    path: Path, tenant: str | None, currency: str | None, submitted_at: datetime, id_prefix: str = ""
) -> Iterator[LoanApplication | LineError]:
    """Every line's application, or its errors (one for each faulty field). Holds one line at a time (all of a .json).

    A line's own tenant, currency and submitted_at win over those given. After an error of the file as a whole (no text,
    a column missing, a quote that nothing closes) nothing more comes. Raises `UnknownKindError` at once, `OSError`
    where the file cannot be read.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnknownKindError(f"{path.name}: expected a file of applications ({', '.join(READERS)})")
    return _until_refused(reader(path, Defaults(tenant, currency, submitted_at, id_prefix)))


def _until_refused(lines: Iterator[LoanApplication | LineError]) -> Iterator[LoanApplication | LineError]:
    try:
        yield from lines
    except FileRefusedError as refused:
        yield refused.error


def _json(path: Path, defaults: Defaults) -> Iterator[LoanApplication | LineError]:
    try:
        found = check_json(path.read_bytes().removeprefix(BYTE_ORDER_MARK))
    except Undecodable as fault:
        expected = f"one application or a list of them ({fault.errors[0].expected}); lines of JSON are a .jsonl"
        raise FileRefusedError(LineError(1, None, expected, fault.errors[0].found, place="item")) from None
    for number, item in enumerate(found if isinstance(found, list) else [found], 1):
        yield from _application(number, item, defaults, "item")


def _jsonl(path: Path, defaults: Defaults) -> Iterator[LoanApplication | LineError]:
    for number, text in text_lines(path):
        if not text.strip():
            continue
        if (byte := undecoded(text)) is not None:
            yield LineError(number, None, "text in UTF-8", byte)
            continue
        try:
            found = check_json(text.encode())
        except Undecodable as fault:
            yield LineError(number, None, fault.errors[0].expected, fault.errors[0].found)
            continue
        yield from _application(number, found, defaults, "line")


def _application(number: int, found: Any, defaults: Defaults, place: Place) -> Iterator[LoanApplication | LineError]:
    """A JSON value's application, or its errors."""
    if not isinstance(found, dict):
        yield LineError(number, None, "a JSON object", shown(found), place)
        return
    fields = {**defaults.fields, **found}
    if isinstance(fields.get("application_id"), str):
        fields["application_id"] = defaults.id_prefix + fields["application_id"]
    try:
        yield LoanApplication.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        yield from (replace(fault, place=place) for fault in _line_errors(number, error, {}, {}))


def _csv(path: Path, defaults: Defaults) -> Iterator[LoanApplication | LineError]:
    rows = _rows(path)
    _, _, first = next(rows)
    if isinstance(first, LineError):
        raise FileRefusedError(first)
    header = [name.strip() for name in first]
    if not any(header):
        raise FileRefusedError(LineError(1, None, "a line of column names", "a blank line"))
    problems = list(header_errors(header, defaults.fields))
    if problems:
        yield from problems
        return
    fields = [COLUMNS[name] for name in header]
    names = {field: name for name, field in zip(header, fields, strict=True) if field is not None}
    for start, end, row in rows:
        if isinstance(row, LineError):
            yield row
        elif any(value.strip() for value in row):
            yield from (
                replace(item, last=end) if isinstance(item, LineError) else item
                for item in _row(start, row, header, names, defaults)
            )


def _row(
    number: int, row: list[str], header: list[str], names: Mapping[str, str], defaults: Defaults
) -> Iterator[LoanApplication | LineError]:
    """A row's application, or its errors."""
    if len(row) != len(header):
        yield LineError(number, None, f"{len(header)} values, as in the header", str(len(row)))
        return
    broken = [(name, byte) for name, value in zip(header, row, strict=True) if (byte := undecoded(value))]
    if broken:
        yield from (LineError(number, name, "text in UTF-8", byte) for name, byte in broken)
        return
    cells = dict(zip((COLUMNS[name] for name in header), row, strict=True))
    try:
        # Lax, since a CSV knows text alone: "12" is a number and "Yes" is true.
        yield LoanApplication.model_validate_strings(_event(cells.items(), defaults), strict=False)
    except ValidationError as error:
        yield from _line_errors(number, error, names, cells)


def _rows(path: Path) -> Iterator[tuple[int, int, list[str] | LineError]]:
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
            yield start, end, LineError(start, None, "comma-separated values", str(error), last=end)
        else:
            if row is None:
                return
            yield start, rows.line_num, row


def _event(cells: Iterable[tuple[str | None, str]], defaults: Defaults) -> dict[str, Any]:
    event: dict[str, Any] = dict(defaults.fields)
    for field, cell in cells:
        value = cell.strip()
        if field is None or not value:
            continue
        room, _, name = field.rpartition(".")
        target = event.setdefault(room, {}) if room else event
        # Pydantic takes "7_78" for 778. A typing error is not a score.
        target[name] = value.replace("_", " ") if field in WHOLE_NUMBERS else value
    if "application_id" in event:
        event["application_id"] = defaults.id_prefix + event["application_id"]
    applicant = event.get("applicant", {})
    if "education" in applicant:
        applicant["education"] = "_".join(applicant["education"].lower().split())
    return event


def _line_errors(
    number: int, error: ValidationError, names: Mapping[str, str], cells: Mapping[str | None, str]
) -> Iterator[LineError]:
    """Each error under the name its field has in the file, with what the file itself says there."""
    details = error.errors(include_url=False, include_context=False)
    for said, detail in zip(field_errors(LoanApplication, error), details, strict=False):
        path = ".".join(str(part) for part in detail["loc"])
        found = "nothing" if detail["type"] == "missing" else shown(cells.get(path, detail["input"]))
        yield LineError(number, names.get(path, path), EXPECTED.get(said.error, said.expected), found)


READERS: Mapping[str, Callable[[Path, Defaults], Iterator[LoanApplication | LineError]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,  # one application, or a list of them
}
"""Who reads a file, by the ending of its name."""
