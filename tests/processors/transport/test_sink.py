"""The pause after a transaction, without a broker: what was committed or aborted is only told to the sink."""

import time

import pytest

from processors.transport.batches import Batch, spans
from processors.transport.journal import InFlightJournal
from processors.transport.ledger import Ledger
from processors.transport.parts import WorkerParts
from processors.transport.sink import REST_MOST_S, REST_SHARE, TransactionalSink, _Written
from processors.transport.specs import StageSpec, WorkerKafka
from schemas.records import MemoryMessage

REST_S = 0.05


def never(*what):
    raise AssertionError(what)


@pytest.fixture
def sink(tmp_path):
    journal = InFlightJournal(tmp_path / "score-0.inflight")
    spec = StageSpec("score", ("in",), never, rest_s=REST_S)
    return TransactionalSink(spec, WorkerParts.of(spec, WorkerKafka("127.0.0.1:9"), 0, never), Ledger(), journal)


def written():
    messages = [MemoryMessage("in", 0, 0, None, b"")]
    covered = spans(messages)
    return _Written(Batch(messages, 1, covered), frozenset(covered), [])


def rest_after(sink, took, end):
    """Seconds until the next transaction may begin, after one that took so long ended like that."""
    end(time.monotonic() - took)
    began = time.monotonic()
    sink.wait_until_rested()
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("took", "least"), [(0, REST_S), (0.3, 0.3 * REST_SHARE), (60, REST_MOST_S)], ids=["short", "long", "very long"]
)
def test_after_a_transaction_comes_a_rest_that_grows_with_it(sink, took, least):
    """At least the stage's own, a quarter of a long transaction, and a tenth of a second after the longest."""
    assert rest_after(sink, took, lambda began: sink._settle([written()], began)) >= 0.9 * least


def test_an_abort_is_followed_by_a_rest_too(sink):
    """Otherwise a transaction that can never be committed would be tried without a pause."""
    sink._call = lambda *_: None
    sink._producer = type("Producer", (), {"abort_transaction": None})
    assert rest_after(sink, 0, lambda began: sink._abort("for a test", began)) >= 0.9 * REST_S


def test_after_a_group_of_nothing_there_is_no_rest(sink):
    """What was void already costs no transaction, and nobody waits for it."""
    sink._settle([], time.monotonic())
    assert sink._rested_at == 0
