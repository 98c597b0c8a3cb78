"""What the agent does with a batch, without a broker: the source and the sink are put aside."""

import asyncio
import threading

import pytest

from processors.transport.batches import Batch, Output, Processed, Span, spans
from processors.transport.hosts import RangeHost, StageFailedError, StageHost, host_of
from processors.transport.journal import InFlightJournal
from processors.transport.range_source import RangeWork
from processors.transport.ranges import OffsetRange
from processors.transport.specs import RangeSpec, Retry, StageSpec, WorkerKafka
from schemas.records import MemoryMessage

A, B = ("in", 0), ("in", 1)
KAFKA = WorkerKafka("127.0.0.1:9")


def never(line):
    raise AssertionError(line)


def output(message, topic="out"):
    return Output(topic, None, message.value(), [], (message.topic(), message.partition()))


def stage(directory, process, **spec):
    host = StageHost(StageSpec("score", ("in",), process, **spec), KAFKA, 0, directory, never)
    written = []
    host._sink.write = lambda batch, handled, outputs: written.append((handled, [one.value for one in outputs]))
    return host, written


def admitted(host, messages):
    covered = spans(messages)
    number = host._ledger.admit(covered, host._ledger.take_rewinds()[0])
    return Batch(messages, number, covered)


MESSAGES = [MemoryMessage("in", n % 2, n // 2, None, b"%d" % n) for n in range(6)]


def test_a_stage_is_prepared_before_it_begins_and_closed_at_its_end(tmp_path):
    """What a worker runs knows what it needs: a document reader to be started; a range worker needs nothing."""
    seen = []

    async def said(what):
        seen.append(what)

    spec = StageSpec("verify", ("in",), never, prepare=lambda: said("prepare"), close=lambda: said("close"))
    specs = [spec, StageSpec("score", ("in",), never), RangeSpec("record", ("in",), never, prepare=never)]
    for made in (host_of(one, KAFKA, 0, tmp_path, never) for one in specs):
        asyncio.run(made.prepare())
        made.stop()
        asyncio.run(made.close())
    assert seen == ["prepare", "close"]


def test_a_deferred_partition_is_not_committed_and_the_others_are(tmp_path):
    """The sink gets what was handled; the deferred partition rewinds, and a later batch goes on without it."""

    async def process(batch):
        kept = [m for m in batch.messages if m.partition() == 1]
        return Processed([output(m) for m in kept], dict.fromkeys({A} & batch.spans.keys()))

    host, written = stage(tmp_path, process)
    first, second = admitted(host, MESSAGES[:4]), admitted(host, MESSAGES[4:])
    asyncio.run(host.work(first))
    asyncio.run(host.work(second))
    assert written == [({B}, [b"1", b"3"]), ({B}, [b"5"])]
    assert host._ledger.take_rewinds()[1][A].offset == 0


def test_what_is_down_and_others_turns_are_counted_apart(tmp_path):
    """An operator acts on the first and leaves the second alone."""

    async def process(batch):
        return Processed([], {A: "the store is away", B: None})

    host, written = stage(tmp_path, process)
    asyncio.run(host.work(admitted(host, MESSAGES)))
    found = host.meters.snapshot()
    assert written == [(frozenset(), [])]
    assert (found["deferred_down_total"], found["deferred_turn_total"]) == (1, 1)


def test_a_void_batch_is_not_processed(tmp_path):
    """After an abort the batch will come again; processing it now would be work for nothing."""
    host, written = stage(tmp_path, never)
    batch = admitted(host, MESSAGES)
    host._ledger.abort()
    asyncio.run(host.work(batch))
    assert written == []


def test_where_markers_alone_were_read_the_stage_is_not_asked(tmp_path):
    """There is nothing to decide; what is committed are the ends, unless the partitions went away meanwhile."""
    host, written = stage(tmp_path, never)
    for void in (False, True):
        covered = {A: Span(5, 5)}
        number = host._ledger.admit(covered, host._ledger.take_rewinds()[0])
        if void:
            host._ledger.abandon()
        asyncio.run(host.work(Batch([], number, covered)))
    assert written == [({A}, [])]


def test_after_a_death_records_are_processed_one_by_one_and_committed_together(tmp_path):
    """Each record is alone with `process`, so that the next death names it; one transaction takes them all."""
    journal = InFlightJournal(tmp_path / "score-0.inflight")
    journal.begin(spans(MESSAGES))
    journal.close()
    alone = []

    async def process(batch):
        alone.append(len(batch.messages))
        return Processed([output(m) for m in batch.messages])

    host, written = stage(tmp_path, process)
    asyncio.run(host.work(admitted(host, MESSAGES)))
    assert alone == [1] * 6
    assert written == [({A, B}, [b"0", b"2", b"4", b"1", b"3", b"5"])]


def test_a_partition_deferred_while_its_records_are_alone_leaves_no_output(tmp_path):
    """Its earlier records of the batch are read again too, so their outputs must not be committed."""
    journal = InFlightJournal(tmp_path / "score-0.inflight")
    journal.begin(spans(MESSAGES))
    journal.close()

    async def process(batch):
        (message,) = batch.messages
        return Processed([], {A: None}) if message.value() == b"2" else Processed([output(message)])

    host, written = stage(tmp_path, process)
    asyncio.run(host.work(admitted(host, MESSAGES)))
    assert written == [({B}, [b"1", b"3", b"5"])]


def test_a_record_that_crashes_its_worker_is_answered_without_processing_it(tmp_path):
    """Two deaths alone: the record goes to `crashed`, its neighbours to `process`."""
    for _ in range(2):
        journal = InFlightJournal(tmp_path / "score-0.inflight")
        journal.begin({A: spans(MESSAGES)[A]._replace(first=1, next=2)})
        journal.close()

    async def process(batch):
        assert batch.messages[0].value() != b"2"
        return Processed([output(m) for m in batch.messages])

    host, written = stage(tmp_path, process, crashed=lambda message: output(message, "in.dlq"))
    asyncio.run(host.work(admitted(host, MESSAGES)))
    assert written == [({A, B}, [b"0", b"2", b"4", b"1", b"3", b"5"])]
    assert host.meters.snapshot()["crashing_records_total"] == 1


def test_a_bug_leaves_its_trace_in_the_journal_and_not_its_text(tmp_path):
    """Nothing goes to the sink, the error names type and place, and the next start processes one by one."""

    async def process(batch):
        raise ValueError("Jane Canary")

    host, written = stage(tmp_path, process)
    with pytest.raises(StageFailedError, match=r"^ValueError at .*test_hosts.py:\d+$"):
        asyncio.run(host.work(admitted(host, MESSAGES)))
    host.stop()
    assert written == []
    assert InFlightJournal(tmp_path / "score-0.inflight").suspects() == {A, B}


def ranges(write, prepare=list):
    host = RangeHost(RangeSpec("record", ("in",), write, prepare), KAFKA, 0, never)
    first, second = OffsetRange("in", 0, 0, 3), OffsetRange("in", 1, 0, 3)
    return host, RangeWork([(first, MESSAGES[::2]), (second, MESSAGES[1::2])])


def test_a_write_is_tried_again_until_the_warehouse_is_back(monkeypatch):
    """The same range again and again, and the next one only after it."""
    monkeypatch.setattr("processors.transport.hosts.BACKOFF_S", (0.001, 0.002))
    seen = []

    def write(planned, messages):
        seen.append(planned.partition)
        if len(seen) < 4:
            raise Retry("the warehouse is down")

    host, work = ranges(write)
    asyncio.run(host.work(work))
    assert seen == [0, 0, 0, 0, 1]
    assert work.written == 2
    assert work.wait(0)


def test_while_a_range_is_written_it_is_said_which_and_why_it_waits(monkeypatch):
    """Partition and offsets, and what the warehouse answers; nothing of it once it is written."""
    monkeypatch.setattr("processors.transport.hosts.BACKOFF_S", (0.001, 0.002))
    said = []

    def write(planned, messages):
        said.append(host.progress._doing[0])
        if len(said) == 1:
            raise Retry("the warehouse is down")

    host, work = ranges(write)
    asyncio.run(host.work(work))
    assert said == [
        "writing in[0] 0 to 3",
        "writing in[0] 0 to 3 again and again: the warehouse is down",
        "writing in[1] 0 to 3",
    ]
    assert host.progress._doing is None


def test_a_write_that_is_given_up_leaves_its_plan_to_the_next_owner(monkeypatch):
    """When the partitions go away nothing more is tried, and only what was written counts."""
    monkeypatch.setattr("processors.transport.hosts.BACKOFF_S", (0.001, 0.002))

    def write(planned, messages):
        if planned.partition == 1:
            work.give_up()
            raise Retry("the warehouse is down")

    host, work = ranges(write)
    asyncio.run(host.work(work))
    assert work.written == 1
    assert work.wait(0)


def test_a_bug_in_a_write_stops_the_worker_and_counts_what_was_written():
    """The range before the bug is committed, the one with the bug is not."""

    def write(planned, messages):
        if planned.partition == 1:
            raise KeyError("Jane Canary")

    host, work = ranges(write)
    with pytest.raises(StageFailedError, match=r"^KeyError at "):
        asyncio.run(host.work(work))
    assert work.written == 1
    assert work.wait(0)


def test_a_range_is_prepared_while_the_one_before_it_is_written():
    """The first write waits for the second range's preparation, and each write gets what was prepared for it."""
    begun, seen = threading.Event(), []

    def prepare(messages):
        if messages == MESSAGES[1::2]:
            begun.set()
        return len(messages)

    def write(planned, prepared):
        assert begun.wait(10)
        seen.append((planned.partition, prepared))

    host, work = ranges(write, prepare)
    asyncio.run(host.work(work))
    assert seen == [(0, 3), (1, 3)]


def test_a_bug_in_a_preparation_stops_the_worker_before_its_range():
    """The range before it is committed, and the error names type and place alone."""

    def prepare(messages):
        if messages == MESSAGES[1::2]:
            raise ValueError("Jane Canary")

    host, work = ranges(lambda *_: None, prepare)
    with pytest.raises(StageFailedError, match=r"^ValueError at "):
        asyncio.run(host.work(work))
    assert work.written == 1
    assert work.wait(0)
