import re

import pytest
from jsonschema import Draft202012Validator

from schemas import asyncapi as described
from schemas.asyncapi import HEADERS, asyncapi
from schemas.events import EVENTS
from schemas.headers import event_headers
from schemas.stages import STAGES
from schemas.topics import TOPICS

DOCUMENT = asyncapi("0.0.0", {"loan.decision.made": [{"decision_id": "1"}]})

REFERENCE = {"type": "object", "required": ["$ref"], "properties": {"$ref": {"pattern": "^#/"}}}
SHAPE = {
    "type": "object",
    "required": ["asyncapi", "info", "channels", "operations", "components"],
    "properties": {
        "asyncapi": {"const": "3.1.0"},
        "info": {"required": ["title", "version"]},
        "channels": {
            "propertyNames": {"pattern": r"^[\w.-]+$"},
            "additionalProperties": {
                "required": ["address", "messages", "bindings"],
                "properties": {"messages": {"minProperties": 1, "additionalProperties": REFERENCE}},
            },
        },
        "operations": {
            "propertyNames": {"pattern": r"^[\w.-]+$"},
            "additionalProperties": {
                "required": ["action", "channel", "messages"],
                "properties": {"action": {"enum": ["send", "receive"]}, "channel": REFERENCE},
            },
        },
    },
}


def test_the_document_has_asyncapis_shape():
    """What tools need is there, under names they take."""
    Draft202012Validator(SHAPE).validate(DOCUMENT)


def test_channels_are_the_topics():
    """An address with a tenant put in is the topic's name."""
    for topic in TOPICS.values():
        address = DOCUMENT["channels"][topic.key]["address"]
        assert address.replace("{tenant}", "bank-a") == topic.name("bank-a")
        assert ("parameters" in DOCUMENT["channels"][topic.key]) == bool(re.search("{tenant}", address))


def test_operations_are_what_stages_do():
    """We receive what a stage reads and send what a stage writes."""
    reads = {f"receive.{key}" for stage in STAGES.values() for key in stage.reads}
    writes = {f"send.{key}" for stage in STAGES.values() for key in stage.writes}
    assert set(DOCUMENT["operations"]) == reads | writes


def test_every_header_we_write_is_described():
    """A consumer finds each header of a record in the document, and a record fits its description."""
    written = event_headers(
        event="loan.decision.made",
        event_id="1",
        source="loanstream/score",
        subject="a-1",
        time="2026-02-10T09:30:00.000Z",
        traceparent=b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
    )
    assert {name for name, _ in written} <= set(HEADERS)
    schema = DOCUMENT["components"]["messages"]["loan.decision.made"]["headers"]
    Draft202012Validator(schema).validate({name: value.decode() for name, value in written})


def test_producers_need_no_headers():
    """CloudEvents headers are ours; an application without any is taken."""
    messages = DOCUMENT["components"]["messages"]
    assert {name for name in EVENTS if "required" not in messages[name]["headers"]} == {
        "loan.application.submitted",
        "loan.outcome.recorded",
    }


def test_examples_stand_beside_their_message():
    """An integrator reads a real record where its schema is."""
    assert DOCUMENT["components"]["messages"]["loan.decision.made"]["examples"] == [{"payload": {"decision_id": "1"}}]


def test_one_name_never_means_two_things(monkeypatch):
    """Two parts of the same name with different fields stop the making of the document."""
    monkeypatch.setattr(described, "json_schema", lambda event: {"$defs": {"Part": {"const": event.name}}})
    with pytest.raises(ValueError, match="Part"):
        asyncapi("0.0.0", {})
