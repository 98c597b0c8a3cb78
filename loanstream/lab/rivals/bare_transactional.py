"""The least exactly-once can be: 500 records and their offsets in one transaction after the other."""

from confluent_kafka import Consumer, Producer, TopicPartition
from work import answer, job

told = job()
connection = {"bootstrap.servers": told.bootstrap}
consumer = Consumer(
    {
        **connection,
        "group.id": told.group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
    }
)
producer = Producer({**connection, "transactional.id": told.group, "retry.backoff.ms": 5, "linger.ms": 0})
producer.init_transactions(30)
consumer.subscribe([told.source])
while True:
    messages = [message for message in consumer.consume(500, 0.2) if message.error() is None]
    if not messages:
        continue
    producer.begin_transaction()
    ends = {}
    for message in messages:
        producer.produce(told.target, answer(message.value()), message.key())
        ends[message.partition()] = message.offset() + 1
    positions = [TopicPartition(told.source, partition, offset) for partition, offset in ends.items()]
    producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), 30)
    producer.commit_transaction(30)
