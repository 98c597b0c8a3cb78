"""How each lane of verify reads the documents of a batch: bounded, and fair to every tenant."""

import asyncio
import json
import time

import pytest

from processors.stages.envelope import Accepted
from processors.stages.verify import lanes
from processors.stages.verify.lanes import STORE_AWAY, StoreUnavailable, read_documents, tenants_in_turn
from schemas.application import LoanApplication
from schemas.records import MemoryMessage
from schemas.verification import Extraction

APPLICATION = {
    "submitted_at": "2026-01-01T00:00:00Z",
    "currency": "INR",
    "applicant": {"dependents": 2, "education": "graduate", "self_employed": False},
    "loan": {"amount": 2_900_000, "term_years": 12},
    "annual_income": "1200000",
    "assets": {"residential": 2_400_000, "commercial": 0, "luxury": 700_000, "bank": 800_000},
}


def accepted(name, documents=1, *, partition=0, at=0):
    tenant = f"bank-{name[0]}"
    hashes = [f"{index:x}".rjust(64, "0") for index in range(documents)]
    refs = [{"kind": "payslip", "sha256": sha, "media_type": "application/pdf", "size": 1} for sha in hashes]
    fields = APPLICATION | {"tenant": tenant, "application_id": name, "documents": refs}
    event = LoanApplication.model_validate_json(json.dumps(fields))
    return Accepted(MemoryMessage(f"slow.{tenant}", partition, at), event, at, at)


class Desk:
    """Takes `seconds` for a document; notes which tenant's it began, in order."""

    def __init__(self, seconds=0.0, parallel=2, fails=()):
        self.seconds, self.parallel, self.fails = seconds, parallel, fails
        self.begun = []

    async def extraction(self, tenant, ref, lane, deadline):
        self.begun.append(tenant)
        if tenant in self.fails:
            raise StoreUnavailable
        if lane == "fast" and time.monotonic() + self.seconds > deadline:
            return None
        await asyncio.sleep(self.seconds)
        return Extraction(sha256=ref.sha256, kind=ref.kind, status="read", reader="t", lane=lane, pages=1)


def names(items):
    return [item.application.application_id for item in items]


def read(lane, desk, items):
    return asyncio.run(read_documents(lane, desk, items))


@pytest.fixture
def short_turn(monkeypatch):
    monkeypatch.setattr(lanes, "SLOW_TURN_S", 0.05)


def test_in_the_slow_lane_tenants_take_turns(short_turn):
    """Behind fifty slow documents of one bank, another's is read in the very first turn."""
    desk = Desk(seconds=0.04)
    found = read("slow", desk, [*(accepted(f"a-{n}", at=n) for n in range(50)), accepted("b-0", at=99)])
    assert desk.begun[:2] == ["bank-a", "bank-b"]
    assert "b-0" in names(item.accepted for item in found.read)
    assert len(found.read) + len(found.deferred) == 51
    assert len(found.deferred) > 40


def test_a_turn_ends_between_the_documents_of_an_application_too(short_turn):
    """Twenty documents of six seconds are no reason to hold a batch for two minutes."""
    desk = Desk(seconds=0.04, parallel=1)
    found = read("slow", desk, [accepted("a-0", documents=20)])
    assert [(item.application.application_id, why) for item, why in found.deferred] == [("a-0", None)]
    assert 1 <= len(desk.begun) <= 3


def test_what_fits_into_a_turn_is_all_read():
    """Without a flood nothing is deferred, and nothing waits for another turn."""
    found = read("slow", Desk(), [accepted(f"{bank}-{n}", documents=n % 3) for bank in "abc" for n in range(20)])
    assert len(found.read) == 60
    assert found.deferred == found.late == []


def test_the_partition_that_waited_longest_is_finished_first():
    """A partition is committed as a whole; whichever was deferred last time is older than what came since."""
    items = [accepted("a-new", partition=0, at=50), accepted("a-old", partition=1, at=10)]
    items += [accepted("a-young", partition=1, at=60), accepted("b-0", partition=0, at=70)]
    assert names(items[at] for at in tenants_in_turn(items)) == ["a-old", "b-0", "a-young", "a-new"]


def test_what_the_fast_lane_has_no_time_for_is_late(monkeypatch):
    """It goes to the slow lane; what needs no document never waits for that."""
    monkeypatch.setattr(lanes, "FAST_BUDGET_S", 0.02)
    began = time.monotonic()
    found = read("fast", Desk(seconds=5), [accepted("a-0"), accepted("a-1", documents=0)])
    assert (names(found.late), names(item.accepted for item in found.read)) == (["a-0"], ["a-1"])
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("lane", ["fast", "slow"])
def test_a_store_that_is_away_for_one_tenant_is_so_for_that_tenant_alone(lane):
    """The others' documents are read meanwhile."""
    found = read(lane, Desk(fails={"bank-a"}), [accepted("a-0"), accepted("b-0")])
    assert [(item.application.application_id, why) for item, why in found.deferred] == [("a-0", STORE_AWAY)]
    assert names(item.accepted for item in found.read) == ["b-0"]


@pytest.mark.parametrize("lane", ["fast", "slow"])
def test_a_bug_of_ours_is_no_answer(lane):
    """Whatever else is raised stops the worker: nothing is invented about a document."""

    class Broken(Desk):
        async def extraction(self, tenant, ref, lane, deadline):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read(lane, Broken(), [accepted("a-0")])
