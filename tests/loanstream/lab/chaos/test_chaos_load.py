"""The load knows how each of its records has to end, and gives the slow lane something to do."""

import time
from collections import Counter
from types import SimpleNamespace

import pytest

from loanstream.lab.chaos import load
from loanstream.lab.chaos.load import SLOW_BYTES, Load
from processors.readers.text.reading import read_document
from processors.stages.verify.lanes import FAST_BUDGET_S, SLOW_DOCUMENT_S
from producers.synthetic.broken import bomb
from stores.documents.blobs import MemoryBlobs
from stores.documents.sealing import DocumentKey
from stores.documents.store import DocumentStore


class Confirming:
    """A producer whose broker confirms at once, at the next offset."""

    def __init__(self, _settings) -> None:
        self.offset = 0

    def produce(self, topic, value, key, on_delivery) -> None:
        offset = self.offset = self.offset + 1
        message = SimpleNamespace(topic=lambda: topic, partition=lambda: 0, offset=lambda: offset)
        on_delivery(None, message)

    def poll(self, _seconds) -> None: ...

    def flush(self, _seconds) -> int:
        return 0


@pytest.fixture
def blobs():
    return MemoryBlobs()


@pytest.fixture
def steady(blobs, monkeypatch):
    """A load that publishes as quickly as it can."""
    monkeypatch.setattr(load, "Producer", Confirming)
    documents = DocumentStore(blobs, lambda _: DocumentKey("key", b"k" * 32))
    running = SimpleNamespace(admin_settings={}, tenants=("bank-a", "bank-b"), documents=documents)
    return Load(running, rate=1e6)


def ends(steady, count):
    steady.start()
    while len(steady.sent) < count:
        time.sleep(0.01)
    steady.end()
    return Counter(record.due for record in list(steady.sent.values())[:count])


def test_one_in_forty_cannot_be_read_and_one_in_241_is_the_slow_lanes(steady, blobs):
    """Of both banks, each with a document of its own: one that was read before would be the fast lane's."""
    assert ends(steady, 2410) == {"dead letter": 60, "referral": 10, "decision": 2340}
    assert len({name.split("/")[1] for name in blobs.objects}) == len(blobs.objects) >= 10
    assert {name.split("/")[0] for name in blobs.objects} == {"bank-a", "bank-b"}


def test_the_load_goes_on_without_documents_while_their_store_is_away(steady, blobs):
    """It is the stack that is tested, not the load."""
    blobs.down = True
    assert ends(steady, 482) == {"dead letter": 12, "decision": 470}


def test_a_document_of_the_slow_lane_takes_longer_than_the_fast_lane_waits():
    """Of the processor's own time, whatever else the machine does; and it is no bomb."""
    document = bomb(0, SLOW_BYTES)
    started = time.process_time()
    found = read_document(document, "payslip")
    assert FAST_BUDGET_S < time.process_time() - started < SLOW_DOCUMENT_S
    assert found.reason == "no_text_layer"
