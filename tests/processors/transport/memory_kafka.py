"""Kafka in memory for the models: a log, one consumer group, one transactional id; faults and company on order.

Everything happens in one thread. A model is told of each call before it takes effect (`Model.called`) and may do there
what another thread would, or let the call fail.
"""

from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from typing import NamedTuple

from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from schemas.records import MemoryMessage


class Crash(BaseException):
    """The process ended; no `except Exception` of the transport sees it."""


def die(line):
    raise Crash(line)


def refusal(code=KafkaError._FAIL, *, fatal=False, retriable=False, abortable=False):
    return KafkaException(KafkaError(code, "for a test", fatal, retriable, abortable))


class Clock:
    """Stands for the module `time`: nobody waits, and what sleeps lets time pass."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    time = monotonic

    def sleep(self, seconds):
        self.now += seconds


class Record(MemoryMessage):
    """What the client library hands out: a record, or an event that is none."""

    def error(self):
        return None


class Poisoned(Record):
    """A record of a batch that the client library cannot unpack: `bases` knows where each of these begins."""


class Told(NamedTuple):
    """What the client library gives instead of such a batch, wherever in it reading begins; or at a partition's end."""

    place: tuple
    base: int
    code: int = KafkaError._BAD_COMPRESSION

    def error(self):
        return KafkaError(self.code, "Decompression (codec 0x4) failed")

    def topic(self):
        return self.place[0]

    def partition(self):
        return self.place[1]

    def offset(self):
        return self.base


class Rebalance(NamedTuple):
    """A change of the assignment: `lost` without asking, or revoked; `late` between the two calls of one poll."""

    places: frozenset
    lost: bool = False
    late: bool = False
    decided_elsewhere: int = 0


class Broker:
    """Partitions with holes, committed offsets with metadata, and the group's generation."""

    def __init__(self, places):
        self.log = {place: [] for place in places}
        self.ends = dict.fromkeys(places, 0)
        self.bases = {}
        self.offsets = dict.fromkeys(places, (0, ""))
        self.generation = 0

    def publish(self, place, values, hole):
        for value in values:
            self.log[place].append(Record(*place, self.ends[place], None, value))
            self.ends[place] += 1
        self.ends[place] += hole

    def poison(self, place, count, value):
        base = self.ends[place]
        for offset in range(base, base + count):
            self.log[place].append(Poisoned(*place, offset, None, value))
            self.bases[place, offset] = base
        self.ends[place] += count

    def committed(self, place):
        return self.offsets[place][0]

    def before(self, place, offset):
        return [record.offset() for record in self.log[place] if record.offset() < offset]

    def since(self, place, offset):
        return [record for record in self.log[place] if record.offset() >= offset]


@dataclass
class Fault:
    """The next call of that name fails once: before it took effect, or (late) after."""

    call: str
    kind: str
    late: bool = False

    def error(self):
        return refusal(**({} if self.kind == "plain" else {self.kind: True}))


class MemoryConsumer:
    """A member of the group; `found` records at most are there for the next poll, of the partitions in `order`."""

    def __init__(self, broker, model):
        self.broker, self.model = broker, model
        self.reads_at, self.gave, self.paused = {}, {}, set()
        self.found, self.order = 0, tuple(broker.log)
        self.coming = None
        broker.generation += 1
        self.generation = broker.generation

    def announce(self, coming):
        """The group is about to change; who is lost learns of it after others have begun."""
        self.coming = coming
        if coming.lost:
            self.broker.generation += 1
            self.model.decide_elsewhere(coming.decided_elsewhere)

    def poll(self, timeout):
        self.model.called("keep alive" if timeout == 0 else "poll")
        first = None if self.coming and not self.coming.late else self._next()
        if first is None and self.coming:
            self._rebalance()
        return first

    def consume(self, most, timeout):
        polled = self._several(1 if self.coming else most)
        if self.coming:
            self._rebalance()
            polled += self._several(most - 1)
        return polled

    def _several(self, most):
        return list(islice(iter(self._next, None), most))

    def _next(self):
        for place in self.order:
            due = self.broker.since(place, self.reads_at[place]) if place in self.reads_at else []
            if due and self.found and place not in self.paused:
                self.found -= 1
                if isinstance(due[0], Poisoned):
                    self.order = (*(other for other in self.order if other != place), place)
                    return Told(place, self.broker.bases[place, due[0].offset()])
                self.reads_at[place] = self.gave[place] = due[0].offset() + 1
                self.order = (*(other for other in self.order if other != place), place)  # in turn
                return due[0]
            if place in self.reads_at and not due and place not in self.paused:
                self._read_over(place)
        return None

    def _read_over(self, place):
        """Behind the last record there may be markers and aborted records: the client passes them by itself."""
        end = self.broker.ends[place]
        if self.reads_at[place] < end:
            self.reads_at[place] = self.gave[place] = end

    def _rebalance(self):
        coming, self.coming = self.coming, None
        thread = self.model.source._thread
        if coming.lost:
            thread._on_lost(self, self._places())
        else:
            thread._on_revoke(self, self._places())
            self.broker.generation += 1
            self.model.decide_elsewhere(coming.decided_elsewhere)
        self.reads_at, self.gave, self.generation = {}, {}, self.broker.generation
        thread._on_assign(self, [TopicPartition(*place) for place in sorted(coming.places)])

    def _places(self):
        return [TopicPartition(*place) for place in self.reads_at]

    def commit(self, offsets, asynchronous):
        fault = self.model.called("commit")
        if self.generation != self.broker.generation:
            raise refusal(KafkaError.ILLEGAL_GENERATION)
        self.broker.offsets.update({(at.topic, at.partition): (at.offset, at.metadata or "") for at in offsets})
        if fault:
            raise fault.error()

    def committed(self, places, timeout):
        return [TopicPartition(at.topic, at.partition, *self.broker.offsets[at.topic, at.partition]) for at in places]

    def assign(self, places):
        self.reads_at = {(at.topic, at.partition): at.offset for at in places}
        self.gave = {}
        self.paused.clear()

    def seek(self, at):
        assert (at.topic, at.partition) in self.reads_at, "a partition that is not assigned cannot seek"
        self.reads_at[at.topic, at.partition] = at.offset
        self.gave.pop((at.topic, at.partition), None)

    def position(self, places):
        """Behind what was given out last; nothing of it since an assignment or a seek, or for a stranger's partition."""
        return [
            TopicPartition(at.topic, at.partition, self.gave.get((at.topic, at.partition), OFFSET_INVALID))
            for at in places
        ]

    def pause(self, places):
        self.paused |= {(at.topic, at.partition) for at in places}

    def resume(self, places):
        self.paused -= {(at.topic, at.partition) for at in places}

    def get_watermark_offsets(self, at, cached):
        return 0, self.broker.ends[at.topic, at.partition]

    def consumer_group_metadata(self):
        return self.generation


class MemoryLooker:
    """A consumer beside the group, which looks for the end of a batch that cannot be unpacked."""

    def __init__(self, model):
        self.broker, self.model = model.broker, model

    def get_watermark_offsets(self, at, timeout):
        self.model.called("look")
        return 0, self.broker.ends[at.topic, at.partition]

    def assign(self, places):
        (self.at,) = places

    def poll(self, timeout):
        place = self.at.topic, self.at.partition
        due = self.broker.since(place, self.at.offset)
        if due and isinstance(due[0], Poisoned):
            return Told(place, self.broker.bases[place, due[0].offset()])
        return due[0] if due else Told(place, self.broker.ends[place], KafkaError._PARTITION_EOF)


class MemoryProducer:
    """The slot's transactional producer; a transaction that was not committed leaves no trace."""

    def __init__(self, broker, model):
        self.broker, self.model = broker, model
        self.outputs, self.offsets = [], {}

    def init_transactions(self, timeout):
        self.model.called("init_transactions")

    def begin_transaction(self):
        self.model.called("begin_transaction")
        self.outputs, self.offsets = [], {}

    def produce(self, topic, value, key, headers):
        self.model.called("produce")
        if topic not in self.model.topics:
            raise refusal(KafkaError.UNKNOWN_TOPIC_OR_PART, abortable=True)
        self.outputs.append(value)

    def send_offsets_to_transaction(self, offsets, fence, timeout):
        assert fence == self.model.consumer.generation, "what this worker knows to be void is offered to the broker"
        fault = self.model.called("send_offsets")
        if fence != self.broker.generation:
            raise refusal(KafkaError.ILLEGAL_GENERATION, abortable=True)
        self.offsets = {(at.topic, at.partition): (at.offset, "") for at in offsets}
        if fault:
            raise fault.error()

    def commit_transaction(self, timeout):
        fault = self.model.called("commit_transaction")
        self.broker.offsets.update(self.offsets)
        self.model.answer(self.outputs)
        self.outputs, self.offsets = [], {}
        if fault:
            raise fault.error()

    def abort_transaction(self, timeout):
        self.model.called("abort_transaction")
        self.outputs, self.offsets = [], {}

    def list_topics(self, topic, timeout):
        self.model.called("list_topics")
        return SimpleNamespace(topics={name: SimpleNamespace(error=None) for name in self.model.topics})
