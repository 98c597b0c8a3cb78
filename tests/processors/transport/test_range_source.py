"""The range source's pace; what it does around a range is in test_ranges_model.py."""

from types import SimpleNamespace

from processors.transport import range_source
from processors.transport.meters import Meters
from processors.transport.range_source import RangeSource
from processors.transport.runtime import Progress
from processors.transport.specs import RangeSpec, WorkerKafka


def test_it_rests_after_each_turn_unless_it_is_behind(monkeypatch):
    """Twice as long as the writing took, 2 s at most; at once where a range was full or there was nothing to write."""
    consumer = SimpleNamespace(subscribe=lambda *_, **__: None, close=lambda: None)
    monkeypatch.setattr(range_source, "open_consumer", lambda *_: consumer)
    spec = RangeSpec("record", ("in",), lambda *_: None, max_records=100)
    source = RangeSource(spec, WorkerKafka("127.0.0.1:9"), 0, Meters("record", 0), Progress(30.0), lambda line: None)
    turns = iter([(0.25, [3, 40]), (0.25, [3, 100]), (0.25, []), (60.0, [3])])
    rests = []

    def turn():
        source._took_s, written = next(turns, (0.0, None))
        if written is None:
            source.halt()
            return []
        return written

    monkeypatch.setattr(source, "_turn", turn)
    monkeypatch.setattr(source._stopping, "wait", rests.append)
    source._run()
    assert rests == [0.5, 0.0, 0.0, 2.0, 0.0]
