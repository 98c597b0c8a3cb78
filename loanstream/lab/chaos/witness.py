"""What a downstream service sees: `python -m loanstream.lab.chaos.witness STATE FILE TENANT...` until it is killed.

Reads decisions and dead letters of the tenants, committed records alone, from where they end when it starts, and
appends a line of JSON for each. It knows nothing of the load and of the faults.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from loanstream.stack.running import RunningStack
from schemas.headers import header
from schemas.topics import ENDS, TOPICS

TRACE = slice(3, 35)
"""Of a traceparent: the trace's own part."""

NOTED = ("decision_id", "outcome", "verification_result", "tenant", "accepted_at")
"""What is noted of a decision, beside the lane that verified it and what decided; of a dead letter they are null."""
DECIDED_BY = ("bundle_id", "policy_id")


def main(state: Path, file: Path, tenants: list[str]) -> None:
    """Watch for ever; the first line says that watching began."""
    consumer: Any = Consumer(
        {
            **RunningStack.at(state).admin_settings,
            "group.id": "chaos-witness",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "log_level": 2,
        }
    )
    topics = {TOPICS[key].name(tenant): key for tenant in tenants for key in ENDS}
    known = consumer.list_topics(timeout=30).topics
    places = [TopicPartition(topic, number) for topic in topics for number in known[topic].partitions]
    for place in places:
        place.offset = consumer.get_watermark_offsets(place, timeout=30)[1]
    consumer.assign(places)
    with file.open("w", buffering=1) as lines:
        lines.write(json.dumps({"watching": len(places)}) + "\n")
        while True:
            message = consumer.poll(1.0)
            if message is not None and message.error() is None:
                lines.write(json.dumps(_seen(message, topics[message.topic()])) + "\n")


def _seen(message: Any, kind: str) -> dict[str, Any]:
    trace = (header(message.headers(), "traceparent") or b"").decode()[TRACE]
    says = json.loads(message.value()) if kind == "decisions" else {}
    noted = {name: says.get(name) for name in NOTED} | {"lane": says.get("processing", {}).get("lane")}
    noted |= {name: says.get("receipt", {}).get(name) for name in DECIDED_BY}
    return {"at": time.time(), "trace": trace, "kind": kind} | noted


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
