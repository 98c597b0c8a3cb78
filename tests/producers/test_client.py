import json
from datetime import UTC, datetime

import pytest
from confluent_kafka import KafkaError, KafkaException

from producers.client import ApplicationProducer
from producers.errors import (
    CredentialsRefusedError,
    NotDeliveredError,
    PermissionRefusedError,
    ProducerError,
    TooLargeError,
)
from producers.librdkafka import TIMEOUT_NAMES
from producers.synthetic.applications import Shares, synthesise
from schemas.topics import APPLICATION_MAX_BYTES, RECORD_MAX_BYTES

PLAIN = Shares(repeated=0, documents=0, inflated=0, broken=0)
APPLICATIONS = [item.application for item in synthesise(30, 1, "bank-a", PLAIN, datetime(2026, 11, 2, tzinfo=UTC))]


class Message:
    def __init__(self, offset: int) -> None:
        self._offset = offset

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset


class FakeKafka:
    """Confirms one record a poll, or fails it with the next of `errors`; holds at most `queue` records."""

    def __init__(self, errors=(), queue=1000, log_in_errors=(), refuses=None, deaf=False):
        self.sent, self.waiting, self.most, self.purged, self.closed = [], [], 0, False, False
        self.errors, self.queue, self.log_in_errors = list(errors), queue, list(log_in_errors)
        self.refuses, self.deaf = refuses, deaf

    def __call__(self, settings):
        self.settings = settings
        return self

    def produce(self, topic, *, key, value, headers, on_delivery):
        if self.refuses:
            raise KafkaException(KafkaError(self.refuses))
        if len(self.waiting) >= self.queue:
            raise BufferError
        self.sent.append((topic, key, value, headers))
        self.waiting.append(on_delivery)
        self.most = max(self.most, len(self.waiting))

    def poll(self, timeout):
        assert not self.closed
        if self.log_in_errors and not self.purged:
            told = self.log_in_errors.pop(0)
            self.settings["error_cb"](told if isinstance(told, KafkaError) else KafkaError(told))
        elif self.waiting and (self.purged or (timeout and not self.deaf)):
            code = KafkaError._PURGE_QUEUE if self.purged else self.errors.pop(0) if self.errors else None
            self.waiting.pop(0)(KafkaError(code) if code else None, Message(len(self.sent)))
        return 0

    def purge(self):
        assert not self.closed
        self.purged = True

    def close(self):
        assert not self.waiting, "it would wait for them"
        self.closed = True


def producer(kafka, tenant="bank-a", settings=None, **options):
    return ApplicationProducer(settings or {"bootstrap.servers": "nowhere:1"}, tenant, kafka=kafka, **options)


def test_sends_to_the_tenants_topic_under_the_applications_id():
    """An application goes to its tenant's topic, keyed by its id, as the JSON of the contract, with the given trace."""
    kafka = FakeKafka()
    with producer(kafka) as open_producer:
        delivery = open_producer.submit(APPLICATIONS[0], traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
        assert not delivery.done
    topic, key, value, headers = kafka.sent[0]
    assert (topic, key) == ("loan.applications.v1.bank-a", b"syn-000001")
    assert json.loads(value)["annual_income"] == str(APPLICATIONS[0].annual_income) + ".00"
    assert dict(headers)["traceparent"].startswith(b"00-aaaa")
    assert (delivery.confirmed, delivery.partition, delivery.offset) == (True, 0, 1)


def test_confirmation_cannot_be_switched_off():
    """Idempotence, acks=all and the record size are ours; the rest of the settings are the caller's."""
    kafka = FakeKafka()
    producer(kafka, settings={"acks": "0", "enable.idempotence": False, "linger.ms": 50})
    assert kafka.settings["acks"] == "all"
    assert kafka.settings["enable.idempotence"] is True
    assert kafka.settings["message.max.bytes"] == RECORD_MAX_BYTES
    assert kafka.settings["linger.ms"] == 50
    assert 0 < kafka.settings["message.timeout.ms"] <= 120_000


@pytest.mark.parametrize("name", TIMEOUT_NAMES)
def test_an_endless_delivery_timeout_is_refused(name):
    """Waiting for ever for a delivery is no setting one can choose; a finite one is taken."""
    with pytest.raises(ValueError, match=f"{name}: expected 1 to 900000, found 0"):
        producer(FakeKafka(), settings={name: 0})
    kafka = FakeKafka()
    producer(kafka, settings={name: 5000})
    assert [kafka.settings[one] for one in TIMEOUT_NAMES if one in kafka.settings] == [5000]


def test_another_tenants_application_is_not_sent():
    """A producer of one tenant refuses the application of another, and a name that no tenant can have."""
    kafka = FakeKafka()
    with pytest.raises(ValueError, match="sends for bank-b"):
        producer(kafka, "bank-b").submit(APPLICATIONS[0])
    assert not kafka.sent
    with pytest.raises(ValueError, match="tenant"):
        producer(kafka, "Bank B")


def test_too_large_a_record_is_refused_before_it_is_sent():
    """Above 1 MiB nothing is sent; at exactly 1 MiB it is."""
    kafka = FakeKafka()
    open_producer = producer(kafka)
    with pytest.raises(TooLargeError, match=f"expected at most {APPLICATION_MAX_BYTES} bytes"):
        open_producer.submit_raw(b"k", b"x" * (APPLICATION_MAX_BYTES + 1))
    assert not kafka.sent
    open_producer.submit_raw(b"k", b"x" * APPLICATION_MAX_BYTES)
    assert len(kafka.sent) == 1


def test_a_sender_faster_than_the_broker_waits():
    """No more records are in flight than allowed, and a full queue of the client library delays instead of failing."""
    for kafka, options in ((FakeKafka(), {"in_flight_max": 4}), (FakeKafka(queue=4), {})):
        with producer(kafka, **options) as open_producer:
            for application in APPLICATIONS:
                open_producer.submit(application)
        assert kafka.most == 4
        assert open_producer.confirmed == len(kafka.sent) == len(APPLICATIONS)


def test_flush_lists_what_was_not_confirmed():
    """Every record that was not confirmed is named with its reason, once; the others are confirmed."""
    kafka = FakeKafka(errors=[None, KafkaError._MSG_TIMED_OUT, None, KafkaError.MSG_SIZE_TOO_LARGE])
    open_producer = producer(kafka)
    deliveries = [open_producer.submit(application) for application in APPLICATIONS[:5]]
    with pytest.raises(NotDeliveredError, match="2 not confirmed: syn-000002: not confirmed within") as raised:
        open_producer.flush()
    assert [failure.key for failure in raised.value.failures] == ["syn-000002", "syn-000004"]
    assert [delivery.confirmed for delivery in deliveries] == [True, False, True, False, True]
    assert all(delivery.done for delivery in deliveries)
    open_producer.flush()


@pytest.mark.parametrize("code", [29, 30, 31, 53])
def test_a_missing_permission_stops_the_sender_at_once(code):
    """After one refused record nothing more is sent: the broker would refuse it all the same."""
    kafka = FakeKafka(errors=[code])
    open_producer = producer(kafka, in_flight_max=2)
    for application in APPLICATIONS[:2]:
        open_producer.submit(application)
    with pytest.raises(PermissionRefusedError, match=r"loan\.applications\.v1\.bank-a"):
        open_producer.submit(APPLICATIONS[2])
    with pytest.raises(PermissionRefusedError):
        open_producer.submit(APPLICATIONS[3])
    assert len(kafka.sent) == 2


def test_refused_credentials_stop_the_sender_before_the_timeout():
    """Three refused log-ins before anything was confirmed are enough; what was queued is given up and named."""
    kafka = FakeKafka(log_in_errors=[KafkaError._AUTHENTICATION] * 3, deaf=True)
    with pytest.raises(CredentialsRefusedError, match="client id") as raised, producer(kafka) as open_producer:
        open_producer.submit(APPLICATIONS[0])
    assert kafka.purged
    assert "given up before it was sent" in str(raised.value.__cause__)


REFUSED = KafkaError(
    KafkaError._AUTHENTICATION,
    'Failed to acquire SASL OAUTHBEARER token: {"error":"invalid_client","error_description":"wrong"}',
)
AWAY = KafkaError(
    KafkaError._AUTHENTICATION,
    "Failed to acquire SASL OAUTHBEARER token: Failed to connect to localhost port 1 after 0 ms: Could not connect",
)


@pytest.mark.parametrize("confirmed", [0, 1])
def test_a_refusal_by_the_token_server_is_told_at_once_and_not_tried_again(confirmed):
    """One is enough, also after a secret was replaced under way: the client library would ask again and again, and say
    nothing.
    """
    kafka = FakeKafka()
    open_producer = producer(kafka)
    for application in APPLICATIONS[:confirmed]:
        open_producer.submit(application)
    open_producer.flush()
    kafka.log_in_errors, kafka.deaf = [REFUSED], True
    open_producer.submit(APPLICATIONS[1])
    for _ in range(2):
        with pytest.raises(CredentialsRefusedError):
            open_producer.submit(APPLICATIONS[2])
    assert (len(kafka.sent), kafka.closed) == (confirmed + 1, True)


def test_a_token_server_that_is_away_is_waited_for():
    """However often it did not answer: the credentials are not to blame, and what times out says who is."""
    kafka = FakeKafka(log_in_errors=[AWAY] * 5, errors=[None, KafkaError._MSG_TIMED_OUT])
    open_producer = producer(kafka)
    open_producer.submit(APPLICATIONS[0])
    open_producer.flush()
    kafka.log_in_errors = [AWAY]
    open_producer.submit(APPLICATIONS[1])
    with pytest.raises(NotDeliveredError, match="delivery timeout: the token server does not answer"):
        open_producer.flush()


def test_a_token_that_expired_while_its_server_is_away_is_no_refusal():
    """The broker doubts it again and again; nobody's credentials are wrong."""
    kafka = FakeKafka(log_in_errors=[AWAY, *[KafkaError._AUTHENTICATION] * 5])
    with producer(kafka) as open_producer:
        open_producer.submit(APPLICATIONS[0])
    assert open_producer.confirmed == 1


def test_leaving_the_block_ends_the_client():
    """A client that is only forgotten goes on asking for tokens, with a secret that was replaced long ago."""
    kafka = FakeKafka()
    with producer(kafka) as open_producer:
        open_producer.submit(APPLICATIONS[0])
    assert kafka.closed


def test_a_refused_log_in_on_the_way_is_survived():
    """A refusal that the next log-in mends (a key rotation) costs nothing."""
    kafka = FakeKafka(log_in_errors=[KafkaError._AUTHENTICATION] * 2)
    with producer(kafka) as open_producer:
        open_producer.submit(APPLICATIONS[0])
    assert open_producer.confirmed == 1


def test_a_refusal_that_was_mended_is_forgotten():
    """Once something was confirmed, a later timeout is no longer blamed on the log-in before."""
    kafka = FakeKafka(log_in_errors=[KafkaError._AUTHENTICATION], errors=[None, KafkaError._MSG_TIMED_OUT])
    open_producer = producer(kafka)
    for application in APPLICATIONS[:2]:
        open_producer.submit(application)
    with pytest.raises(NotDeliveredError, match="1 not confirmed: syn-000002"):
        open_producer.flush()


def test_a_timeout_after_refused_log_ins_is_about_credentials():
    """Records that time out while log-ins are refused are the credentials' fault, and are listed as the cause."""
    kafka = FakeKafka(log_in_errors=[KafkaError._AUTHENTICATION], errors=[KafkaError._MSG_TIMED_OUT])
    open_producer = producer(kafka)
    open_producer.submit(APPLICATIONS[0])
    with pytest.raises(CredentialsRefusedError) as raised:
        open_producer.flush()
    assert raised.value.__cause__.failures[0].key == "syn-000001"


def test_a_timeout_says_why_nothing_moved():
    """Where the broker cannot be reached, the records that time out say so."""
    kafka = FakeKafka(log_in_errors=[KafkaError._ALL_BROKERS_DOWN], errors=[KafkaError._MSG_TIMED_OUT])
    open_producer = producer(kafka)
    open_producer.submit(APPLICATIONS[0])
    with pytest.raises(NotDeliveredError, match="delivery timeout: no broker answers"):
        open_producer.flush()


def test_an_error_inside_the_block_comes_out():
    """The caller's own error is not hidden by undelivered records, and does not wait for them."""
    kafka = FakeKafka(deaf=True)
    open_producer = producer(kafka)
    delivery = open_producer.submit(APPLICATIONS[0])
    with pytest.raises(RuntimeError, match="mine"), open_producer:
        raise RuntimeError("mine")
    assert delivery.failure == "given up before it was sent"


def test_a_dead_client_says_so():
    """An error of the client library itself names the record and no more."""
    with pytest.raises(ProducerError, match="syn-000001: _FATAL"):
        producer(FakeKafka(refuses=KafkaError._FATAL)).submit(APPLICATIONS[0])
