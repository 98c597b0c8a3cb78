"""JSON Schemas of the events, made from their models: draft 2020-12, with keywords that every validator knows."""

import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.events import EventType

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_DECIMAL_WORDS = (*_BOUNDS, "max_digits", "decimal_places")
_WRITTEN_MONEY = r"^-?[0-9]{1,14}\.[0-9]{2}$"


def json_schema(event: EventType) -> dict[str, Any]:
    """The schema of `event`'s record value.

    Events that are read (also between our own stages) are described as they are accepted; events written for others
    as they are written, and open: a consumer ignores fields it does not know, so that we can add some.

    >>> from schemas.events import EVENTS
    >>> json_schema(EVENTS["loan.application.submitted"])["properties"]["annual_income"]["anyOf"][0]
    {'type': 'number', 'exclusiveMinimum': 0, 'maximum': 10000000000000}
    """
    mode: JsonSchemaMode = "serialization" if event.side == "written" else "validation"
    schema = event.model.model_json_schema(mode=mode, schema_generator=_PortableJsonSchema)
    return {"$schema": DIALECT, "$id": f"urn:loanstream:event:{event.name}:v{event.version}", **schema}


def file_name(event: EventType) -> str:
    """The name of an event's schema file.

    >>> from schemas.events import EVENTS
    >>> file_name(EVENTS["loan.decision.made"])
    'loan.decision.made.v1.json'
    """
    return f"{event.name}.v{event.version}.json"


class _PortableJsonSchema(GenerateJsonSchema):
    """Pydantic's generator, less what is no JSON Schema and less titles that repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the signature is pydantic's
        return False

    def generate_inner(self, schema: Any) -> JsonSchemaValue:
        # Timestamps are written by a function, of which pydantic only knows that it returns text.
        if schema["type"] == "datetime":
            return {"type": "string", "format": "date-time"}
        return super().generate_inner(schema)

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        return _sorted(_portable(super().generate(schema, mode), is_open=mode == "serialization"))


def _portable(node: Any, *, is_open: bool) -> Any:
    """`node` with every decimal's bounds moved to where they bind, down through the whole schema."""
    if isinstance(node, list):
        return [_portable(item, is_open=is_open) for item in node]
    if not isinstance(node, dict):
        return node
    words = {name: node[name] for name in _DECIMAL_WORDS if name in node}
    plain = {name: _portable(item, is_open=is_open) for name, item in node.items() if name not in words}
    if is_open and plain.get("additionalProperties") is False:
        del plain["additionalProperties"]
    if isinstance(plain.get("description"), str):
        plain["description"] = re.sub(r"(?<!\n)\n(?!\n)", " ", plain["description"])
    return _decimal(plain, words) if words else plain


def _decimal(node: dict[str, Any], words: dict[str, Any]) -> dict[str, Any]:
    bounds = {_BOUNDS[name]: int(float(limit)) for name, limit in words.items() if name in _BOUNDS}
    if node.get("type") == "string":
        return {**node, "pattern": _WRITTEN_MONEY}
    number, text = node["anyOf"]
    text = {**text, "pattern": _signed(text["pattern"], bounds)}
    rest = {name: item for name, item in node.items() if name != "anyOf"}
    said = {"description": "At most two decimals; the same bounds hold for the decimal string.", **rest}
    return {**said, "anyOf": [{**number, **bounds}, text]}


def _signed(pattern: str, bounds: dict[str, int]) -> str:
    """The decimal string's pattern, without the sign or the zero that `bounds` exclude."""
    if "minimum" not in bounds and "exclusiveMinimum" not in bounds:
        return pattern
    if bounds.get("exclusiveMinimum") == 0:
        return pattern.replace("^-?", "^(?=.*[1-9])", 1)
    return pattern.replace("^-?", "^", 1) if bounds.get("minimum") == 0 else pattern


def _sorted(schema: dict[str, Any]) -> dict[str, Any]:
    """What the event is first, its parts last."""
    first = ("title", "description", "type", "required", "properties", "additionalProperties")
    head = {name: schema[name] for name in first if name in schema}
    return {**head, **{name: item for name, item in schema.items() if name not in head}}
