"""Dead letters of the record stage go into the warehouse over one connection, which ends with the redrive."""

import json
from importlib import resources
from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from loanstream.dlq.recording import WarehouseAway, recording_again
from loanstream.problem import describe_problem
from processors.stages.record import sink
from schemas.records import MemoryMessage
from stores.warehouse.cipher import ColumnCipher

CIPHER = ColumnCipher(b"k" * 32)
DECISION = (resources.files("schemas") / "examples" / "loan.decision.made.json").read_bytes()


class Warehouse:
    """Counts the connections that are opened and closed; `answer` is what it says to an insert."""

    def __init__(self, answer=None):
        self.answer, self.opened, self.closed, self.rows = answer, 0, 0, []

    def connect(self):
        self.opened += 1
        return self

    def close(self):
        self.closed += 1

    def query(self, *_, **__):
        return SimpleNamespace(result_rows=[])

    def raw_insert(self, table, columns, block, settings, kind):
        if self.answer is not None:
            raise self.answer
        self.rows += block.splitlines()


def records(count):
    topic = "loan.decisions.v1.bank-a"
    return [
        MemoryMessage(topic, 0, at, json.loads(DECISION)["application_id"].encode(), DECISION, None, (2, 1))
        for at in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2_000])
def test_however_many_letters_there_are_one_connection_is_opened_and_closed(count):
    """A redrive of thousands leaves the warehouse as many connections as it found, and uses one of them."""
    warehouse = Warehouse()
    with recording_again(warehouse.connect, lambda: CIPHER) as record_again:
        assert not any(record_again(message) for message in records(count))
        assert (warehouse.opened, warehouse.closed) == (1, 0)
    assert (warehouse.opened, warehouse.closed) == (1, 1)
    assert len(warehouse.rows) == count


def test_whoever_only_sends_letters_back_needs_no_warehouse():
    """Neither its address nor its keys are asked for before a letter of the record stage comes."""
    with recording_again(pytest.fail, pytest.fail):
        pass


def test_a_redrive_that_fails_leaves_no_connection():
    """Whatever ends it, the broker or Ctrl-C."""
    warehouse = Warehouse()

    def interrupted():
        with recording_again(warehouse.connect, lambda: CIPHER) as record_again:
            assert record_again(records(1)[0]) is None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (warehouse.opened, warehouse.closed) == (1, 1)


def test_a_warehouse_that_is_away_is_said_in_one_line_and_its_connection_closed():
    """The redrive ends there: the letters wait for the next one."""
    warehouse = Warehouse(OSError("connection reset"))
    with recording_again(warehouse.connect, lambda: CIPHER) as record_again, pytest.raises(WarehouseAway) as away:
        record_again(records(1)[0])
    assert "does not take decisions_log" in describe_problem(away.value)
    assert (warehouse.opened, warehouse.closed) == (1, 1)


def test_what_is_refused_again_is_told_letter_by_letter():
    """A letter that the warehouse refuses says nothing about its neighbours."""
    warehouse = Warehouse()
    with recording_again(warehouse.connect, lambda: CIPHER) as record_again:
        first, second, third = records(3)
        assert record_again(first) is None
        warehouse.answer = DatabaseError("Code: 469. DB::Exception: refused", code=469)
        assert record_again(second).cause == "refused_by_warehouse"
        warehouse.answer = None
        assert record_again(third) is None


def test_letters_that_fail_on_our_own_code_once_more_do_not_end_the_redrive(monkeypatch):
    """They are what failed on it before; the worker's limit for such errors is not theirs."""

    def fail(messages, cipher):
        raise ZeroDivisionError

    warehouse = Warehouse()
    monkeypatch.setattr(sink, "rows_of_all", fail)
    with recording_again(warehouse.connect, lambda: CIPHER) as record_again:
        faults = [record_again(message).cause for message in records(3 * sink.FEW_ERRORS)]
    assert set(faults) == {"internal_error"}
