"""The least a Kafka client can do: an idempotent producer, offsets committed every 500 records; at least once."""

from confluent_kafka import Consumer, Producer
from work import answer, job

told = job()
connection = {"bootstrap.servers": told.bootstrap}
consumer = Consumer(
    {**connection, "group.id": told.group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
)
producer = Producer({**connection, "enable.idempotence": True, "linger.ms": 5})
consumer.subscribe([told.source])
while True:
    messages = [message for message in consumer.consume(500, 0.2) if message.error() is None]
    for message in messages:
        producer.produce(told.target, answer(message.value()), message.key())
    if messages:
        producer.flush()
        consumer.commit(asynchronous=False)
