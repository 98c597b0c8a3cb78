"""The range source's pace; what it does around a range is in test_ranges_model.py."""

from types import SimpleNamespace

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from processors.transport import poll_thread
from processors.transport.parts import WorkerParts
from processors.transport.range_source import RangeSource
from processors.transport.ranges import Cursor
from processors.transport.specs import RangeSpec, WorkerKafka


def test_it_rests_after_each_turn_unless_it_is_behind(monkeypatch):
    """Twice as long as the writing took, 2 s at most; at once where a range was full, where ranges that are not full
    are a burst together, or where there was nothing to write.
    """
    consumer = SimpleNamespace(subscribe=lambda *_, **__: None, close=lambda: None)
    monkeypatch.setattr(poll_thread, "open_consumer", lambda *_: consumer)
    spec = RangeSpec("record", ("in",), lambda *_: None, max_records=100)
    source = RangeSource(spec, WorkerParts.of(spec, WorkerKafka("127.0.0.1:9"), 0, lambda line: None))
    turns = iter([(0.25, [3, 40]), (0.25, [3, 100]), (0.25, [90] * 60), (0.25, []), (60.0, [3])])
    rests = []

    def write_ranges():
        source._took_s, written = next(turns, (0.0, None))
        if written is None:
            source.halt()
            return []
        return written

    monkeypatch.setattr(source, "_write_ranges", write_ranges)
    monkeypatch.setattr(source._thread._stopping, "wait", rests.append)
    source._thread._run()
    assert rests == [0.5, 0.0, 0.0, 0.0, 2.0, 0.0]


A, B = ("in", 0), ("in", 1)


def test_while_it_commits_it_says_what(monkeypatch):
    """A commit may take as long as the broker likes: whoever asks meanwhile learns of what, and of which partition."""
    spec = RangeSpec("record", ("in",), lambda *_: None)
    parts = WorkerParts.of(spec, WorkerKafka("127.0.0.1:9"), 0, lambda line: None)
    source, said = RangeSource(spec, parts), []
    parts.progress.looped(1)
    monkeypatch.setattr(parts.progress, "_now", lambda: 1e9)

    def commit(offsets, asynchronous):
        said.append(parts.progress.complaint().rpartition("it has been ")[2])

    source._thread.consumer = SimpleNamespace(commit=commit)
    source._assigned([TopicPartition(*A, 5, ""), TopicPartition(*B, 5, "")])
    source._read_over({A: 9, B: 6})
    assert said == ["committing ends of in[0], in[1]"]
    assert "it has been" not in parts.progress.complaint()


def test_the_next_range_begins_behind_the_markers_that_were_read_over_but_not_where_one_is_planned():
    """What was planned and is not there is lost: its worker has to say so. A refused commit changes nothing."""
    committed, refused = [], []

    def commit(offsets, asynchronous):
        if refused:
            raise refused.pop()
        committed.extend((at.topic, at.partition, at.offset, at.metadata) for at in offsets)

    spec = RangeSpec("record", ("in",), lambda *_: None)
    source = RangeSource(spec, WorkerParts.of(spec, WorkerKafka("127.0.0.1:9"), 0, lambda line: None))
    source._thread.consumer = SimpleNamespace(commit=commit)
    source._assigned([TopicPartition(*A, 5, "end=8"), TopicPartition(*B, 5, "end=5")])
    refused.append(KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION)))
    source._read_over({A: 9, B: 6})
    assert source._cursors == {A: Cursor(5, 8), B: Cursor(5)}
    source._read_over({A: 9, B: 6})
    assert committed == [(*B, 6, None)]
    assert source._cursors == {A: Cursor(5, 8), B: Cursor(6)}
