"""What a field is expected to hold, in plain words: read off the model's JSON Schema, so that both say the same."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from schemas.topics import TENANT_PATTERN
from schemas.values import EXTENSION_NAME, MOMENT, MONEY_DIGITS, NO_CONTROL, NON_NEGATIVE_DIGITS, YEARS_DIGITS

Schema = Mapping[str, Any]

Path = tuple[int | str, ...]
"""The names of fields and the numbers of items that lead to a value."""

MOMENT_WORDS = "a moment such as 2026-03-31T10:00:00Z"

PATTERNS: Mapping[str, str] = {
    f"^{TENANT_PATTERN}$": "a bank's name: 2 to 31 lower-case letters, digits and '-', beginning with a letter",
    r"^[A-Za-z0-9._:-]{1,64}$": "1 to 64 letters, digits, '.', '_', ':' or '-'",
    r"^[A-Z]{3}$": "three capital letters, such as INR",
    r"^[0-9a-f]{64}$": "a SHA-256 as 64 hexadecimal digits in lower case",
    r"^[a-z][a-z0-9_.]{0,63}$": "1 to 64 lower-case letters, digits, '_' or '.', beginning with a letter",
    r"^[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}$": "a media type in lower case, such as application/pdf",
    r"^(sha256|hmac-sha256):[0-9a-f]{64}$": "sha256: or hmac-sha256: and 64 hexadecimal digits in lower case",
    r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$": "a UUID in lower case",
    r"^[0-9a-f-]{36}$": "a UUID in lower case",
    **dict.fromkeys(
        (
            r"^-?[0-9]{1,14}(\.[0-9]{1,2})?$",
            *(f"{sign}({MONEY_DIGITS})$" for sign in ("^-?", "^(?=.*[1-9])")),
            f"^({NON_NEGATIVE_DIGITS})$",
            f"^(?=.*[1-9])({YEARS_DIGITS})$",
        ),
        "a decimal string with at most two decimals",
    ),
    MOMENT: MOMENT_WORDS,
    EXTENSION_NAME: "1 to 64 letters, digits, '_', '.' or '-'",
    NO_CONTROL: "text of 1 to 200 characters, none of them a control character",
}
"""Every pattern of an event, as a person would say it."""

OWN_WORDS = frozenset(
    {
        *("value_error", "out_of_bounds", "datetime_parsing", "finite_number"),
        *("decimal_type", "decimal_parsing", "decimal_max_places"),
    }
)
"""Kinds of errors whose text is ours and says more than the schema."""


def expected(model: type[BaseModel], detail: ErrorDetails) -> str:
    """What stands under `expected` for one of pydantic's errors; never the found value.

    >>> from pydantic import ValidationError
    >>> from schemas.operations import Origin
    >>> try:
    ...     Origin.model_validate_json('{"topic": "t", "partition": -1, "offset": 0}')
    ... except ValidationError as error:
    ...     [expected(Origin, detail) for detail in error.errors()]
    ['an integer of at least 0', 'an integer; the field is required']
    """
    if detail["type"] == "json_invalid":
        return "valid JSON"
    if detail["type"] in OWN_WORDS:
        return detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    root = _root(model)
    said = _words(_at(root, detail["loc"]), root)
    return f"{said}; the field is required" if detail["type"] == "missing" else said


def fields_in(model: type[BaseModel], detail: ErrorDetails) -> Path:
    """The fields and items that lead to the place of one of pydantic's errors.

    Beside them pydantic names which of several types it tried, and that it was a name that it did not like.
    """
    root = _root(model)
    here: Schema = root
    found: list[int | str] = []
    for part in detail["loc"]:
        inner = _inner(_resolved(here, root), part)
        if inner is None:
            return (*found, part) if detail["type"] == "extra_forbidden" else tuple(found)
        here = inner
        found.append(part)
    return tuple(found)


def names_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The fields that the object at `path` may have; none where there stands no object of fields.

    >>> from schemas.application import LoanApplication
    >>> names_at(LoanApplication, ("loan",))
    ('amount', 'term_years', 'product', 'purpose')
    """
    root = _root(model)
    return tuple(_resolved(_at(root, path), root).get("properties", ()))


def expected_at(model: type[BaseModel], field: str) -> str:
    """What the field at a path with dots is expected to hold.

    >>> from schemas.application import LoanApplication
    >>> expected_at(LoanApplication, "applicant.dependents")
    'an integer from 0 to 50'
    """
    return expected_on(model, tuple(field.split(".")))


def expected_on(model: type[BaseModel], path: Path) -> str:
    """As `expected_at`, of the field or the item that a path leads to."""
    root = _root(model)
    return _words(_at(root, path), root)


@cache
def _root(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _at(root: Schema, path: Path) -> Schema:
    """The schema of the field at `path`, or of the last one on the way that has one."""
    here = root
    for part in path:
        inner = _inner(_resolved(here, root), part)
        if inner is None:
            break
        here = inner
    return here


def _inner(schema: Schema, part: int | str) -> Schema | None:
    if isinstance(part, int):
        items: Schema | None = schema.get("items")
        return items
    more = schema.get("additionalProperties")
    found: Schema | None = schema.get("properties", {}).get(part, more if isinstance(more, dict) else None)
    return found


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Behind references, and behind "or null"."""
    if "$ref" in schema:
        return _resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    choices = _choices(schema)
    return _resolved(choices[0], root) if len(choices) == 1 else schema


def _choices(schema: Schema) -> list[Schema]:
    return [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]


def _words(schema: Schema, root: Schema) -> str:
    found = _resolved(schema, root)
    if choices := _choices(found):
        return _joined([_words(choice, root) for choice in choices])
    if "enum" in found or "const" in found:
        return _joined([repr(value) for value in found.get("enum", [found.get("const")])])
    said = _TYPES.get(found.get("type", ""))
    return said(found) if said is not None else "a value of the schema"


def _joined(parts: list[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} or {last}" if first else last


def _number(noun: str, schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f"{noun} from {schema['minimum']} to {schema['maximum']}"
    bounds = [f"{words} {schema[name]}" for name, words in _BOUNDS.items() if name in schema]
    return f"{noun} {' and '.join(bounds)}" if bounds else noun


_BOUNDS = {"exclusiveMinimum": "above", "minimum": "of at least", "maximum": "at most", "exclusiveMaximum": "below"}


def _text(schema: Schema) -> str:
    if "pattern" in schema:
        return PATTERNS.get(schema["pattern"], f"text of the form {schema['pattern']}")
    if schema.get("format") == "date-time":
        return MOMENT_WORDS
    return f"text{_size(schema, 'Length')} characters" if "maxLength" in schema else "text"


def _size(schema: Schema, of: str) -> str:
    least, most = schema.get(f"min{of}"), schema.get(f"max{of}")
    return f" of {least} to {most}" if least is not None else f" of at most {most}"


def _list(schema: Schema) -> str:
    return f"a list{_size(schema, 'Items')} items" if "maxItems" in schema else "a list"


def _object(schema: Schema) -> str:
    return f"a JSON object{_size(schema, 'Properties')} names" if "maxProperties" in schema else "a JSON object"


_TYPES: Mapping[str, Callable[[Schema], str]] = {
    "integer": partial(_number, "an integer"),
    "number": partial(_number, "a number"),
    "boolean": lambda _: "true or false",
    "string": _text,
    "array": _list,
    "object": _object,
}
