"""What the warehouse tells, asked of the real engine: the figures are those of the records that count."""

import json
from pathlib import Path

import pytest

from loanstream.top.frame import DECISION, Pace
from loanstream.top.told import COUNTED, told
from processors.stages.record.sink import WarehouseSink
from processors.transport.meters import Meters
from processors.transport.ranges import OffsetRange
from schemas.records import MemoryMessage
from schemas.values import rfc3339_of_ms
from stores.warehouse.cipher import ColumnCipher

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
CIPHER = ColumnCipher(b"k" * 32)
NOW = 1_770_888_600_000


def event(kind, **changes):
    return json.loads((EXAMPLES / f"{kind}.json").read_text()) | changes


@pytest.fixture
def put(empty, refused):
    """Puts events of one topic into the warehouse, in their order, stamped at a moment."""

    def putting(topic, *events, at_ms=NOW):
        records = [
            MemoryMessage(
                topic, 0, offset, one.get("application_id", "any").encode(), json.dumps(one).encode(), None, (2, at_ms)
            )
            for offset, one in enumerate(events)
        ]
        sink = WarehouseSink(empty.client, CIPHER, refused)
        sink.write(OffsetRange(topic, 0, 0, len(records)), sink.prepare(records))
        assert refused == []

    return putting


@pytest.fixture
def asked(empty):
    """What is told of the minute and the hour before `NOW`."""
    client = empty.client("reader")
    yield lambda tenant=None: told(client, tenant, NOW)
    client.close()


def decided(name, outcome, ago_s, tenant="bank-a", number=1, took=(10, 20, 5), lane="fast"):
    """A decision on an application that was accepted `ago_s` seconds before `NOW`; `took`: verify, wait, score (ms)."""
    moments = [NOW - ago_s * 1000]
    for step in (0, *took):
        moments.append(moments[-1] + step)
    accepted, begun, verified, scored, done = map(rfc3339_of_ms, moments)
    ids = {"tenant": tenant, "application_id": name, "outcome": outcome, "accepted_at": accepted}
    made = event("loan.decision.made", **ids, decision_id=f"{number:08x}-298d-5145-83ac-000000000000")
    made["processing"] |= {"lane": lane, "verify_started_at": begun, "verify_finished_at": verified}
    made["processing"] |= {"score_started_at": scored, "score_finished_at": done}
    return made


def test_decisions_are_counted_by_outcome_and_each_revision_once(put, asked):
    """Of the last minute and the last hour; what was sent again within it is no new decision, whatever it says."""
    put(
        "loan.decisions.v1.bank-a",
        decided("old", "approve", 4000),
        decided("a", "approve", 2000),
        decided("b", "refer", 50),
        decided("c", "approve", 30),
        decided("c", "decline", 20, number=2),
        decided("old", "approve", 10),
    )
    put("loan.decisions.v1.bank-b", decided("a", "decline", 5, tenant="bank-b"))
    assert asked().decisions == {"approve": (2, 3), "refer": (1, 1), "decline": (1, 1)}
    assert asked("bank-a").decisions == {"approve": (2, 3), "refer": (1, 1), "decline": (0, 0)}
    assert asked("bank-c").decisions == {"approve": (0, 0), "refer": (0, 0), "decline": (0, 0)}


def test_how_long_each_stage_takes_is_told_by_what_was_decided_within_the_minute(put, asked):
    """Each lane has its own figures, and the whole way has one."""
    put(
        "loan.decisions.v1.bank-a",
        decided("long-ago", "approve", 300, took=(9000, 9000, 9000)),
        decided("a", "approve", 40, took=(10, 20, 5)),
        decided("b", "approve", 30, took=(4000, 20, 7), lane="slow"),
    )
    paces = asked().paces
    assert paces["verify"] == Pace(None, None, 10.0, 10.0)
    assert paces["verify-slow"] == Pace(None, None, 4000.0, 4000.0)
    assert (paces["score"].p50_ms, paces["score"].p99_ms) in {(5.0, 7.0), (7.0, 7.0)}
    assert paces[DECISION].p99_ms == 4027.0


def test_rates_are_the_workers_own_and_of_all_banks(put, asked):
    """For one bank nobody counts them, so none is told."""
    metrics = [
        event("loan.service.measured", at=rfc3339_of_ms(NOW - ago), stage="score", worker="w", name=name, value=value)
        for name, ago, value in ((COUNTED, 12_000, 100), (COUNTED, 2_000, 150), ("records_out_total", 2_000, 9))
    ]
    put("loan.metrics.v1", *metrics)
    assert asked().paces == {"score": Pace(5.0, 5.0, None, None)}
    assert asked("bank-a").paces == {}


def test_what_is_asked_for_is_what_a_worker_publishes():
    """By the name under which its figure goes out."""
    meters = Meters("score", 0)
    meters.add("records_in", 3)
    assert meters.snapshot()[COUNTED] == 3


def test_dead_letters_of_the_last_hour_are_counted_by_cause(put, asked):
    """A letter that was made twice is one."""
    letter = event("loan.dead_letter", tenant="bank-a", cause="not_json")
    other = letter | {"origin": letter["origin"] | {"offset": 99}, "cause": "empty"}
    third = letter | {"origin": letter["origin"] | {"offset": 100}}
    put("loan.applications.v1.bank-a.dlq", letter, letter, other, third)
    assert asked().dead_letters == {"not_json": 2, "empty": 1}
    assert asked("bank-b").dead_letters == {}


def test_dead_letters_of_before_are_not_counted(put, asked):
    """The hour is the broker's stamp's."""
    put("loan.applications.v1.bank-a.dlq", event("loan.dead_letter", tenant="bank-a"), at_ms=NOW - 3_700_000)
    assert asked().dead_letters == {}


def test_the_last_activation_is_the_one_that_concerns_the_bank(put, asked):
    """Another bank's is not told for it; one of all banks is."""
    of_all = event("loan.activation.published", tenant=None, reason="for all")
    of_b = of_all | {"tenant": "bank-b", "activation_id": "00000000-0000-4000-8000-000000000002", "reason": "for b"}
    put("loan.control.v1", of_all, of_b)
    assert asked().activation["reason"] == "for b"
    assert asked("bank-a").activation["reason"] == "for all"


def test_nothing_is_told_of_an_empty_warehouse(asked):
    """And nothing fails."""
    found = asked()
    assert (found.paces, found.dead_letters, found.activation) == ({}, {}, None)
