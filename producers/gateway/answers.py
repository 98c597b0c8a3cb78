"""What the paths of applications and decisions answer: as JSON, and as the OpenAPI description has it."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal
from urllib.parse import quote

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from producers.gateway.bodies import JSON
from producers.gateway.parts import Decided, Standing
from schemas.decision import LoanDecision
from schemas.events import EVENTS
from schemas.jsonschema import json_schema
from schemas.operations import FieldError


class DecisionAnswer(LoanDecision):
    """The decision as the event has it. `conflicting`: its revision was decided in another way, too; the first one
    counts.
    """

    conflicting: bool


class Links(BaseModel):
    """Where to ask further."""

    application: str = Field(examples=["/v1/applications/A-2026-000417?revision=1"])
    decision: str | None = None


class ApplicationAnswer(BaseModel):
    """How an application stands. `errors` say what is wrong with a rejected one."""

    application_id: str
    revision: int | None
    status: Literal["accepted", "decided", "rejected"]
    links: Links
    decision: DecisionAnswer | None = None
    errors: tuple[FieldError, ...] | None = None


def as_json(value: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The response; quicker than the framework's own way."""
    return Response(orjson.dumps(value), status, headers, JSON)


def link(application_id: str, revision: int | None) -> str:
    """The path that tells how a revision stands.

    >>> link("A-7", 2)
    '/v1/applications/A-7?revision=2'
    """
    path = f"/v1/applications/{quote(application_id, safe=':')}"
    return path if revision is None else f"{path}?revision={revision}"


def standing_body(application_id: str, standing: Standing) -> dict[str, Any]:
    """`ApplicationAnswer` as JSON."""
    links = {"application": link(application_id, standing.revision)}
    body: dict[str, Any] = {
        "application_id": application_id,
        "revision": standing.revision,
        "status": standing.status,
        "links": links,
    }
    if standing.decided is not None:
        links["decision"] = f"/v1/decisions/{standing.decided.event['decision_id']}"
        body["decision"] = decision_body(standing.decided)
    if standing.errors:
        body["errors"] = list(standing.errors)
    return body


def decision_body(decided: Decided) -> dict[str, Any]:
    """`DecisionAnswer` as JSON."""
    return {**decided.event, "conflicting": decided.conflicting}


@cache
def application_schema() -> dict[str, Any]:
    """The schema of an application as a body: the contract's own, in one piece, and `tenant` may be left out."""
    schema = json_schema(EVENTS["loan.application.submitted"])
    parts = schema.pop("$defs", {})
    for name in ("$schema", "$id"):
        schema.pop(name, None)
    whole: dict[str, Any] = _in_one_piece(schema, parts)
    return {**whole, "required": [name for name in whole["required"] if name != "tenant"]}


def _in_one_piece(schema: Any, parts: Mapping[str, Any]) -> Any:
    """The schema with each reference replaced by what it names: an application holds none of itself."""
    match schema:
        case {"$ref": str(ref), **rest}:
            return {**_in_one_piece(parts[ref.rpartition("/")[2]], parts), **rest}
        case dict():
            return {name: _in_one_piece(part, parts) for name, part in schema.items()}
        case list():
            return [_in_one_piece(part, parts) for part in schema]
    return schema


def application_request(example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What `openapi_extra` says of a body that is an application."""
    content = {"schema": application_schema()} | ({} if example is None else {"example": example})
    return {"requestBody": {"required": True, "content": {JSON: content}}}
