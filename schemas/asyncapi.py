"""The AsyncAPI 3.1 documents: topics, events, headers and who sends what. One is for banks, one is of our own topics.

Seen from the application: `receive` is what loanstream reads, `send` what it writes. A bank sends to what is received
here and reads what is sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from schemas.beside import told
from schemas.events import EVENTS, EventType
from schemas.headers import ATTEMPTS, FIRST_STOOD, ORIGIN, REJECTED
from schemas.jsonschema import exact, json_schema
from schemas.stages import STAGES
from schemas.topics import TENANT_PATTERN, TOPICS, Topic

KAFKA_BINDING = "0.5.0"
_TEXT = {"type": "string"}
_APPLICATION = {**_TEXT, "description": "The application_id of the record's value."}
_BY_RECORD = {
    **_TEXT,
    "description": "The application_id of the record's value; without one, where the bank's record stands.",
}

KEYS: Mapping[str, Mapping[str, Any]] = {
    "loan.application.submitted": _APPLICATION,
    "loan.application.accepted": _APPLICATION,
    "loan.application.verified": _APPLICATION,
    "loan.decision.made": _APPLICATION,
    "loan.outcome.recorded": _APPLICATION,
    "loan.dead_letter": {
        "type": ["string", "null"],
        "description": "The refused record's key, byte for byte, whether it is text or not; null where it had none, or "
        "one above 2 MiB.",
    },
    "loan.record.rejected": _BY_RECORD,
    "loan.rejection.withdrawn": _BY_RECORD,
    "loan.dead_letter.handled": {**_TEXT, "description": "Where the letter stands: topic/partition/offset."},
    "loan.activation.published": {**_TEXT, "description": "The tenant it is for; `all` for every tenant."},
    "loan.gateway.claimed": {**_TEXT, "description": "The claim_id of the record's value."},
    "loan.service.measured": {**_TEXT, "description": "The name of the worker that measured."},
}
"""Event -> the key of its records."""

READ_COMMITTED = {"isolation.level": "read_committed"}
"""What whoever reads a topic of `IN_TRANSACTIONS` sets."""

IN_TRANSACTIONS = {"letters_handled"} | {key for stage in STAGES.values() for key in stage.writes} - {"metrics"}
"""Topics that we write in transactions, which may be aborted: a worker's measurements are sent without one."""

HEADERS: dict[str, dict[str, Any]] = {
    "ce_specversion": {"const": "1.0", "description": "CloudEvents version."},
    "ce_id": {"description": "Unique within ce_source."},
    "ce_source": {"description": "Which worker or producer made the event."},
    "ce_type": {"description": "The event's name, as in schemas/generated/."},
    "ce_time": {"format": "date-time", "description": "When the event was made."},
    "ce_subject": {"description": "The application's id, where the event is about one."},
    "content-type": {"const": "application/json"},
    "traceparent": {
        "pattern": exact("^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"),
        "description": "W3C trace context, carried through all stages.",
    },
    ORIGIN: {
        "pattern": exact("^[^/]+/[0-9]+/[0-9]+$"),
        "description": "The application's record that this one was made from: topic/partition/offset.",
    },
    ATTEMPTS: {"pattern": exact("^[0-9]+$"), "description": "How often a redriven record was processed before."},
    FIRST_STOOD: {"description": "Where a redriven record first stood: topic/partition/offset."},
    REJECTED: {"description": "Where a redriven record first stood whose sender was told that it was rejected."},
}
"""Kafka headers of our own records, UTF-8 text; a producer needs none of them."""

_ALWAYS = tuple(name for name in HEADERS if name not in {ORIGIN, ATTEMPTS, FIRST_STOOD, REJECTED})


class Door(NamedTuple):
    """How a document's readers come in: the listener, the name of their way to prove themselves, and what it is."""

    host: str
    description: str
    scheme: str
    security: Mapping[str, Any]


TOKEN_URL = "https://provider.example/oauth/token"  # noqa: S105 - an address
"""Stands for the token server's, which every installation has its own of."""

TOKENS = Door(
    "kafka.example:9093",
    "The listener that takes tokens, over TLS. Of a running stack `kafka.security` in stack.json has it, with all of a "
    "client's settings, under `producer:<tenant>` and `consumer:<tenant>`; elsewhere the operator names it.",
    "token",
    {
        "type": "oauth2",
        "description": "SASL/OAUTHBEARER with a token by client credentials: the client `<tenant>-producer` to send, "
        "`<tenant>-consumer` to read. The token server's address is `auth.token_endpoint` in a stack's stack.json. "
        "What the client may do, the broker knows: no scope is asked for.",
        "flows": {"clientCredentials": {"tokenUrl": TOKEN_URL, "availableScopes": {}}},
    },
)

CERTIFICATES = Door(
    "127.0.0.1:9092",
    "The listener that takes certificates, over TLS: `kafka.bootstrap` in the stack.json of a running stack.",
    "certificate",
    {"type": "X509", "description": "A certificate of the stage's own; its subject is the principal."},
)


class Audience(NamedTuple):
    """Whom a document is for: its title, its description, whether it holds what banks send and read, their door."""

    title: str
    description: str
    banks: bool
    door: Door


AUDIENCES: dict[str, Audience] = {
    "asyncapi.yaml": Audience(
        "loanstream",
        "Loan applications in, explained and reproducible decisions out: what banks send and read. " + told(),
        banks=True,
        door=TOKENS,
    ),
    "asyncapi-internal.yaml": Audience(
        "loanstream's own topics",
        "What the stages tell each other, for whoever runs loanstream. Nobody else reads or writes these topics; they "
        "change with any version.",
        banks=False,
        door=CERTIFICATES,
    ),
}
"""File name -> whom the document is for."""


def for_banks(topic: Topic) -> bool:
    """Whether banks send to it or read it: their own events, the decisions, and what is wrong with their records."""
    return EVENTS[topic.event].side in ("read", "written")


def asyncapi(version: str, examples: Mapping[str, list[Any]], audience: Audience) -> dict[str, Any]:
    """The whole document; `examples` are record values by event name.

    Raises ValueError where two events mean different things by one schema name.
    """
    topics = [topic for topic in TOPICS.values() if for_banks(topic) == audience.banks]
    events = [EVENTS[name] for name in dict.fromkeys(name for topic in topics for name in topic.events)]
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": audience.title,
            "version": version,
            "description": audience.description,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": _server(audience.door)},
        "channels": {topic.key: _channel(topic) for topic in topics},
        "operations": {name: operation for topic in topics for name, operation in _operations(topic)},
        "components": {
            "messages": {event.name: _message(event, examples.get(event.name, [])) for event in events},
            "schemas": _schemas(events),
            "securitySchemes": {audience.door.scheme: dict(audience.door.security)},
        },
    }


def _server(door: Door) -> dict[str, Any]:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka-secure",
        "description": door.description,
        "variables": {"bootstrap": {"default": door.host}},
        "security": [{"$ref": f"#/components/securitySchemes/{door.scheme}"}],
    }


def _channel(topic: Topic) -> dict[str, Any]:
    address = topic.stem
    if topic.per_tenant:
        address = f"{topic.stem.removesuffix('.dlq')}.{{tenant}}{'.dlq' if topic.is_dlq else ''}"
    tenant = {"tenant": {"description": f"The bank's name: `{TENANT_PATTERN}`.", "examples": ["bank-a"]}}
    return {
        "address": address,
        "description": f"{topic.does[0].upper()}{topic.does[1:]}.{_how_to_read(topic)}",
        **({"x-consumer-settings": dict(READ_COMMITTED)} if topic.key in IN_TRANSACTIONS else {}),
        **({"parameters": tenant} if topic.per_tenant else {}),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.events},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": topic.cleanup.split(","),
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": int(topic.config["max.message.bytes"]),
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _how_to_read(topic: Topic) -> str:
    if topic.key not in IN_TRANSACTIONS:
        return ""
    settings = ", ".join(f"{name}={value}" for name, value in READ_COMMITTED.items())
    return f" Consumers must set {settings}: records of aborted transactions stand in it too, and are no events."


def _operations(topic: Topic) -> list[tuple[str, dict[str, Any]]]:
    """What the stages do with a topic; without a stage that writes it, it comes from outside."""
    found = []
    readers = [stage.name for stage in STAGES.values() if topic.key in stage.reads]
    writers = [stage.name for stage in STAGES.values() if topic.key in stage.writes]
    for action, stages in (("receive", readers), ("send", writers)):
        if stages:
            operation = {
                "action": action,
                "summary": f"{action}s {topic.does}",
                "description": f"Stages: {', '.join(stages)}.",
                "channel": {"$ref": f"#/channels/{topic.key}"},
                "messages": [{"$ref": f"#/channels/{topic.key}/messages/{name}"} for name in topic.events],
            }
            found.append((f"{action}.{topic.key}", operation))
    return found


def _message(event: EventType, examples: list[Any]) -> dict[str, Any]:
    required = [] if event.side == "read" else list(_ALWAYS)
    headers = {name: {**_TEXT, **schema} for name, schema in HEADERS.items()}
    headers["ce_type"] = {**headers["ce_type"], "const": event.name}
    return {
        "name": event.name,
        "title": event.model.__name__,
        "contentType": "application/json",
        "headers": {"type": "object", "properties": headers, **({"required": required} if required else {})},
        "payload": {"$ref": f"#/components/schemas/{event.model.__name__}"},
        "bindings": {"kafka": {"key": dict(KEYS[event.name]), "bindingVersion": KAFKA_BINDING}},
        **({"examples": [{"payload": value} for value in examples]} if examples else {}),
    }


def _schemas(events: Sequence[EventType]) -> dict[str, Any]:
    """Every event's schema and every part of one, under its model's name."""
    found: dict[str, Any] = {}
    for event in events:
        schema = json_schema(event)
        parts = {event.model.__name__: schema, **schema.get("$defs", {})}
        for name, part in parts.items():
            portable = _inlined(part)
            if found.setdefault(name, portable) != portable:
                raise ValueError(f"two events mean different things by {name}")
    return dict(sorted(found.items()))


def _inlined(node: Any) -> Any:
    """`node` with references into this document, and without the words that belong to a file of its own."""
    if isinstance(node, list):
        return [_inlined(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {name: _inlined(item) for name, item in node.items() if name not in ("$defs", "$id", "$schema")}
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = kept["$ref"].replace("#/$defs/", "#/components/schemas/")
    return kept
