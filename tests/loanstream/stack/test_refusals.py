"""What workers refuse is told while the stack runs, a line for a tenant and a cause."""

import pytest

from loanstream.stack.refusals import AGAIN_S, Refusals, letters_in
from processors.transport.batches import Output
from processors.transport.meters import Meters


@pytest.fixture
def refusals(clock):
    return Refusals(clock)


def test_reads_what_a_worker_exposes():
    """The worker's own page of metrics is what is read."""
    meters = Meters("verify", 0)
    letter = Output("loan.applications.v1.bank-a.dlq", None, b"{}", (), tallied=("letters", "not_json"))
    meters.tally([letter, letter])
    meters.add("records_in", 7)
    assert letters_in(meters.text().decode()) == {("bank-a", "not_json"): 2}


def test_a_line_for_each_tenant_and_cause_not_for_each_record(refusals):
    """Of all workers together; what was told is not told again."""
    refusals.saw("verify-0", {("bank-a", "not_json"): 2, ("bank-b", "empty"): 1})
    refusals.saw("verify-1", {("bank-a", "not_json"): 3})
    assert list(refusals.lines()) == [
        "bank-a: 5 records refused, not_json (loanstream dlq list shows them)",
        "bank-b: 1 record refused, empty (loanstream dlq list shows them)",
    ]
    refusals.saw("verify-0", {("bank-a", "not_json"): 2, ("bank-b", "empty"): 1})
    assert list(refusals.lines()) == []


def test_who_goes_on_sending_bad_records_is_told_once_a_minute(refusals, clock):
    """With all that came meanwhile; another cause is told at once."""
    for count in range(1, 5):
        refusals.saw("verify-0", {("bank-a", "not_json"): count})
        assert len(list(refusals.lines())) == (count == 1)
        clock.now += 5
    refusals.saw("verify-0", {("bank-a", "not_json"): 4, ("bank-a", "empty"): 1})
    assert [line.split(" (")[0] for line in refusals.lines()] == ["bank-a: 1 record refused, empty"]
    clock.now += AGAIN_S
    assert [line.split(" (")[0] for line in refusals.lines()] == ["bank-a: 3 records refused, not_json"]


def test_a_worker_that_was_started_anew_counts_from_nothing(refusals, clock):
    """Its new letters are told, its old ones not twice."""
    refusals.saw("verify-0", {("bank-a", "not_json"): 5})
    list(refusals.lines())
    clock.now += AGAIN_S
    refusals.saw("verify-0", {("bank-a", "not_json"): 2})
    assert [line.split(" (")[0] for line in refusals.lines()] == ["bank-a: 2 records refused, not_json"]
