"""One outcome to Kafka, confirmed."""

import json
from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from producers.errors import NotDeliveredError
from producers.outcomes import outcome_record, send_outcome
from schemas.operations import LoanOutcome
from schemas.records import Place

EXAMPLE = Path(__file__).parents[2] / "schemas" / "examples" / "loan.outcome.recorded.json"
OUTCOME = LoanOutcome.model_validate_json(EXAMPLE.read_bytes())


class Message:
    def partition(self):
        return 3

    def offset(self):
        return 40


class FakeKafka:
    """Confirms a record at the next poll, or fails it."""

    def __init__(self, error=None):
        self.error, self.sent, self.waiting = error, [], []

    def __call__(self, settings):
        self.settings = settings
        return self

    def produce(self, topic, *, key, value, headers, on_delivery):
        self.sent.append((topic, key, json.loads(value)))
        self.waiting.append(on_delivery)

    def poll(self, _timeout):
        for report in self.waiting:
            report(self.error, Message())
        self.waiting.clear()

    def close(self):
        pass


def test_an_outcome_is_sent_under_its_application_s_id():
    """On its tenant's topic, confirmed by all replicas; what it does not say is left out."""
    kafka = FakeKafka()
    place = send_outcome({"bootstrap.servers": "k:9092"}, OUTCOME, kafka)
    assert place == Place("loan.outcomes.v1.bank-a", 3, 40)
    assert kafka.sent == [("loan.outcomes.v1.bank-a", b"example-0001", json.loads(EXAMPLE.read_bytes()))]
    assert (kafka.settings["acks"], kafka.settings["enable.idempotence"]) == ("all", True)


def test_an_outcome_that_is_not_confirmed_is_no_outcome():
    """It is said, and no place is told."""
    with pytest.raises(NotDeliveredError):
        send_outcome({}, OUTCOME, FakeKafka(KafkaError(KafkaError._MSG_TIMED_OUT)))


def test_an_older_reader_understands_what_a_newer_door_sends():
    """A field that an outcome does not need is not in its record."""
    _, value = outcome_record(OUTCOME)
    assert b"asserted_by" not in value
    _, vouched = outcome_record(OUTCOME.model_copy(update={"asserted_by": "core-banking"}))
    assert json.loads(vouched)["asserted_by"] == "core-banking"
