"""Which records of decisions are no first ones: what the sink notes of a range, whatever happened to it before."""

import json
from pathlib import Path

import pytest

from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from processors.transport.specs import Retry
from schemas.records import MemoryMessage
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.repeats import mend_repeats, wrong_repeats

EXAMPLE = json.loads((Path(__file__).parents[4] / "schemas" / "examples" / "loan.decision.made.json").read_text())
TOPIC = "loan.decisions.v1.bank-a"
HOUR, MONTH = 3_600_000, 31 * 86_400_000
START = 1_770_888_600_120
ALL = {(TOPIC, 0): 1_000}


def decided(offset, application_id, **changes):
    event = EXAMPLE | {"application_id": application_id} | changes
    return MemoryMessage(TOPIC, 0, offset, application_id.encode(), json.dumps(event).encode(), None, (2, START))


@pytest.fixture
def put(empty, refused):
    """Write records as one range."""
    sink = WarehouseSink(empty.client, ColumnCipher(b"k" * 32), refused)

    def write(*messages):
        sink.write(OffsetRange(TOPIC, 0, messages[0].offset(), messages[-1].offset() + 1), sink.prepare(messages))

    yield write
    sink.close()


@pytest.fixture
def noted(empty):
    """What is noted as a repeat and how many decisions figures count; the set is what the log says."""
    client = empty.client()

    def look():
        assert wrong_repeats(client, ["bank-a"], ALL) == ([], [])
        places = client.query("SELECT DISTINCT kafka_offset FROM loanstream.decision_repeats_log ORDER BY 1")
        counted = client.query("SELECT sum(decisions) FROM loanstream.decisions_in_all")
        return [row[0] for row in places.result_rows], counted.first_row[0]

    yield look
    client.close()


def test_only_the_first_record_of_a_revision_counts(put, noted):
    """A repeat in the same range, in a later one and a conflicting decision count nothing; another revision counts."""
    put(decided(0, "a"), decided(1, "b"), decided(2, "b"), decided(3, "c"))
    assert noted() == ([2], 3)
    put(decided(4, "a", outcome="decline"), decided(5, "b", revision=2), decided(6, "b"))
    assert noted() == ([2, 4, 6], 4)


def test_a_repeat_in_another_month_counts_nothing(put, noted):
    """The key knows no time: what a bank sends again after weeks is the same revision."""
    put(decided(0, "a"))
    put(decided(1, "a", accepted_at="2026-05-01T10:00:00.000Z"))
    assert noted() == ([1], 1)


def test_another_bank_s_application_of_the_same_name_is_no_repeat(empty, put, noted, refused):
    """Ids are a bank's own."""
    put(decided(0, "a"))
    other = TOPIC.replace("bank-a", "bank-b")
    event = json.dumps(EXAMPLE | {"application_id": "a", "tenant": "bank-b"}).encode()
    sink = WarehouseSink(empty.client, ColumnCipher(b"k" * 32), refused)
    sink.write(OffsetRange(other, 0, 0, 6), sink.prepare([MemoryMessage(other, 0, 5, b"a", event, None, (2, START))]))
    sink.close()
    assert noted() == ([], 2)


def test_ranges_cut_differently_note_the_same_places(put, noted):
    """Whole, in pieces and overlapping: what is read again moves neither the set nor a figure."""
    messages = [decided(offset, f"a-{offset % 7}") for offset in range(20)]
    put(*messages)
    first = noted()
    assert first == (list(range(7, 20)), 7)
    for cut in (1, 3, 11):
        for start in range(0, 20, cut):
            put(*messages[start : start + cut])
        assert noted() == first
    put(*messages[5:15])
    assert noted() == first


def test_a_range_that_was_cut_off_is_written_again(empty, put, noted, monkeypatch):
    """Killed between what is noted and what is counted, a range is right when it has been written again."""
    put(decided(0, "a"), decided(1, "b"))
    insert = WarehouseSink._insert

    def killed(*_):
        raise Retry("killed")

    monkeypatch.setattr(WarehouseSink, "_insert", killed)
    with pytest.raises(Retry):
        put(decided(2, "a"), decided(3, "c"), decided(4, "c"))
    monkeypatch.setattr(WarehouseSink, "_insert", insert)
    assert noted() == ([2, 4], 2)
    put(decided(2, "a"), decided(3, "c"), decided(4, "c"))
    assert noted() == ([2, 4], 3)


def test_keys_that_were_lost_with_a_crash_come_with_the_same_range(empty, put, noted):
    """Of a part that was written without its keys, the range's repetition under its own token makes them."""
    put(decided(0, "a"), decided(1, "b"))
    empty.client().command("TRUNCATE TABLE loanstream.decision_keys_log")
    put(decided(0, "a"), decided(1, "b"))
    put(decided(2, "a"))
    assert noted() == ([2], 2)


def test_what_follows_a_refused_record_is_the_first(empty, put, noted, refused):
    """A record that the warehouse does not take is no decision: the next of its revision is, and counts."""
    client = empty.client()
    client.command("ALTER TABLE loanstream.decisions_log ADD CONSTRAINT no_1 CHECK kafka_offset NOT IN (1)")
    try:
        for _ in range(2):
            put(decided(0, "a"), decided(1, "b"), decided(2, "b"), decided(3, "b"), decided(4, "c"))
    finally:
        client.command("ALTER TABLE loanstream.decisions_log DROP CONSTRAINT no_1")
    assert [offset for offset, *_ in refused] == [1, 1]
    assert noted() == ([3], 3)


def test_an_earlier_record_that_comes_late_is_the_decision(put, noted):
    """The lower offset is the first record, whenever it is recorded."""
    put(decided(9, "a"))
    put(decided(2, "a"))
    assert noted() == ([9], 1)


def test_a_wrong_set_is_named_and_mended(empty, put, noted):
    """What an older record stage did not note, and a first record among repeats, are each found and put right."""
    put(decided(0, "a"), decided(1, "b"), decided(2, "a"))
    client = empty.client()
    client.command("TRUNCATE TABLE loanstream.decision_repeats_log")
    client.command(f"INSERT INTO loanstream.decision_repeats_log VALUES ('bank-a', '{TOPIC}', 0, 1)")
    wrong = wrong_repeats(client, ["bank-a"], ALL)
    assert [repeat[1:] for repeat in wrong.missing] == [("a", 1, TOPIC, 0, 2)]
    assert [repeat[1:] for repeat in wrong.surplus] == [("b", 1, TOPIC, 0, 1)]
    assert wrong_repeats(client, ["bank-a"], {(TOPIC, 0): 1}) == ([], [])
    client.command("TRUNCATE TABLE loanstream.hours_touched")
    mend_repeats(client, wrong)
    assert client.query("SELECT count() > 0 FROM loanstream.hours_touched").first_row == (1,)
    assert noted() == ([2], 2)


def test_a_repeat_stays_one_when_retention_has_taken_its_first_record(empty, put):
    """A decision that came again a month later does not count once more because the first one is older than what is kept."""
    put(decided(0, "a"), decided(1, "a"), decided(2, "b"))
    client = empty.client()
    client.command("ALTER TABLE loanstream.decisions_log DELETE WHERE kafka_offset = 0 SETTINGS mutations_sync = 2")
    assert wrong_repeats(client, ["bank-a"], ALL) == ([], [])
    client.close()


def test_the_log_of_before_is_told_the_same(empty, put, noted):
    """The migration finds the repeats of a log that was written without any being noted."""
    from stores.warehouse.migrate import migrations, statements

    put(*(decided(offset, f"a-{offset % 3}") for offset in range(7)))
    before = noted()
    client = empty.client()
    client.command("TRUNCATE TABLE loanstream.decision_repeats_log")
    [fill] = [one for one in statements(migrations()["0014_figures.sql"]) if "INTO loanstream.decision_repeats" in one]
    client.command(fill)
    assert noted() == before == ([3, 4, 5, 6], 3)
