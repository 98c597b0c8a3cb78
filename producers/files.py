"""Loan applications out of files (kinds: `READERS`), one by one: each an application, or what is wrong with it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from producers.columns import COLUMNS, GIVEN, MONEY, OPTIONAL, header_errors
from producers.lines import (
    BYTE_ORDER_MARK,
    LINE_ENDS,
    FileRefusedError,
    LineError,
    Place,
    shown,
    shown_path,
    text_lines,
    undecoded,
)
from producers.rows import header_of, rows_of
from producers.spreadsheets import meant, no_application
from schemas.application import LoanApplication
from schemas.cells import spelled
from schemas.decode import Undecodable, check_json, each_error
from schemas.expected import fields_in
from schemas.mistaken import wrapped
from schemas.problem import Problem

SHOWN = 3
"""Names of an object that is no application, of which so many are told."""

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
    """What a line that does not say it itself is taken to say; `id_prefix` goes before every application_id.

    With `only_tenant` a line of another tenant is refused.
    """

    tenant: str | None
    currency: str | None
    submitted_at: datetime
    id_prefix: str = ""
    only_tenant: bool = False

    @property
    def fields(self) -> dict[str, str]:
        """As JSON has them."""
        given = {"tenant": self.tenant, "currency": self.currency, "submitted_at": self.submitted_at.isoformat()}
        return {name: value for name, value in given.items() if value is not None}


class UnknownKindError(Problem):
    """A file whose name ends in nothing of `READERS`."""


def read_applications(
    path: Path,
    tenant: str | None,
    currency: str | None,
    submitted_at: datetime,
    id_prefix: str = "",
    *,
    only_tenant: bool = False,
) -> Iterator[LoanApplication | LineError]:
    """Every line's application, or its errors (one for each faulty field). Holds one line at a time (all of a .json).

    A line's own tenant, currency and submitted_at win over those given; with `only_tenant` a line of another tenant is
    refused. A file without an application is an error too. After an error of the file as a whole (no text,
    a column missing, a quote that nothing closes) nothing more comes. Raises `UnknownKindError` at once, `OSError`
    where the file cannot be read.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnknownKindError(f"{path.name}: expected a file of applications ({', '.join(READERS)})")
    place: Place = "item" if reader is _json else "line"
    return _until_refused(reader(path, Defaults(tenant, currency, submitted_at, id_prefix, only_tenant)), place)


def _until_refused(lines: Iterator[LoanApplication | LineError], place: Place) -> Iterator[LoanApplication | LineError]:
    told = False
    try:
        for line in lines:
            told = True
            yield line
    except FileRefusedError as refused:
        yield replace(refused.error, of_file=not told)
    else:
        if not told:
            yield LineError(1, None, "at least one application", "no applications in it", place, of_file=True)


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
            said = LINE_ENDS if "\r" in text else (fault.errors[0].expected, fault.errors[0].found)
            yield LineError(number, None, *said)
            continue
        yield from _application(number, found, defaults, "line")


def _application(number: int, found: Any, defaults: Defaults, place: Place) -> Iterator[LoanApplication | LineError]:
    """A JSON value's application, or its errors."""
    if not isinstance(found, dict):
        yield LineError(number, None, "a JSON object", shown(found), place)
        return
    if found and found.keys().isdisjoint(LoanApplication.model_fields):
        expected = wrapped(found, LoanApplication.model_fields) or "the fields of an application"
        yield LineError(number, None, expected, f"none of them, but {_names(found)}", place)
        return
    if (said := wrapped(found, LoanApplication.model_fields)) is not None:
        yield LineError(number, None, said, f"an object with {_names(found)}", place)
        return
    fields = {**defaults.fields, **found}
    if isinstance(fields.get("application_id"), str):
        fields["application_id"] = defaults.id_prefix + fields["application_id"]
    try:
        application = LoanApplication.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        yield from (replace(fault, place=place) for fault in _line_errors(number, error, {}, {}))
    else:
        yield _others(number, application, defaults, place) or application


def _names(found: Mapping[str, Any]) -> str:
    return ", ".join(shown(name) for name in list(found)[:SHOWN])


def _others(number: int, application: LoanApplication, defaults: Defaults, place: Place = "line") -> LineError | None:
    """The error of an application of another tenant, where one tenant's alone are wanted."""
    if not defaults.only_tenant or application.tenant == defaults.tenant:
        return None
    return LineError(number, "tenant", f"{defaults.tenant}, for whom it is sent", shown(application.tenant), place)


def _csv(path: Path, defaults: Defaults) -> Iterator[LoanApplication | LineError]:
    rows = rows_of(path)
    at, header = header_of(rows)
    problems = list(header_errors(header, defaults.fields, at))
    if problems:
        yield from (replace(problem, of_file=True) for problem in problems)
        return
    fields = [COLUMNS.get(name) for name in header]
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
    if not any(value.strip() for value in row[len(header) :]):
        row = row[: len(header)]  # a spreadsheet writes every row as wide as its widest
    if len(row) != len(header):
        yield LineError(number, None, f"{len(header)} values, as in the header", str(len(row)))
        return
    broken = [(name, byte) for name, value in zip(header, row, strict=True) if (byte := undecoded(value))]
    if broken:
        yield from (LineError(number, name, "text in UTF-8", byte) for name, byte in broken)
        return
    if [value.strip() for value in row] == header:
        yield LineError(number, None, "an application", "the column names again")
        return
    unnamed = [
        (at, value) for at, (name, value) in enumerate(zip(header, row, strict=True), 1) if not name and value.strip()
    ]
    if unnamed:
        yield from (
            LineError(number, f"column {at}", "no value under a blank name", shown(value)) for at, value in unnamed
        )
        return
    cells = dict(zip((COLUMNS.get(name) for name in header), row, strict=True))
    try:
        # Lax, since a CSV knows text alone: "12" is a number and "Yes" is true.
        application = LoanApplication.model_validate_strings(_event(cells.items(), defaults), strict=False)
    except ValidationError as error:
        needed = [value for field, value in cells.items() if field is not None and field not in OPTIONAL | GIVEN.keys()]
        foreign = no_application(cells["application_id"], needed)
        yield from (
            [LineError(number, None, "an application", foreign)]
            if foreign
            else _line_errors(number, error, names, cells)
        )
    else:
        yield _others(number, application, defaults) or application


def _event(cells: Iterable[tuple[str | None, str]], defaults: Defaults) -> dict[str, Any]:
    event: dict[str, Any] = dict(defaults.fields)
    for field, cell in cells:
        value = cell.strip()
        if field is None or (not value and field in OPTIONAL):
            continue
        room, _, name = field.rpartition(".")
        target = event.setdefault(room, {}) if room else event
        if not value:
            continue
        target[name] = spelled(field, value)
    if "application_id" in event:
        event["application_id"] = defaults.id_prefix + event["application_id"]
    return event


def _line_errors(
    number: int, error: ValidationError, names: Mapping[str, str], cells: Mapping[str | None, str]
) -> Iterator[LineError]:
    """Each error under the name its field has in the file, with what the file itself says there.

    A value that none of several types takes is one error.
    """
    for said, detail in each_error(LoanApplication, error, error.error_count()):
        path = shown_path(fields_in(LoanApplication, detail))
        found = "nothing" if detail["type"] == "missing" else shown(cells.get(path, detail["input"]))
        slip = meant(cells.get(path, ""), is_money=path in MONEY)
        expected = EXPECTED.get(detail["type"], said.expected)
        yield LineError(number, names.get(path, path), expected, found + slip)


READERS: Mapping[str, Callable[[Path, Defaults], Iterator[LoanApplication | LineError]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,  # one application, or a list of them
}
"""Who reads a file, by the ending of its name."""
