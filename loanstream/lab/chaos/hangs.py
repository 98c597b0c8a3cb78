"""Whether a client library hangs when its broker restarts: `python -m loanstream.lab.chaos.hangs PYTHON...`.

Each PYTHON is an interpreter with some version of confluent-kafka (nothing else is needed in its environment). Two
plain transactional clients (`plain_client`) run on it beside a broker that is stopped and killed in turn. One line of
JSON for each: the versions, and how many of the clients' processes ended because a call never returned, or for another
failure that only a new producer gets over. docs/measured.md has what was found.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from loanstream.lab.chaos import plain_client
from loanstream.stack.kafka.broker import EmbeddedKafka
from schemas.problem import Problem

FROM, TO = "hangs.from", "hangs.to"
PARTITIONS = 8
SLOTS = ("hangs-0", "hangs-1")
RATE = 200
"""Records a second."""
WARM_UP_S = 12.0
AWAY_S = 1.0
COPIES_WITHIN_S = 60.0
RECOVERS_S = 18.0
"""What clients get before the next restart: long enough to count a call that hangs."""


def main() -> int:
    """Run the restarts under each interpreter's clients, and print what became of them."""
    parser = argparse.ArgumentParser(prog="python -m loanstream.lab.chaos.hangs", description=__doc__)
    parser.add_argument("python", nargs="+", help="an interpreter that has confluent-kafka")
    parser.add_argument("--restarts", type=int, default=8, help="of the broker, stopped and killed in turn")
    chosen = parser.parse_args()
    for python in chosen.python:
        sys.stdout.write(json.dumps(restarts(python, chosen.restarts)) + "\n")
        sys.stdout.flush()
    return 0


def restarts(python: str, times: int) -> dict[str, str | int]:
    """Restart a broker so many times under two clients of one interpreter; versions and counts.

    Problem where the clients copied nothing: then there was nothing that could have hung.
    """
    stopped = threading.Event()
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="loanstream-hangs-") as folder, EmbeddedKafka(Path(folder)) as broker:
        bootstrap = broker.bootstrap
        topics = [NewTopic(name, PARTITIONS, 1) for name in (FROM, TO)]
        with AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}) as admin:
            for future in admin.create_topics(topics).values():
                future.result(20)
        threads = [threading.Thread(target=_publish, args=(bootstrap, stopped))]
        threads += [threading.Thread(target=_keep, args=(python, bootstrap, slot, ends, stopped)) for slot in SLOTS]
        for thread in threads:
            thread.start()
        stopped.wait(WARM_UP_S)
        copied = _copied(bootstrap)
        for number in range(times if copied else 0):
            if number % 2:
                os.kill(broker.pid, signal.SIGKILL)
            broker.stop()
            time.sleep(AWAY_S)
            broker.start()
            time.sleep(RECOVERS_S)
        stopped.set()
        for thread in threads:
            thread.join()
        if not copied:
            raise Problem(f"the clients of {python} copied nothing")
    return {"librdkafka": _version(python), "restarts": times, "hung": ends["hung"], "failed": ends["failed"]}


def _copied(bootstrap: str) -> bool:
    """Whether anything is copied in time."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": TO})
    places = [TopicPartition(TO, number) for number in range(PARTITIONS)]
    until = time.monotonic() + COPIES_WITHIN_S
    try:
        while time.monotonic() < until:
            # A broker that is there since a moment leads nothing yet.
            with suppress(KafkaException):
                if any(consumer.get_watermark_offsets(place, timeout=15)[1] for place in places):
                    return True
            time.sleep(0.2)
        return False
    finally:
        consumer.close()


def _version(python: str) -> str:
    code = "import confluent_kafka; print(confluent_kafka.libversion()[0])"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def _publish(bootstrap: str, stopped: threading.Event) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0})
    number = 0
    while not stopped.wait(1 / RATE):
        try:
            producer.produce(FROM, b"x" * 500, str(number))
        except BufferError:
            continue  # the broker is away
        finally:
            producer.poll(0)
        number += 1


def _keep(python: str, bootstrap: str, slot: str, ends: Counter[str], stopped: threading.Event) -> None:
    """Start a client again whenever it ends, and count why it did."""
    command = [python, plain_client.__file__, bootstrap, FROM, TO, slot]
    while not stopped.is_set():
        client = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        while client.poll() is None and not stopped.wait(0.1):
            pass
        if client.poll() is None:
            client.kill()
        elif not stopped.is_set():
            ends["hung" if client.returncode == plain_client.HUNG else "failed"] += 1
        client.wait()


if __name__ == "__main__":
    sys.exit(main())
