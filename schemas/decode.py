"""Strict decoding of what others send: bytes in, an event out, or every fault by field without a found value.

pydantic alone takes the last of two equal keys and accepts UTF-16; this module refuses both before pydantic reads.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.expected import expected
from schemas.mistaken import encoded, wrapped
from schemas.nearest import nearest
from schemas.operations import ERRORS_MAX, PATH_MAX, FieldError
from schemas.records import Unreadable
from schemas.values import SENTENCE_MAX, Event

E = TypeVar("E", bound=Event)

UNKNOWN = "(unknown)"


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


def _refuse(cause: str, expected: str, found: str | None = None) -> Undecodable:
    return Undecodable(cause, FieldError(field="(record)", error=cause, expected=expected, found=found))


def check_json(data: bytes) -> Any:
    """The JSON value, if it is one by the letter: UTF-8, no duplicate key, no NaN or Infinity, not nested too deep.

    Raises `Undecodable`.
    """
    try:
        return _decoder.decode(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise _refuse("not_json", encoded(data) or "JSON in UTF-8", f"{len(data)} bytes") from None
    except _DuplicateKey:
        raise _refuse("duplicate_key", "every key of an object once") from None
    except _NotFinite:
        raise _refuse("not_a_number", "finite numbers; NaN and Infinity are not JSON") from None
    except RecursionError:
        raise _refuse("too_deep", "the nesting of the schema") from None
    except json.JSONDecodeError as error:
        found = f"{len(data)} bytes, not JSON from byte {error.pos} on"
        raise _refuse("not_json", encoded(data) or "a JSON object", found) from None
    except ValueError:  # int() refuses thousands of digits
        raise _refuse("not_a_number", "numbers within the schema's bounds") from None


def why_unreadable(message: Unreadable) -> Undecodable:
    """The fault of a record that the client library could not hand over."""
    return _refuse(message.cause, message.expected)


def decode(model: type[E], data: bytes | None) -> E:
    """The event in a record's value. Raises `Undecodable`."""
    if not data:
        raise _refuse("empty", "a JSON object", "no value")
    return decode_checked(model, data, check_json(data))


def decode_checked(model: type[E], data: bytes, value: Any) -> E:
    """The event in `data`, of which `check_json` gave `value`. Raises `Undecodable`."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        if (said := wrapped(value)) is not None:
            raise _refuse("invalid_event", said, describe(value)) from None
        raise Undecodable("invalid_event", *field_errors(model, error)) from None


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


def field_errors(model: type[BaseModel], error: ValidationError) -> tuple[FieldError, ...]:
    """Pydantic's errors with field, kind and expectation; of the found value only its JSON type and length."""
    return tuple(_field_error(model, detail) for detail in error.errors(include_url=False)[:ERRORS_MAX])


def _field_error(model: type[BaseModel], detail: ErrorDetails) -> FieldError:
    known = known_names(model)
    path = ".".join(str(part) if isinstance(part, int) or part in known else UNKNOWN for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        said = "no unknown field outside extensions" + _meant(model, str(detail["loc"][-1]))
    else:
        said = expected(model, detail)
    return FieldError(
        field=path[:PATH_MAX] or "(record)",
        error=detail["type"],
        expected=said[:SENTENCE_MAX],
        found=None if detail["type"] == "missing" else describe(detail["input"]),
    )


def _meant(model: type[BaseModel], name: str) -> str:
    """Where a field stands that was put elsewhere, or what a name is a slip of; nothing where neither is known."""
    homes = sorted(place or "the event itself" for place in _places(model).get(name, ()))
    if homes:
        return f"; {name} belongs into {' or '.join(homes)}"
    near = nearest(name, known_names(model))
    return f"; nearest known name: {near}" if near else ""


@cache
def _places(model: type[BaseModel]) -> dict[str, set[str]]:
    """Field name -> the paths of the objects that have it; the event itself is the empty path."""
    root = model.model_json_schema()
    found: dict[str, set[str]] = {}

    def walk(schema: Any, path: str) -> None:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
        for name, field in schema.get("properties", {}).items():
            found.setdefault(name, set()).add(path)
            for part in (field, field.get("items", {}), *field.get("anyOf", ())):
                walk(part, f"{path}.{name}" if path else name)

    walk(root, "")
    return found


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
