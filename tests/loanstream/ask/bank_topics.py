"""The topics of one bank in memory, what record makes of them, and what reconcile then finds."""

import json
from pathlib import Path

from loanstream.ask.reconcile import compare
from processors.deadletters import dead_letter
from processors.identity import Worker
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from schemas.headers import ORIGIN
from schemas.records import MemoryMessage, place
from schemas.values import rfc3339_of_ms
from stores.topics import MemoryTopics
from stores.warehouse.cipher import ColumnCipher

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
CIPHER = ColumnCipher(b"k" * 32)
HANDLED = "loan.letters.handled.v1"
START = 1_770_888_600_000
APPLICATIONS, SLOW, VERIFICATIONS, DECISIONS, DEAD = (
    f"loan.{name}" for name in (
        "applications.v1.bank-a", "applications.slow.v1.bank-a", "verifications.v1.bank-a", "decisions.v1.bank-a",
        "applications.v1.bank-a.dlq",
    )
)  # fmt: skip


def example(name):
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def flow(count, dead=(), *, origins=False):
    """The topics after `count` applications; those whose number is in `dead` were no JSON. With `origins` each
    verification and decision names its application's record.
    """
    topics = {(name, 0): [] for name in (APPLICATIONS, SLOW, VERIFICATIONS, DECISIONS, DEAD)}
    names = ("loan.application.submitted", "loan.application.verified", "loan.decision.made")
    submitted, verified, decided = (example(name) for name in names)
    for number in range(count):
        key, stamp = f"a-{number:03}".encode(), START + number

        def put(topic, value, origin=None, key=key, stamp=stamp):
            records, headers = topics[topic, 0], [(ORIGIN, place(origin).encode())] if origin and origins else None
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            # Offsets leave holes, as transaction markers do.
            records.append(MemoryMessage(topic, 0, 2 * len(records), key, data, headers, (2, stamp)))
            return records[-1]

        application = submitted | {"application_id": key.decode()}
        if number in dead:
            broken = put(APPLICATIONS, b"{")
            put(DEAD, dead_letter(broken, "not_json", [], Worker("verify", "verify-0", "1", lambda: START)).value)
            continue
        sent = put(APPLICATIONS, application | {"monitoring": {"gender": "f"}})
        accepted = {"accepted_at": rfc3339_of_ms(stamp)}
        put(VERIFICATIONS, verified | accepted | {"application": application}, sent)
        put(DECISIONS, decided | accepted | {"application_id": key.decode()}, sent)
    return topics


def record(server, refused, topics):
    sink = WarehouseSink(server.client, CIPHER, refused)
    for (topic, partition), messages in topics.items():
        if messages and topic != SLOW:
            sink.write(OffsetRange(topic, partition, 0, messages[-1].offset() + 1), sink.prepare(messages))


def reconciled(server, topics, **options):
    of = topics if isinstance(topics, MemoryTopics) else MemoryTopics(topics)
    return compare(server.client("reader"), of, ["bank-a"], CIPHER, **options)


def altered(server, table, change, where):
    """Alter rows of a table by hand."""
    server.client().command(f"ALTER TABLE loanstream.{table} UPDATE {change} WHERE {where} SETTINGS mutations_sync = 1")


def found(result):
    return sorted((str(d.kind), d.table, d.application_id, d.offset, d.fields) for d in result.differences)
