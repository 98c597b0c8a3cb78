"""Applications or outcomes out of files (kinds: `READERS`), one by one: each an event, or what is wrong with it."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from producers.columns import header_errors
from producers.forms import APPLICATIONS, OUTCOMES, Form, Repayment
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
from schemas.ahead import AHEAD_MOST_MS
from schemas.application import LoanApplication
from schemas.decode import Undecodable, check_json, each_error
from schemas.expected import fields_in
from schemas.mistaken import wrapped
from schemas.problem import Problem
from schemas.values import Event, ms_of_utc, rfc3339

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


Refuses = Callable[[Any], tuple[str, str, str] | None]
"""Why an event is refused that is well-formed: field, what is expected there, what was found; None where it is not."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What is read (`form`), what a line that does not say it itself is taken to say (`fields`, as JSON has them), and
    what refuses it all the same. `id_prefix` goes before every application_id.
    """

    form: Form
    fields: Mapping[str, str]
    id_prefix: str = ""
    refuses: tuple[Refuses, ...] = ()


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
    given = {"tenant": tenant, "currency": currency, "submitted_at": submitted_at.isoformat()}
    fields = {name: value for name, value in given.items() if value is not None}
    refuses = (_of_others(tenant),) if only_tenant else ()
    return _read(path, Defaults(APPLICATIONS, fields, id_prefix, refuses))


def read_outcomes(path: Path, tenant: str, now: datetime, id_prefix: str = "") -> Iterator[Repayment | LineError]:
    """Every line's outcome, or its errors, as `read_applications` has them; a line of another tenant is refused, and
    one whose `at` lies more than a day after `now`: so it would be once it was sent.
    """
    return _read(path, Defaults(OUTCOMES, {"tenant": tenant}, id_prefix, (_of_others(tenant), _ahead_of(now))))


def _of_others(tenant: str | None) -> Refuses:
    """Refuses what another tenant's is."""

    def refuses(event: Any) -> tuple[str, str, str] | None:
        return (
            None if event.tenant == tenant else ("tenant", f"{tenant}, for whom it is sent", shown(str(event.tenant)))
        )

    return refuses


def _ahead_of(now: datetime) -> Refuses:
    """Refuses what tells of what is to come."""
    latest_ms = ms_of_utc(now) + AHEAD_MOST_MS

    def refuses(event: Any) -> tuple[str, str, str] | None:
        if ms_of_utc(event.at) <= latest_ms:
            return None
        return "at", "a moment at most a day from now", shown(rfc3339(event.at))

    return refuses


def _read(path: Path, defaults: Defaults) -> Iterator[Any]:
    reader, form = READERS.get(path.suffix.lower()), defaults.form
    if reader is None:
        raise UnknownKindError(f"{path.name}: expected a file of {form.noun}s ({', '.join(READERS)})")
    place: Place = "item" if reader is _json else "line"
    return _until_refused(reader(path, defaults), form, place)


def _until_refused(lines: Iterator[Any], form: Form, place: Place) -> Iterator[Any]:
    told = False
    try:
        for line in lines:
            told = True
            yield line
    except FileRefusedError as refused:
        yield replace(refused.error, of_file=not told)
    else:
        if not told:
            yield LineError(1, None, f"at least one {form.noun}", f"no {form.noun}s in it", place, of_file=True)


def _json(path: Path, defaults: Defaults) -> Iterator[Any]:
    try:
        found = check_json(path.read_bytes().removeprefix(BYTE_ORDER_MARK))
    except Undecodable as fault:
        expected = (
            f"one {defaults.form.noun} or a list of them ({fault.errors[0].expected}); lines of JSON are a .jsonl"
        )
        raise FileRefusedError(LineError(1, None, expected, fault.errors[0].found, place="item")) from None
    for number, item in enumerate(found if isinstance(found, list) else [found], 1):
        yield from _event_of(number, item, defaults, "item")


def _jsonl(path: Path, defaults: Defaults) -> Iterator[Any]:
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
        yield from _event_of(number, found, defaults, "line")


def _event_of(number: int, found: Any, defaults: Defaults, place: Place) -> Iterator[Any]:
    """A JSON value's event, or its errors."""
    model = defaults.form.model
    if not isinstance(found, dict):
        yield LineError(number, None, "a JSON object", shown(found), place)
        return
    if found and found.keys().isdisjoint(model.model_fields):
        expected = wrapped(found, model.model_fields) or f"the fields of an {defaults.form.noun}"
        yield LineError(number, None, expected, f"none of them, but {_names(found)}", place)
        return
    if (said := wrapped(found, model.model_fields)) is not None:
        yield LineError(number, None, said, f"an object with {_names(found)}", place)
        return
    fields = {**defaults.fields, **found}
    if isinstance(fields.get("application_id"), str):
        fields["application_id"] = defaults.id_prefix + fields["application_id"]
    try:
        event = model.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        yield from (replace(fault, place=place) for fault in _line_errors(defaults.form, number, error, {}, {}))
    else:
        yield _refused(number, event, defaults, place) or event


def _names(found: Mapping[str, Any]) -> str:
    return ", ".join(shown(name) for name in list(found)[:SHOWN])


def _refused(number: int, event: Event, defaults: Defaults, place: Place = "line") -> LineError | None:
    """The first error of a well-formed event that is refused all the same."""
    found = (refuses(event) for refuses in defaults.refuses)
    return next((LineError(number, *fault, place) for fault in found if fault is not None), None)


def _csv(path: Path, defaults: Defaults) -> Iterator[Any]:
    form = defaults.form
    rows = rows_of(path, form)
    at, header = header_of(rows, form)
    problems = list(header_errors(form, header, defaults.fields, at))
    if problems:
        yield from (replace(problem, of_file=True) for problem in problems)
        return
    fields = [form.columns.get(name) for name in header]
    names = {field: name for name, field in zip(header, fields, strict=True) if field is not None}
    for start, end, row in rows:
        if isinstance(row, LineError):
            yield row
        elif any(value.strip() for value in row):
            yield from (
                replace(item, last=end) if isinstance(item, LineError) else item
                for item in _row(start, row, header, names, defaults)
            )


def _row(number: int, row: list[str], header: list[str], names: Mapping[str, str], defaults: Defaults) -> Iterator[Any]:
    """A row's event, or its errors."""
    form = defaults.form
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
        yield LineError(number, None, f"an {form.noun}", "the column names again")
        return
    unnamed = [
        (at, value) for at, (name, value) in enumerate(zip(header, row, strict=True), 1) if not name and value.strip()
    ]
    if unnamed:
        yield from (
            LineError(number, f"column {at}", "no value under a blank name", shown(value)) for at, value in unnamed
        )
        return
    cells = dict(zip((form.columns.get(name) for name in header), row, strict=True))
    try:
        # Lax, since a CSV knows text alone: "12" is a number and "Yes" is true.
        event = form.model.model_validate_strings(_event(cells.items(), defaults), strict=False)
    except ValidationError as error:
        needed = [
            value
            for field, value in cells.items()
            if field is not None and field not in form.optional | form.given.keys()
        ]
        foreign = no_application(cells["application_id"], needed)
        yield from (
            [LineError(number, None, f"an {form.noun}", foreign)]
            if foreign
            else _line_errors(form, number, error, names, cells)
        )
    else:
        yield _refused(number, event, defaults) or event


def _event(cells: Iterable[tuple[str | None, str]], defaults: Defaults) -> dict[str, Any]:
    event: dict[str, Any] = dict(defaults.fields)
    for field, cell in cells:
        value = cell.strip()
        if field is None or (not value and field in defaults.form.optional):
            continue
        room, _, name = field.rpartition(".")
        target = event.setdefault(room, {}) if room else event
        if not value:
            continue
        target[name] = defaults.form.spelled(field, value)
    if "application_id" in event:
        event["application_id"] = defaults.id_prefix + event["application_id"]
    return event


def _line_errors(
    form: Form, number: int, error: ValidationError, names: Mapping[str, str], cells: Mapping[str | None, str]
) -> Iterator[LineError]:
    """Each error under the name its field has in the file, with what the file itself says there.

    A value that none of several types takes is one error.
    """
    for said, detail in each_error(form.model, error, error.error_count()):
        path = shown_path(fields_in(form.model, detail))
        found = "nothing" if detail["type"] == "missing" else shown(cells.get(path, detail["input"]))
        slip = meant(cells.get(path, ""), is_money=path in form.money)
        expected = EXPECTED.get(detail["type"], said.expected)
        yield LineError(number, names.get(path, path), expected, found + slip)


READERS: Mapping[str, Callable[[Path, Defaults], Iterator[Any]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,  # one of them, or a list
}
"""Who reads a file, by the ending of its name."""
