"""A wrong secret is told within seconds by every client of ours: librdkafka itself asks a token server that refuses it."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from confluent_kafka import KafkaError, KafkaException

from producers import refusals
from producers.client import TenantProducer
from producers.decisions import DecisionConsumer
from producers.errors import CredentialsRefusedError
from producers.gateway import following
from producers.gateway.following import REFUSED, Follower
from producers.refusals import ASK_AFTER_S, REFUSALS_MAX, LogIns

ENOUGH_S = 20.0
DOUBTED = KafkaError(KafkaError._AUTHENTICATION)


class Refusing(BaseHTTPRequestHandler):
    """A token server that knows nobody."""

    def do_POST(self):
        said = json.dumps({"error": "invalid_client"}).encode()
        self.send_response(401)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def settings(monkeypatch):
    """A client's settings with a secret that is wrong."""
    monkeypatch.setattr(refusals, "ASK_AFTER_S", 0.2)
    monkeypatch.setattr(refusals, "ANSWER_S", 0.2)
    monkeypatch.setattr(following, "ANSWER_S", 0.2)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "bootstrap.servers": "127.0.0.1:1",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "bank-a-consumer",
        "sasl.oauthbearer.client.secret": "wrong",
        "sasl.oauthbearer.token.endpoint.url": f"http://127.0.0.1:{server.server_port}/token",
    }
    server.shutdown()


def ended(work):
    """What `work` raised, in a thread of its own, so that one that waits for ever fails."""
    raised = []

    def run():
        try:
            work()
        except CredentialsRefusedError as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(ENOUGH_S)
    return raised


def test_a_downstream_service_with_a_wrong_secret_is_told_so(settings):
    """It does not wait for decisions for ever."""
    consumer = DecisionConsumer(settings, "bank-a", "bank-a.core")
    (error,) = ended(lambda: consumer.run(lambda _: None))
    assert "client secret" in str(error)
    consumer.close()


def test_a_bank_with_a_wrong_secret_is_told_so_before_its_records_time_out(settings):
    """Whoever sends hears of it within seconds, not after the minute that a delivery may take."""
    producer = TenantProducer(settings, "bank-a", "outcomes")
    producer.submit_raw(b"a-1", b"{}")
    (error,) = ended(producer.flush)
    assert "client secret" in str(error)


def test_a_gateway_with_a_wrong_secret_says_so_in_its_readiness(settings):
    """Its operator reads of credentials, not of a transport."""

    async def said():
        follower = Follower(settings, ["loan.decisions.v1.bank-a"], lambda _: None, lambda: None, lambda: True)
        await follower.start()
        for _ in range(int(ENOUGH_S / 0.05)):
            if REFUSED in (follower.complaint or ""):
                break
            await asyncio.sleep(0.05)
        await follower.close()
        return follower.complaint

    assert REFUSED in asyncio.run(said())


class Broker:
    """Answers, or does not."""

    def __init__(self, *, answers):
        self.answers, self.asked, self.now = answers, 0, 0.0

    def ask(self, _):
        self.asked += 1
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))


def log_ins(broker):
    return LogIns(broker.ask, lambda: broker.now)


def test_a_single_refusal_that_the_broker_bears_out_ends_it():
    """librdkafka tells of a wrong secret once; after a while the broker is asked, and does not let it in."""
    broker = Broker(answers=False)
    tried = log_ins(broker)
    tried.failed(DOUBTED)
    tried.check()
    assert broker.asked == 0
    broker.now = ASK_AFTER_S
    with pytest.raises(CredentialsRefusedError):
        tried.check()
    with pytest.raises(CredentialsRefusedError):
        tried.check()
    assert broker.asked == 1


def test_a_refusal_that_was_mended_ends_nothing():
    """A key rotation refuses the first log-in; the broker answers, and it is forgotten."""
    broker = Broker(answers=True)
    tried = log_ins(broker)
    for _ in range(REFUSALS_MAX - 1):
        tried.failed(DOUBTED)
    broker.now = ASK_AFTER_S
    tried.check()
    assert not tried.is_refused
    broker.now = 10 * ASK_AFTER_S
    tried.check()
    assert broker.asked == 1


def test_three_refusals_need_no_question():
    """The broker itself has said it often enough."""
    tried = log_ins(Broker(answers=True))
    for _ in range(REFUSALS_MAX):
        tried.failed(DOUBTED)
    with pytest.raises(CredentialsRefusedError):
        tried.check()
