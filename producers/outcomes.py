"""Sends what became of a loan, or what a person decided, to `loan.outcomes.v1.<tenant>`."""

from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Producer

from producers.client import TenantProducer
from schemas.operations import LoanOutcome
from schemas.records import Place
from schemas.topics import TOPICS


def outcome_record(outcome: LoanOutcome) -> tuple[bytes, bytes]:
    """Key and value of an outcome's record. What it does not say is left out: a reader may be older than the field.

    >>> from schemas.operations import LoanOutcome
    >>> said = '{"tenant": "bank-a", "application_id": "a-1", "at": "2026-03-31T10:00:00Z", "kind": "repayment"'
    >>> outcome_record(LoanOutcome.model_validate_json(said + ', "repayment": "repaid"}'))[1][-40:]
    b'"kind":"repayment","repayment":"repaid"}'
    """
    return outcome.application_id.encode(), outcome.model_dump_json(exclude_none=True).encode()


def send_outcome(
    settings: Mapping[str, Any], outcome: LoanOutcome, kafka: Callable[[dict[str, Any]], Any] = Producer
) -> Place:
    """Where the record stands, once every replica that Kafka waits for has it. `settings` are librdkafka's.

    Raises what `TenantProducer` raises; the record may have arrived all the same where it was not confirmed in time.
    """
    with TenantProducer(settings, outcome.tenant, "outcomes", kafka=kafka) as producer:
        delivery = producer.submit_raw(*outcome_record(outcome))
    assert delivery.partition is not None
    assert delivery.offset is not None
    return Place(TOPICS["outcomes"].name(outcome.tenant), delivery.partition, delivery.offset)
