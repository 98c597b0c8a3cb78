"""Strict decoding of what others send: bytes in, an event out, or every fault by field without a found value.

pydantic alone takes the last of two equal keys and accepts UTF-16; this module refuses both before pydantic reads.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas import whereabouts
from schemas.expected import Path, expected, expected_on, fields_in
from schemas.hints import hint
from schemas.kinds import kind_of
from schemas.mistaken import encoded, latin, wrapped
from schemas.operations import ERRORS_MAX, PATH_MAX, FieldError
from schemas.records import Unreadable
from schemas.values import SENTENCE_MAX, STORED, Event

E = TypeVar("E", bound=Event)

RECORD, UNKNOWN = "(record)", "(unknown)"
PARTS_MOST = 8
"""Of a path within a text that is no event: no field of ours stands deeper."""
TYPES_MOST = 5
"""So many types a field may be of at most; pydantic tells an error for each."""
LOOKED_AT_MOST = ERRORS_MAX * TYPES_MOST
"""Of pydantic's errors, so many are put into words: a stranger's record is to cost no seconds."""
ROOMY, ENTRIES_MOST = 32 * 1024, 2_000
"""A value of more bytes is counted: an event with more names and items is none, and to tell each of a hundred thousand
wrong ones took seconds, for which all banks waited."""


class Undecodable(Exception):
    """A record that is no valid event. `cause` is a dead letter's cause, `errors` its faults by field."""

    def __init__(self, cause: str, *errors: FieldError) -> None:
        super().__init__(f"{cause}: {'; '.join(f'{error.field}: {error.expected}' for error in errors)}")
        self.cause = cause
        self.errors = errors


class _DuplicateKey(ValueError):
    pass


class _NotFinite(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _DuplicateKey
    return fields


def _constant(_: str) -> NoReturn:
    raise _NotFinite


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


class Fault(NamedTuple):
    """A fault of a JSON text (of `whereabouts.FAULTS`): its cause, what is expected, and what stands there."""

    cause: str
    expected: str
    found: str


FAULTS: Mapping[str, Fault] = {
    "duplicate_key": Fault("duplicate_key", "every key of an object once", "the same key again"),
    "not_a_number": Fault("not_a_number", "finite numbers within bounds, not NaN or Infinity", "no such number"),
    "too_deep": Fault("too_deep", "the nesting of the schema", f"a nesting of more than {whereabouts.DEEPEST}"),
    "lone_surrogate": Fault(
        "invalid_event", "text in Unicode; of a surrogate pair (\\ud800 to \\udfff) both halves, not one", "one half"
    ),
}


def _refuse(cause: str, expected: str, found: str | None = None, field: str = RECORD) -> Undecodable:
    return Undecodable(cause, FieldError(field=field, error=cause, expected=expected, found=found))


def _located(text: str, name: str, known: Collection[str]) -> Undecodable | None:
    """A fault of the text with its place; None where it is not found."""
    there = whereabouts.find(text, name)
    if there is None:
        return None
    fault = FAULTS[name]
    told = FieldError(
        field=_told(there.path[:PARTS_MOST], known),
        error=name,
        expected=fault.expected,
        found=f"{fault.found}, at byte {there.byte}",
    )
    return Undecodable(fault.cause, told)


def _fault(data: bytes, name: str, known: Collection[str]) -> Undecodable:
    fault = FAULTS[name]
    return _located(data.decode("utf-8"), name, known) or _refuse(fault.cause, fault.expected)


def check_json(data: bytes, known: Collection[str] = ()) -> Any:
    """The JSON value, if it is one by the letter: UTF-8, no duplicate key, no NaN or Infinity, not nested too deep.

    Raises `Undecodable`, with the fault's place: its byte, counted from 0, and its path, by the `known` names alone.
    """
    try:
        return _decoder.decode(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _not_utf_8(data, error.start, known) from None
    except _DuplicateKey:
        raise _fault(data, "duplicate_key", known) from None
    except RecursionError:
        raise _fault(data, "too_deep", known) from None
    except json.JSONDecodeError as error:
        found = f"{len(data)} bytes, not JSON from byte {whereabouts.byte_of(error.doc, error.pos)} on"
        raise _refuse("not_json", encoded(data) or "a JSON object", found) from None
    except ValueError:  # it is not finite, or it has thousands of digits and int() refuses it
        raise _fault(data, "not_a_number", known) from None


def _not_utf_8(data: bytes, byte: int, known: Collection[str]) -> Undecodable:
    before = data[:byte].decode("utf-8")
    said = encoded(data) or f"JSON in UTF-8{', not in Latin-1 or Windows-1252' if latin(before, data[byte]) else ''}"
    found = f"{len(data)} bytes, not UTF-8 from byte {byte} on"
    return _refuse("not_json", said, found, _told(whereabouts.end(before)[:PARTS_MOST], known))


def _told(path: Iterable[str | int], known: Collection[str]) -> str:
    """A path as it may be told: by indices and by the names that are ours."""
    told = ".".join(str(part) if isinstance(part, int) or part in known else UNKNOWN for part in path)
    return told[:PATH_MAX] or RECORD


def why_unreadable(message: Unreadable) -> Undecodable:
    """The fault of a record that the client library could not hand over."""
    return _refuse(message.cause, message.expected)


def decode(model: type[E], data: bytes | None, *, stored: bool = False) -> E:
    """The event in a record's value; with `stored` as it was read when it was taken. Raises `Undecodable`."""
    if not data:
        raise _refuse("empty", "a JSON object", "no value")
    return decode_checked(model, data, check_json(data, known_names(model)), stored=stored)


def decode_checked(model: type[E], data: bytes, value: Any, *, stored: bool = False) -> E:
    """The event in `data`, of which `check_json` gave `value`. Raises `Undecodable`."""
    if len(data) > ROOMY and (crowd := _crowd(value)) is not None:
        raise _crowded(model, value, *crowd)
    try:
        return model.model_validate_json(data, context=STORED if stored else None)
    except ValidationError as error:
        if (said := wrapped(value, model.model_fields)) is not None:
            raise _refuse("invalid_event", said, describe(value)) from None
        if error.errors(include_url=False)[0]["type"] == "json_invalid":
            raise _no_text_of_ours(data, known_names(model)) from None
        raise Undecodable("invalid_event", *field_errors(model, error)) from None


def _crowd(value: Any) -> tuple[whereabouts.Path, Any] | None:
    """The fullest object or list met before there were too many entries; None where there are not."""
    fullest: tuple[whereabouts.Path, Any] = ((), ())
    waiting: list[tuple[whereabouts.Path, Any]] = [((), value)] if isinstance(value, dict | list) else []
    entries = 0
    while waiting:
        path, here = waiting.pop()
        fullest = (path, here) if len(here) > len(fullest[1]) else fullest
        entries += len(here)
        if entries > ENTRIES_MOST:
            return fullest
        named = here.items() if isinstance(here, dict) else enumerate(here)
        waiting += [((*path, name), inner) for name, inner in named if isinstance(inner, dict | list)]
    return None


def _crowded(model: type[BaseModel], value: Any, path: whereabouts.Path, here: Any) -> Undecodable:
    said = wrapped(value, model.model_fields)
    if said is not None:
        return _refuse("invalid_event", said, describe(value))
    said = expected_on(model, path) if path else "a JSON object with the fields of the schema"
    field = _told(path[:PARTS_MOST], known_names(model))
    return Undecodable("invalid_event", FieldError(field=field, error="too_many", expected=said, found=describe(here)))


def _no_text_of_ours(data: bytes, known: Collection[str]) -> Undecodable:
    """What pydantic's reader does not take of what Python's does: half a surrogate pair, and 200 brackets in a row."""
    text = data.decode("utf-8")
    return _located(text, "lone_surrogate", known) or _fault(data, "too_deep", known)


def decode_own(model: type[E], data: bytes | None) -> E:
    """The event in a record that one of our own stages wrote: by the schema, without the search for what only a
    stranger would send. Raises `Undecodable`.

    A field that this version does not know is ignored in every part of ours, and refused in the application: a newer
    door took it from the bank, and neither may a decision rest on half of what the bank said, nor may a stage pass on
    half of it. What is ignored is in no hash: a receipt covers what the version that decided knew.
    """
    try:
        return model.model_validate_json(data or b"")
    except ValidationError as error:
        raise Undecodable("invalid_event", *field_errors(model, error)) from None


class Told(NamedTuple):
    """A fault of a field as it is told, and what pydantic says of it (with its value: not for a log)."""

    error: FieldError
    detail: ErrorDetails


def each_error(model: type[BaseModel], error: ValidationError, most: int = LOOKED_AT_MOST) -> list[Told]:
    """The faults of the first `most` of pydantic's errors, each with the one that it was made of.

    A value that none of several types takes is one fault.
    """
    found: dict[tuple[Path, str], Told] = {}
    for detail in error.errors(include_url=False)[:most]:
        path = fields_in(model, detail)
        told = _field_error(model, detail, path)
        found.setdefault((path, told.expected), Told(told, detail))
    return list(found.values())


def field_errors(model: type[BaseModel], error: ValidationError) -> tuple[FieldError, ...]:
    """Pydantic's errors with field, kind and expectation; of the found value only its JSON type and length.

    Faults that read alike, as of several unknown fields, are one with their number; of too many the last says so.
    """
    alike: dict[tuple[str, str], list[FieldError]] = {}
    for told, _ in each_error(model, error):
        alike.setdefault((told.field, told.expected), []).append(told)
    at_least = "at least " if error.error_count() > LOOKED_AT_MOST else ""
    errors = [_as_one(same, at_least) for same in alike.values()]
    if len(errors) <= ERRORS_MAX and not at_least:
        return tuple(errors)
    kept = errors[: ERRORS_MAX - 1]
    return (*kept, _more(len(errors) - len(kept), at_least))


def _as_one(same: Sequence[FieldError], at_least: str) -> FieldError:
    first = same[0]
    if len(same) == 1:
        return first
    noun = "unknown fields" if first.error == "unknown_field" else "values of which each is wrong"
    return first.model_copy(update={"found": f"{at_least}{len(same)} {noun}"})


def _more(left: int, at_least: str) -> FieldError:
    found = f"{at_least}{left} more" if left else "more"
    return FieldError(field=RECORD, error="more_errors", expected="no fault beside those that are listed", found=found)


def _field_error(model: type[BaseModel], detail: ErrorDetails, path: Path) -> FieldError:
    field = _told(path, known_names(model))
    said = expected(model, detail)
    if detail["type"] == "extra_forbidden":
        meant = hint(model, path[:-1], str(path[-1]))
        outside = " outside extensions" if "extensions" in known_names(model) else ""
        said = f"no unknown field{outside}{meant.says if meant else ''}"
        if meant is not None and meant.like is not None and field.endswith(UNKNOWN):
            field = f"{field.removesuffix(UNKNOWN)}(unknown, like {meant.like})"
    return FieldError(
        field=field[:PATH_MAX],
        error=kind_of(detail["type"]),
        expected=said[:SENTENCE_MAX],
        found=None if detail["type"] == "missing" else describe(detail["input"]),
    )


def describe(value: Any) -> str:
    """A found value's JSON type and size, never the value.

    >>> describe("4111 1111")
    'string of 9 characters'
    """
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return f"string of {len(value)} characters"
        case list() | tuple():
            return f"array of {len(value)} items"
        case dict():
            return f"object of {len(value)} keys"
        case _:
            return "value of another type"


def found_key(key: bytes | None) -> str:
    """What is said of a record's key.

    >>> found_key(None), found_key(b"a-1")
    ('no key', 'a key of 3 bytes')
    """
    return "no key" if key is None else f"a key of {len(key)} bytes"


@cache
def known_names(model: type[BaseModel]) -> frozenset[str]:
    """Every field name in a model and in the models inside it."""
    return frozenset(_names(model.model_json_schema()))


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from _names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _names(part)
