"""Whether loans were approved, asked of the real engine; and what is told where the warehouse cannot be asked."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from loanstream.ask import approvals
from loanstream.ask.approvals import Approvals
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from schemas.problem import Problem
from schemas.records import MemoryMessage
from stores.warehouse.cipher import ColumnCipher

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
CIPHER = ColumnCipher(b"k" * 32)


def event(name, **changes):
    return json.loads((EXAMPLES / f"{name}.json").read_text()) | changes


@pytest.fixture
def put(empty, refused):
    """Puts events of one topic into the warehouse, in their order."""

    def putting(topic, *events):
        records = [
            MemoryMessage(
                topic, 0, at, one["application_id"].encode(), json.dumps(one).encode(), None, (2, 1_770_888_600_120)
            )
            for at, one in enumerate(events)
        ]
        sink = WarehouseSink(empty.client, CIPHER, refused)
        sink.write(OffsetRange(topic, 0, 0, len(records)), sink.prepare(records))
        assert refused == []

    return putting


def decided(name, outcome, revision=1, tenant="bank-a", number=1):
    ids = {"tenant": tenant, "application_id": name, "revision": revision, "outcome": outcome}
    return event("loan.decision.made", **ids, decision_id=f"{number:08x}-298d-5145-83ac-000000000000")


def paid(name, revision=1):
    return SimpleNamespace(application_id=name, revision=revision)


def test_outcomes_are_counted_by_what_counts_for_their_loan(put, empty, monkeypatch):
    """The first decision on that very revision of that bank's, and a person's before the service's."""
    put(
        "loan.decisions.v1.bank-a",
        decided("good", "approve"),
        decided("good", "decline", number=2),  # a conflict: the first counts
        decided("bad", "decline"),
        decided("by-person", "refer"),
        decided("waits", "refer"),
    )
    put("loan.decisions.v1.bank-b", decided("elsewhere", "approve", tenant="bank-b"))
    put("loan.outcomes.v1.bank-a", event("loan.outcome.recorded", application_id="by-person", decision="approve"))
    monkeypatch.setattr(approvals, "ASKED_MOST", 3)
    with Approvals(lambda: empty.client("reader"), "bank-a") as found:
        for one in (paid("good"), paid("good"), paid("good", 2), paid("bad"), paid("by-person"), paid("waits")):
            found.note(one)
        found.note(paid("elsewhere"))
        found.settle()
    assert found.counts == {"approved": 3, "not_approved": 2, "unknown": 2}
    assert list(found.named["not_approved"]) == [("bad", 1), ("waits", 1)]
    assert list(found.named["unknown"]) == [("good", 2), ("elsewhere", 1)]


@pytest.mark.parametrize("fault", [Problem("it does not answer"), DatabaseError("it does not answer")])
def test_a_warehouse_that_fails_is_not_asked_again(fault, monkeypatch):
    """An outcome needs no warehouse; what was not looked up is not told as a figure."""
    asked = []

    def query(*_, **__):
        asked.append(1)
        raise fault

    client = SimpleNamespace(query=query, close=lambda: asked.append("closed"))
    monkeypatch.setattr(approvals, "ASKED_MOST", 1)
    with Approvals(lambda: client, "bank-a") as found:
        found.note(paid("a-1"))
        found.note(paid("a-2"))
        found.settle()
    assert asked == [1, "closed"]
    assert (found.counts, found.away) == (None, "it does not answer")


def test_a_warehouse_that_is_not_there_is_told():
    """So is one that settings do not name."""

    def connect():
        raise Problem("LOANSTREAM_WAREHOUSE_URL is not set")

    with Approvals(connect, "bank-a") as found:
        found.note(paid("a-1"))
        found.settle()
    assert (found.counts, found.away) == (None, "LOANSTREAM_WAREHOUSE_URL is not set")
