"""The warehouse's figures, against the same figures made in Python from the records of the topics."""

import json
import math
import random
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from processors.stages.record.references import References
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from schemas.application import LoanApplication
from schemas.records import MemoryMessage
from schemas.values import ms_of_utc, rfc3339_of_ms
from scoring.features import FEATURE_NAMES, feature_matrix
from scoring.shipped import shipped_bundle_files
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.repeats import REPEATS
from stores.warehouse.tenants import delete_rows

PAGE = Path(__file__).parents[2] / "docs" / "warehouse-figures.md"
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
START, HOUR = 1_770_710_400_000, 3_600_000
BANKS = ("bank-a", "bank-b")
FAMILIES = (
    "decisions_in_all", "decisions_by_latency", "decisions_by_result", "decisions_by_claim", "decisions_by_document",
    "decisions_by_group", "decisions_by_feature",
)  # fmt: skip
COLUMNS = (
    "hour, bucket, tenant, bundle_id, policy_id, lane, dimension, value, round(number, 6), outcome, sum(decisions), "
    "sum(scored), round(sum(p_sum), 6), round(sum(score_sum), 6)"
)
MANIFEST = shipped_bundle_files("default")["manifest.json"]
PRODUCTS = ("home_loan", "car_loan", None)


def example(name):
    return json.loads((EXAMPLES / f"{name}.json").read_text())


class Topics:
    """Seeded records of two banks over three hours: documents, groups, repeats in another hour, a conflict."""

    def __init__(self, count=60):
        self.records = {}
        chance = random.Random(7)
        submitted, verified, decided = map(
            example, ("loan.application.submitted", "loan.application.verified", "loan.decision.made")
        )
        for number in range(count):
            tenant, app = chance.choice(BANKS), f"a-{number}"
            stamp = START + chance.randrange(3 * HOUR)
            product = chance.choice(PRODUCTS)
            application = submitted | {"tenant": tenant, "application_id": app}
            application["loan"] = submitted["loan"] | {"amount": chance.randrange(1, 9_000_000)} | {"product": product}
            if chance.random() < 0.4:
                application["cibil_score"] = None
            self.put("applications", tenant, application | {"monitoring": {"gender": chance.choice("fm")}}, stamp)
            whole = verified["application"] | {"tenant": tenant, "application_id": app, "loan": application["loan"]}
            whole["cibil_score"] = application["cibil_score"]
            accepted = {"accepted_at": rfc3339_of_ms(stamp)}
            self.put("verifications", tenant, verified | accepted | {"application": whole}, stamp)
            p = round(chance.random(), 6)
            lasts = math.ceil(math.exp(chance.uniform(3, 8)))
            times = [stamp + round(lasts * part) for part in (0.1, 0.5, 0.8, 1)]
            names = ("verify_started_at", "verify_finished_at", "score_started_at", "score_finished_at")
            decision = decided | accepted | {
                "tenant": tenant, "application_id": app, "p_calibrated": p, "score_final": p,
                "outcome": chance.choice(("approve", "refer", "decline")),
                "processing": decided["processing"] | dict(zip(names, map(rfc3339_of_ms, times), strict=True)),
            }  # fmt: skip
            self.put("decisions", tenant, decision, stamp)
            if chance.random() < 0.3:  # the bank sends it again, an hour or a month later
                later = {"accepted_at": rfc3339_of_ms(stamp + chance.choice((0, HOUR, 700 * HOUR)))}
                again = {"outcome": chance.choice(("approve", "decline"))}
                self.put("decisions", tenant, decision | later | again, stamp)

    def put(self, key, tenant, event, stamp, offset=None):
        topic = f"loan.{key}.v1.{tenant}"
        records = self.records.setdefault(topic, [])
        app = event.get("application", event)["application_id"]
        value = json.dumps(event).encode()
        at = len(records) if offset is None else offset
        records.append(MemoryMessage(topic, 0, at, app.encode(), value, None, (2, stamp)))

    def firsts(self):
        """The decisions, by their first records."""
        found = {}
        for topic, records in self.records.items():
            if topic.startswith("loan.decisions."):
                for one in records:
                    event = json.loads(one.value())
                    found.setdefault((event["tenant"], event["application_id"], event["revision"]), event)
        return list(found.values())


def write(server, refused, topics, cut=1_000):
    """Record the topics in ranges of `cut` records."""
    references = References(lambda _: {"manifest.json": MANIFEST})
    sink = WarehouseSink(server.client, ColumnCipher(b"k" * 32), refused, references=references)
    for topic, records in topics.records.items():
        for start in range(0, len(records), cut):
            some = records[start : start + cut]
            sink.write(OffsetRange(topic, 0, some[0].offset(), some[-1].offset() + 1), sink.prepare(some))
    sink.close()
    assert refused == []


def figures(client):
    """Every row of every family."""
    return {
        name: client.query(f"SELECT {COLUMNS} FROM loanstream.{name} GROUP BY ALL ORDER BY ALL").result_rows
        for name in FAMILIES
    }


def an_hour_passes(client):
    """Whatever the warehouse wrote down of its own clock is an hour older."""
    for table, column in (("hours_touched", "at"), ("hours_counted", "counted_at"), ("decisions_by_log", "counted_at")):
        client.command(
            f"ALTER TABLE loanstream.{table} UPDATE {column} = {column} - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"
        )


COUNTING = ("count_hours", "mark_counted")


@pytest.fixture(autouse=True)
def by_hand(server):
    """Nothing is counted but by the test."""
    for what in ("STOP", "START"):
        client = server.client()
        for view in COUNTING:
            client.command(f"SYSTEM {what} VIEW loanstream.{view}")
        client.close()
        if what == "STOP":
            yield


def count(client, views=COUNTING):
    """What the warehouse does each minute, now."""
    for view in views:
        client.command(f"SYSTEM START VIEW loanstream.{view}")
        client.command(f"SYSTEM REFRESH VIEW loanstream.{view}")
        client.command(f"SYSTEM WAIT VIEW loanstream.{view}")
        client.command(f"SYSTEM STOP VIEW loanstream.{view}")


def states(client):
    found = client.query("SELECT is_counted, count() FROM loanstream.hours_state GROUP BY ALL ORDER BY ALL")
    return dict(found.result_rows)


@pytest.fixture
def counted(empty, refused):
    """A warehouse whose hours are all counted, what it was made from, and its figures."""
    topics, client = Topics(), empty.client()
    write(empty, refused, topics)
    live = figures(client)
    an_hour_passes(client)
    count(client)
    assert states(client).keys() == {1}
    yield empty, client, topics, live
    client.close()


def test_counted_and_still_to_be_counted_are_the_same(counted):
    """An hour's figures do not change when it is counted, and no family is empty."""
    _, client, _, live = counted
    assert all(live.values())
    assert figures(client) == live


def test_figures_are_what_the_topics_say(counted):
    """Outcomes by bank and by product, p and score, and latencies within a bin: each as computed from the records."""
    _, client, topics, _ = counted
    firsts = topics.firsts()
    by_outcome = client.query("SELECT tenant, outcome, sum(decisions) FROM loanstream.decisions_in_all GROUP BY ALL")
    expected = Counter((one["tenant"], one["outcome"]) for one in firsts)
    assert {row[:2]: row[2] for row in by_outcome.result_rows} == expected
    products = {
        (topic.rpartition(".")[2], json.loads(one.value())["application_id"]): json.loads(one.value())["loan"]["product"]
        for topic, records in topics.records.items() if topic.startswith("loan.applications.") for one in records
    }  # fmt: skip
    by_product = client.query(
        "SELECT value, outcome, sum(decisions) FROM loanstream.decisions_by_claim WHERE dimension = 'product' GROUP BY ALL"
    )
    assert {row[:2]: row[2] for row in by_product.result_rows} == Counter(
        (products[one["tenant"], one["application_id"]] or "(not named)", one["outcome"]) for one in firsts
    )
    sums = client.query("SELECT sum(scored), sum(p_sum), sum(score_sum) FROM loanstream.decisions_in_all").first_row
    p = math.fsum(one["p_calibrated"] for one in firsts)
    assert sums == (len(firsts), pytest.approx(p), pytest.approx(p))
    took = sorted(_ms(one["processing"]["score_finished_at"]) - _ms(one["accepted_at"]) for one in firsts)
    for share in (0.5, 0.95):
        found = client.query(
            f"SELECT quantileExactWeighted({share})(number, decisions) FROM loanstream.decisions_by_latency "
            "WHERE dimension = 'latency:decision'"
        ).first_row[0]
        exact = took[max(math.ceil(share * len(took)) - 1, 0)]
        assert found == pytest.approx(exact, rel=0.05)


def test_features_lie_in_the_bins_of_training(counted):
    """Each feature of each decision is in the bin where training would have counted it, the missing ones apart."""
    _, client, topics, _ = counted
    reference = json.loads(MANIFEST)["reference"]
    events = [
        json.loads(one.value())["application"]
        for topic, records in topics.records.items()
        if topic.startswith("loan.verifications.")
        for one in records
    ]
    applications = [LoanApplication.model_validate_json(json.dumps(event)) for event in events]
    expected = Counter()
    for name, column in zip(FEATURE_NAMES, feature_matrix(applications).T, strict=True):
        for value in column if name in reference else ():
            inner = reference[name]["edges"][1:-1]
            expected[f"feature:{name}", -1 if np.isnan(value) else int(np.searchsorted(inner, value, "right"))] += 1
    found = client.query(
        "SELECT dimension, toInt64(number), sum(decisions) FROM loanstream.decisions_by_feature GROUP BY ALL"
    )
    assert {row[:2]: row[2] for row in found.result_rows} == expected
    shares = client.query(
        "SELECT round(sum(share), 9) FROM loanstream.bundle_references FINAL GROUP BY bundle_id, feature"
    )
    assert shares.result_rows == [(1.0,)] * len(reference)


def test_the_page_s_index_of_drift_is_the_definition_s(counted):
    """The page's query gives the population stability index, as computed from the records and the manifest."""
    _, client, topics, _ = counted
    sql = re.search(r"```sql\n(SELECT bundle_id, feature, sum.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    sql = sql.replace("hour >= now() - INTERVAL 7 DAY", "1")
    found = {feature: psi for _, feature, psi in client.query(sql).result_rows}
    reference = json.loads(MANIFEST)["reference"]["loan_amount"]
    amounts = [
        float(json.loads(one.value())["application"]["loan"]["amount"])
        for one in topics.records["loan.verifications.v1.bank-a"]
    ]
    counts = np.bincount(
        np.searchsorted(reference["edges"][1:-1], amounts, "right"), minlength=len(reference["counts"])
    )
    then = np.maximum(np.array(reference["counts"]) / sum(reference["counts"]), 1e-4)
    now = np.maximum(counts / len(amounts), 1e-4)
    assert found["loan_amount"] == pytest.approx(float(np.sum((now - then) * np.log(now / then))))


def _ms(text):
    return ms_of_utc(datetime.fromisoformat(text))


def test_records_delivered_again_in_other_cuts_move_no_figure(counted, refused):
    """Everything is read once more, cut otherwise: while its hours are to be counted again, and when they are."""
    server, client, topics, before = counted
    topics.records = {topic: records[:20] for topic, records in topics.records.items()}
    write(server, refused, topics, cut=7)
    assert states(client)[0] > 0
    assert figures(client) == before
    an_hour_passes(client)
    count(client)
    assert states(client).keys() == {1}
    assert figures(client) == before


def test_a_late_record_has_its_hour_counted_again(counted, refused):
    """A decision for an hour that is counted is seen at once, and is in the next count of that hour."""
    server, client, topics, before = counted
    late, hours = Topics(0), states(client)[1]
    stamp = START + HOUR
    event = example("loan.decision.made") | {"application_id": "late", "accepted_at": rfc3339_of_ms(stamp)}
    late.put("decisions", "bank-a", event, stamp, offset=1_000)
    write(server, refused, late)
    assert states(client) == {0: 1, 1: hours - 1}
    total = "SELECT sum(decisions) FROM loanstream.decisions_in_all"
    assert client.query(total).first_row == (len(topics.firsts()) + 1,)
    an_hour_passes(client)
    count(client)
    assert states(client).keys() == {1}
    assert client.query(total).first_row == (len(topics.firsts()) + 1,)
    assert figures(client) != before


def test_a_count_that_was_cut_off_is_not_believed(empty, refused):
    """A crash leaves fewer rows than the count says it has: the hour is counted once more."""
    client = empty.client()
    write(empty, refused, Topics())
    live = figures(client)
    an_hour_passes(client)
    # The others have repeats alone, and no conflict.
    (to_count,) = client.query("SELECT uniqExact(hour) FROM loanstream.decisions_by_now").first_row
    client.command(
        "INSERT INTO loanstream.decisions_by_log SELECT *, now64(3) AS counted_at, count() OVER (PARTITION BY hour) AS "
        "rows_of_hour FROM loanstream.decisions_by_now ORDER BY dimension LIMIT 20"
    )
    count(client, COUNTING[1:])
    assert states(client)[0] == to_count
    assert to_count > 3
    count(client)
    assert 0 not in states(client)
    assert figures(client) == live
    client.close()


def test_an_hour_without_decisions_is_counted_too(empty, refused):
    """Where every application of an hour ended otherwise, that hour is not looked through for ever."""
    client, topics = empty.client(), Topics()
    topics.records = {topic: records for topic, records in topics.records.items() if "decisions" not in topic}
    write(empty, refused, topics)
    assert states(client).keys() == {0}
    an_hour_passes(client)
    count(client)
    assert states(client).keys() == {1}
    client.close()


def test_what_is_to_be_counted_is_read_by_its_hour(empty, refused):
    """A column that a projection lacks would have the whole log read: each log's projection can be used."""
    client = empty.client()
    write(empty, refused, Topics(6))
    for name in FAMILIES:
        assert_by_hour(client.query(f"EXPLAIN projections = 1 SELECT * FROM loanstream.{name}_now").result_rows)
    client.close()


def assert_by_hour(plan):
    read: dict[str, str] = {}
    for part in "\n".join(line for (line,) in plan).split("ReadFromMergeTree (loanstream.")[1:]:
        log, _, told = part.partition(")")
        if log.endswith("_log") and log != REPEATS:
            read[log] = told
    assert "decisions_log" in read
    for log, told in read.items():
        assert "Name: by_hour" in told, log
        assert "by_hour is usable" in told, log


def test_a_bank_s_removal_takes_its_figures(counted):
    """Nothing of a bank that is removed is counted any more; the others' hours stay counted, and as they were."""
    _, client, topics, before = counted
    delete_rows(client, "bank-b")
    assert figures(client) == {name: [row for row in rows if row[2] == "bank-a"] for name, rows in before.items()}
    assert states(client).keys() == {1}
    count(client)
    found = client.query("SELECT tenant, sum(decisions) FROM loanstream.decisions_in_all GROUP BY ALL").result_rows
    assert found == [("bank-a", sum(one["tenant"] == "bank-a" for one in topics.firsts()))]
