"""The warehouse's figures on the real thing: what banks send again, and what is delivered again, moves none."""

import json
from collections import Counter
from contextlib import closing

from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from schemas.topics import TOPICS
from stores.topics import KafkaTopics

TENANT = "figures"
FAMILIES = ("in_all", "by_latency", "by_result", "by_claim", "by_document", "by_group", "by_feature")


def figures(client):
    """Every row of every family, of this bank; whichever hours are counted by now."""
    columns = "hour, bucket, dimension, value, number, outcome, sum(decisions), round(sum(p_sum), 9)"
    return {
        name: client.query(
            f"SELECT {columns} FROM loanstream.decisions_{name} WHERE tenant = '{TENANT}' GROUP BY ALL ORDER BY ALL"
        ).result_rows
        for name in FAMILIES
    }


def of_the_topics(stack):
    """What the bank's topics hold, by partition."""
    names = [TOPICS[key].name(TENANT) for key in ("applications", "verifications", "decisions")]
    with closing(KafkaTopics(stack.bootstrap, stack.security)) as topics:
        there = {place: bounds for place, bounds in topics.bounds(names).items() if bounds.low < bounds.end}
        return {place: list(topics.read(place, bounds)) for place, bounds in there.items()}


def delivered_again(stack, records, cut):
    """Record it once more, in ranges of `cut` records."""
    letters = []
    with closing(WarehouseSink(stack.warehouse_writer, stack.cipher, letters.extend)) as sink:
        for place, held in records.items():
            for start in range(0, len(held), cut):
                some = held[start : start + cut]
                within = OffsetRange(*place, some[0].offset(), some[-1].offset() + 1)
                sink.write(within, sink.prepare(some))
    assert letters == []


def test_what_is_sent_or_delivered_again_moves_no_figure(cli, bank, stack, shipped_example):
    """A bank's repeats and a conflict count once, by their first record; batches cut differently change nothing."""
    for number in range(3):
        event = shipped_example | {"tenant": TENANT, "application_id": f"f-{number}"}
        for cibil in (700, 700, 410)[: 1 + number % 3]:
            bank.publish(TENANT, event["application_id"], json.dumps(event | {"cibil_score": cibil}).encode())
    bank.flush()
    decisions, letters = bank.outcomes(TENANT, 6)
    assert (len(decisions), letters) == (6, [])
    assert json.loads(cli("reconcile", "--tenant", TENANT, "--json").stdout)["differences"] == []
    firsts = {one["application_id"]: one for one in reversed(decisions)}
    with closing(stack.warehouse()) as client:
        before = figures(client)
        outcomes = Counter()
        for row in before["in_all"]:
            outcomes[row[5]] += row[6]
        assert outcomes == Counter(one["outcome"] for one in firsts.values())
        assert {row[2] for row in before["by_feature"]} >= {"feature:cibil_score", "feature:lti"}
        delivered_again(stack, of_the_topics(stack), cut=2)
        assert figures(client) == before
