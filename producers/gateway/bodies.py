"""An application in a request's body: read exactly as the stage reads it, and refused in the sender's own words."""

import json
import re
from typing import Any

from fastapi import Request

from producers.gateway.problems import Fault, ProblemError
from schemas.application import LoanApplication
from schemas.decode import UNKNOWN, Undecodable, check_json, decode, decode_checked, known_names
from schemas.operations import FieldError

JSON = "application/json"
FOUND_MOST = 64
"""Characters of what was found that an answer tells."""

_NO_JSON = frozenset({"not_json", "duplicate_key", "not_a_number", "too_deep", "empty"})
"""Causes of a body that cannot be read at all."""
_DOTS = re.compile(r"\.{1,2}")


async def json_body(request: Request) -> bytes:
    """The body's bytes. ProblemError `media-type` where they are announced as something else than JSON."""
    announced = request.headers.get("content-type", "")
    if announced.partition(";")[0].strip().lower() != JSON:
        fault = Fault("Content-Type", JSON, announced[:FOUND_MOST] or None)
        raise ProblemError("media-type", "send JSON", [fault])
    return await request.body()


def application_in(body: bytes, tenant: str) -> LoanApplication:
    """The application of `tenant`, which the body may leave out. ProblemError with every fault of the body."""
    value: Any = None
    try:
        if not body:
            decode(LoanApplication, body)
        value = check_json(body, known_names(LoanApplication))
        application = decode_checked(LoanApplication, _with_tenant(body, value, tenant), value)
    except Undecodable as error:
        kind = "not-json" if error.cause in _NO_JSON else "invalid"
        faults = [Fault(fault.field, fault.expected, _found(value, fault)) for fault in error.errors]
        raise ProblemError(kind, "see errors", faults, reason=error.cause) from None
    if application.tenant != tenant:
        fault = Fault("tenant", f"{tenant}, as the token says, or nothing", application.tenant)
        raise ProblemError("other-tenant", "see errors", [fault])
    if _DOTS.fullmatch(application.application_id):
        fault = Fault("application_id", "one that a path can name: not . or ..", application.application_id)
        raise ProblemError("invalid", "see errors", [fault])
    return application


def _with_tenant(body: bytes, value: Any, tenant: str) -> bytes:
    """The body, with the tenant written into it where it says none; nothing else of it is touched."""
    if not isinstance(value, dict) or "tenant" in value:
        return body
    rest = body.lstrip()[1:]
    return b'{"tenant":' + json.dumps(tenant).encode() + (b"," if value else b"") + rest


def _found(value: Any, fault: FieldError) -> str | None:
    """What the sender sent there; its type and size where it is long, or where its place is not known."""
    parts = fault.field.split(".")
    if fault.found is None or UNKNOWN in parts:
        return fault.found
    for part in parts:
        match value:
            case dict() if part in value:
                value = value[part]
            case list() if part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            case _:
                return fault.found
    if isinstance(value, dict | list):
        return fault.found
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= FOUND_MOST and text.isprintable() else fault.found
