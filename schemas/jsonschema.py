"""JSON Schemas of the events, made from their models: draft 2020-12, with keywords that every validator knows."""

import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.events import EventType
from schemas.meanings import meaning

DIALECT = "https://json-schema.org/draft/2020-12/schema"

END = r"(?![\s\S])"
"""The end of a text, to every dialect of regular expressions that can look ahead."""


def json_schema(event: EventType) -> dict[str, Any]:
    """The schema of `event`'s record value.

    Events that are read (also between our own stages) are described as they are accepted; events written for others
    as they are written. What our own stages write is open: whoever reads it ignores fields he does not know, so that
    we can add some. What banks send is closed.

    >>> from schemas.events import EVENTS
    >>> json_schema(EVENTS["loan.application.submitted"])["properties"]["annual_income"]["anyOf"][0]
    {'exclusiveMinimum': 0, 'maximum': 10000000000000, 'type': 'number'}
    """
    mode: JsonSchemaMode = "serialization" if event.side == "written" else "validation"
    schema = event.model.model_json_schema(mode=mode, schema_generator=_PortableJsonSchema)
    for part in (schema, *schema.get("$defs", {}).values()):
        _explain(part)
    return {"$schema": DIALECT, "$id": f"urn:loanstream:event:{event.name}:v{event.version}", **schema}


def _explain(part: dict[str, Any]) -> None:
    """Put what each field means, and an example, into an object's schema."""
    for name, field in part.get("properties", {}).items():
        said = meaning(part["title"], name)
        if said is None:
            continue
        field["description"] = " ".join(filter(None, (said.text, field.get("description"))))
        if said.example is not None:
            field["examples"] = [said.example]


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

    def generate(self, schema: CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:
        return _sorted(ended(_portable(super().generate(schema, mode))))


def _portable(node: Any) -> Any:
    """`node` with descriptions of one line a paragraph."""
    if isinstance(node, list):
        return [_portable(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {name: _portable(item) for name, item in node.items()}
    if isinstance(plain.get("description"), str):
        plain["description"] = re.sub(r"(?<!\n)\n(?!\n)", " ", plain["description"])
    return plain


def ended(node: Any) -> Any:
    """A schema, or a document of schemas, whose patterns are `exact`."""
    if isinstance(node, list):
        return [ended(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: exact(item) if name == "pattern" and isinstance(item, str) else ended(item) for name, item in node.items()
    }


def exact(pattern: str) -> str:
    r"""A pattern that ends at the text's end for every validator: in Python and Java `$` also stands before a last
    line's end.

    >>> exact("^[A-Z]{3}$")
    '^[A-Z]{3}(?![\\s\\S])'
    """
    return f"{pattern[:-1]}{END}" if pattern.endswith("$") else pattern


def _sorted(schema: dict[str, Any]) -> dict[str, Any]:
    """What the event is first, its parts last."""
    first = ("title", "description", "type", "required", "properties", "additionalProperties")
    head = {name: schema[name] for name in first if name in schema}
    return {**head, **{name: item for name, item in schema.items() if name not in head}}
