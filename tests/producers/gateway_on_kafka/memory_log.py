"""A Kafka of one process, as the gateway's parts see it: what is produced can be consumed, unless it is frozen."""

import asyncio
import threading
import time
from types import SimpleNamespace

from confluent_kafka import KafkaError, TopicPartition


async def until(holds):
    """Return once `holds()` does; fails after some seconds."""
    for _ in range(5_000):
        if await holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never held")


class MemoryLog:
    """Topics by name, each of one partition; `frozen` confirms nothing, `refuses` is a code for every delivery."""

    def __init__(self, *topics):
        self.topics = {topic: [] for topic in topics}
        self.frozen, self.refuses, self.expires = False, None, 0.3
        self.lock = threading.Lock()
        self.now_ms = lambda: time.time_ns() // 1_000_000

    def add(self, topic, value, key=b"", headers=(), at_ms=None):
        with self.lock:
            records = self.topics[topic]
            at_ms = self.now_ms() if at_ms is None else at_ms
            records.append(Record(topic, len(records), key, value, list(headers), at_ms))
            return records[-1]

    def producer(self, settings):
        return MemoryProducer(self, settings)

    def consumer(self, settings):
        return MemoryConsumer(self, settings)


class Record:
    def __init__(self, topic, offset, key, value, headers, at_ms, error=None):
        self._all = topic, offset, key, value, headers, at_ms, error

    def topic(self):
        return self._all[0]

    def partition(self):
        return 0

    def offset(self):
        return self._all[1]

    def key(self):
        return self._all[2]

    def value(self):
        return self._all[3]

    def headers(self):
        return self._all[4]

    def timestamp(self):
        return 1, self._all[5]

    def error(self):
        return self._all[6]


class MemoryProducer:
    def __init__(self, log, settings):
        self.log, self.settings, self.waiting = log, settings, []

    def produce(self, topic, *, key, value, headers, partition, on_delivery):
        self.waiting.append((time.monotonic(), topic, key, value, headers, on_delivery))

    def poll(self, timeout):
        until = time.monotonic() + timeout
        while not self._serve() and time.monotonic() < until:
            time.sleep(0.002)

    def _serve(self):
        if self.log.frozen and self.waiting and time.monotonic() - self.waiting[0][0] > self.log.expires:
            self.waiting.pop(0)[-1](KafkaError(KafkaError._MSG_TIMED_OUT), None)
            return True
        if self.log.frozen or not self.waiting:
            return False
        _, topic, key, value, headers, told = self.waiting.pop(0)
        if self.log.refuses is not None:
            told(KafkaError(self.log.refuses), None)
        else:
            told(None, self.log.add(topic, value, key, headers))
        return True

    def purge(self):
        for *_, told in self.waiting:
            told(KafkaError(KafkaError._PURGE_QUEUE), None)
        self.waiting = []

    def flush(self, timeout):
        pass


class MemoryConsumer:
    def __init__(self, log, settings):
        self.log, self.settings, self.at = log, settings, {}

    def list_topics(self, timeout):
        return SimpleNamespace(
            topics={name: SimpleNamespace(error=None, partitions={0: None}) for name in self.log.topics}
        )

    def offsets_for_times(self, asked, timeout):
        return [TopicPartition(one.topic, one.partition, self._since(one)) for one in asked]

    def _since(self, asked):
        records = self.log.topics[asked.topic]
        if asked.offset == -1:
            return len(records)
        return next((record.offset() for record in records if record.timestamp()[1] >= asked.offset), -1)

    def assign(self, places):
        self.at = {place.topic: place.offset for place in places}

    def poll(self, timeout):
        return next(iter(self.consume(1, timeout)), None)

    def consume(self, most, timeout):
        until = time.monotonic() + timeout
        while True:
            with self.log.lock:
                found = [record for topic, at in self.at.items() for record in self.log.topics[topic][at:]][:most]
            if found or time.monotonic() > until:
                break
            time.sleep(0.002)
        for record in found:
            self.at[record.topic()] = record.offset() + 1
        return found

    def close(self):
        pass


class NoWarehouse:
    """A warehouse with what tests put into it; `away` raises it."""

    def __init__(self, found=None, away=None, standing=None):
        self.found, self.away, self.stands, self.asked = found, away, standing, 0

    async def find(self, tenant, application_id, revision=None):
        self.asked += 1
        if self.away:
            raise self.away
        return self.found

    async def by_id(self, tenant, decision_id):
        return await self.find(tenant, decision_id)

    async def standing(self, tenant, application_id, revision=None):
        if self.away:
            raise self.away
        return self.stands
