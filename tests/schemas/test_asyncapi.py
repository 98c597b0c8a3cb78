import re

import pytest
from jsonschema import Draft202012Validator

from schemas import asyncapi as described
from schemas.asyncapi import AUDIENCES, HEADERS, IN_TRANSACTIONS, KEYS, asyncapi
from schemas.beside import RULES
from schemas.events import EVENTS
from schemas.headers import event_headers
from schemas.stages import STAGES
from schemas.topics import TOPICS

EXAMPLES = {"loan.decision.made": [{"decision_id": "1"}]}
BANKS, OURS = (asyncapi("0.0.0", EXAMPLES, audience) for audience in AUDIENCES.values())
DOCUMENT = {
    "channels": BANKS["channels"] | OURS["channels"],
    "operations": BANKS["operations"] | OURS["operations"],
    "components": {"messages": OURS["components"]["messages"] | BANKS["components"]["messages"]},
}
"""Both documents together."""

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


@pytest.mark.parametrize("document", [BANKS, OURS], ids=["banks", "ours"])
def test_the_document_has_asyncapis_shape(document):
    """What tools need is there, under names they take."""
    Draft202012Validator(SHAPE).validate(document)


@pytest.mark.parametrize(
    ("document", "scheme", "words"),
    [(BANKS, "oauth2", ["takes tokens", "kafka.security"]), (OURS, "X509", ["takes certificates", "kafka.bootstrap"])],
    ids=["banks", "ours"],
)
def test_a_reader_is_led_to_the_door_that_lets_him_in(document, scheme, words):
    """A bank connects with TLS and a token, at the listener that takes tokens; ours with a certificate, at its own."""
    (server,) = document["servers"].values()
    (reference,) = server["security"]
    named = document["components"]["securitySchemes"][reference["$ref"].removeprefix("#/components/securitySchemes/")]
    assert (server["protocol"], named["type"]) == ("kafka-secure", scheme)
    assert all(word in server["description"] for word in words)
    flows = named.get("flows", {})
    assert (scheme == "oauth2") == (flows.get("clientCredentials", {}).get("tokenUrl", "").startswith("https://"))


def test_a_bank_is_not_led_to_the_listener_that_refuses_it():
    """`kafka.bootstrap` takes certificates alone."""
    assert "kafka.bootstrap" not in str(BANKS["servers"])


def test_a_bank_finds_what_it_sends_and_reads_and_nothing_else():
    """An integrator codes against four topics, and is not led to those that it may not read or that change."""
    assert set(BANKS["channels"]) == {"applications", "outcomes", "decisions", "rejections"}
    assert set(BANKS["channels"]) | set(OURS["channels"]) == set(TOPICS)
    assert not set(BANKS["channels"]) & set(OURS["channels"])
    assert set(BANKS["components"]["messages"]) == {
        "loan.application.submitted", "loan.outcome.recorded", "loan.decision.made", "loan.record.rejected",
        "loan.rejection.withdrawn",
    }  # fmt: skip
    for rule in RULES:
        assert rule.says in BANKS["info"]["description"]


def test_both_events_of_the_topic_of_rejections_are_described():
    """A bank that reads of its rejected records is told how a withdrawal looks, too."""
    channel = BANKS["channels"]["rejections"]
    assert set(channel["messages"]) == {"loan.record.rejected", "loan.rejection.withdrawn"}
    sent = BANKS["operations"]["send.rejections"]["messages"]
    assert [one["$ref"].rpartition("/")[2] for one in sent] == list(channel["messages"])
    key = BANKS["components"]["messages"]["loan.record.rejected"]["bindings"]["kafka"]["key"]["description"]
    assert "where the bank's record stands" in key


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
        asyncapi("0.0.0", {}, AUDIENCES["asyncapi.yaml"])


def test_whoever_reads_what_we_write_is_told_to_read_committed():
    """Banks and our own readers alike: a decision of an aborted transaction is none. What banks write needs no word."""
    for document in (BANKS, OURS):
        for key, channel in document["channels"].items():
            told = key in IN_TRANSACTIONS
            assert ("isolation.level=read_committed" in channel["description"]) == told
            assert channel.get("x-consumer-settings") == ({"isolation.level": "read_committed"} if told else None)
    said = {key for key, channel in BANKS["channels"].items() if "x-consumer-settings" in channel}
    assert said == {"decisions", "rejections"}


@pytest.mark.parametrize("document", [BANKS, OURS], ids=["banks", "ours"])
def test_every_message_has_its_key(document):
    """Dead letters too, which keep the refused record's; the key says where a record lies, and what is in order."""
    assert set(KEYS) == set(EVENTS)
    for name, message in document["components"]["messages"].items():
        assert message["bindings"]["kafka"]["key"] == KEYS[name]
