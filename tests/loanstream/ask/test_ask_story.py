"""Decisions, their agreement, an application's story, and the named questions, against the real engine."""

import json
from pathlib import Path

import pytest

from dashboards.queries import QUERIES, run
from loanstream.ask.decisions import NotComparable, agreement, latest_decisions
from loanstream.ask.story import story
from loanstream.ask.story_text import story_text
from loanstream.cli.decisions import agreement_text
from loanstream.cli.reconcile import reconciliation_text
from loanstream.cli.replay import replay_text
from processors.deadletters import dead_letter
from processors.identity import Worker
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from schemas.records import MemoryMessage
from stores.warehouse.cipher import ColumnCipher

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
CIPHER = ColumnCipher(b"k" * 32)
START = 1_770_715_800_120


def example(name, **changes):
    return json.loads((EXAMPLES / f"{name}.json").read_text()) | changes


class Warehouse:
    """Puts events into the warehouse, one record each."""

    def __init__(self, server, refused):
        self.server, self.refused = server, refused
        self.offset = 0

    def put(self, topic, event, key="example-0002"):
        value = event if isinstance(event, bytes) else json.dumps(event).encode()
        message = MemoryMessage(topic, 0, self.offset, key.encode(), value, None, (2, START))
        sink = WarehouseSink(self.server.client, CIPHER, self.refused)
        sink.write(OffsetRange(topic, 0, self.offset, self.offset + 1), sink.prepare([message]))
        self.offset += 1
        assert self.refused == []
        return message


@pytest.fixture
def warehouse(empty, refused):
    return Warehouse(empty, refused)


def put_example(warehouse):
    submitted = example("loan.application.submitted.with-documents", application_id="example-0002")
    warehouse.put("loan.applications.v1.bank-a", submitted)
    warehouse.put("loan.verifications.v1.bank-a", example("loan.application.verified"))
    warehouse.put("loan.decisions.v1.bank-a", example("loan.decision.made"))


def test_a_story_holds_everything(warehouse):
    """Claims, documents, checks, points, receipt, timings, conflicts and dead letters of an application are told."""
    put_example(warehouse)
    decision = example("loan.decision.made")
    warehouse.put("loan.decisions.v1.bank-a", decision)
    other = decision | {"decision_id": "00000000-298d-5145-83ac-08c047940d22", "outcome": "decline"}
    warehouse.put("loan.decisions.v1.bank-a", other)
    broken = MemoryMessage("loan.applications.v1.bank-a", 0, 77, b"example-0002", b"{", None, (2, START))
    letter = dead_letter(broken, "not_json", [], Worker("verify", "verify-0", "1", lambda: START))
    warehouse.put("loan.applications.v1.bank-a.dlq", letter.value)
    told = story(warehouse.server.client("reader"), CIPHER, "example-0002")
    [chapter] = told.chapters
    assert chapter.verified["application"]["applicant"]["name"] == "Meera Kulkarni"
    assert chapter.decision == decision
    assert chapter.repeats == 1
    assert [conflict.decision["outcome"] for conflict in chapter.conflicting] == ["decline"]
    assert chapter.timings_ms["in all"] == pytest.approx(
        sum(value for name, value in chapter.timings_ms.items() if name != "in all")
    )
    assert [row["cause"] for row in told.dead_letters] == ["not_json"]
    text = story_text(told)
    for part in (
        "Meera Kulkarni",
        "payslip",
        decision["reasons"][0]["text"],
        decision["receipt"]["bundle_id"],
        "not_json",
        "1,440,000 claimed, 1,320,000 in bank_statement, +8.3%",
        f"accepted {decision['accepted_at']}, decided {decision['processing']['score_finished_at']}",
        "made once more",
    ):
        assert part in text
    assert "000.00" not in text
    assert f"mine {decision['receipt']['bundle_id']}" in story_text(
        told, {decision["receipt"]["bundle_id"]: "mine"}.get
    )


def test_a_story_keeps_to_the_screen(warehouse):
    """On 80 columns the claims and points stand line by line; no hash is broken."""
    put_example(warehouse)
    text = story_text(story(warehouse.server.client("reader"), CIPHER, "example-0002"), width=80)
    assert [line for line in text.splitlines() if len(line) > 80 and "Timings" not in line] == []


def test_a_story_without_the_key_keeps_the_person_out(warehouse):
    """Without the column key the story still tells the decision, and no name."""
    put_example(warehouse)
    told = story(warehouse.server.client("reader"), ColumnCipher(b"z" * 32), "example-0002", "bank-a")
    text = story_text(told)
    assert "Meera" not in text
    assert "not readable" in text
    assert "APPROVE" in text


def test_a_story_writes_no_codes_to_the_terminal(warehouse):
    """What a bank put into its extensions cannot move the cursor of the person who reads."""
    verified = example("loan.application.verified")
    verified["application"]["extensions"] = {"note": "a\x1b[2Jb"}
    warehouse.put("loan.verifications.v1.bank-a", verified)
    text = story_text(story(warehouse.server.client("reader"), CIPHER, "example-0002"))
    assert "\x1b" not in text
    assert "a?[2Jb" in text


def test_an_unknown_application_is_unknown(warehouse):
    """There is no story where nothing was recorded, and none in another tenant's name."""
    put_example(warehouse)
    client = warehouse.server.client("reader")
    assert not story(client, CIPHER, "nobody").known
    assert not story(client, CIPHER, "example-0002", "bank-b").known


def test_decisions_are_listed_and_narrowed(warehouse):
    """The latest decisions come first; tenant and outcome narrow them."""
    for number, outcome in enumerate(("approve", "refer", "decline")):
        made = example("loan.decision.made", application_id=f"a-{number}", outcome=outcome)
        made["accepted_at"] = f"2026-02-10T09:30:00.{number:03}Z"
        warehouse.put("loan.decisions.v1.bank-a", made)
    client = warehouse.server.client("reader")
    assert [row["application_id"] for row in latest_decisions(client, None, None, 2)] == ["a-2", "a-1"]
    [row] = latest_decisions(client, "bank-a", "approve", 9)
    assert (row["application_id"], row["accepted_at"]) == ("a-0", "2026-02-10T09:30:00.000Z")
    assert latest_decisions(client, "bank-b", None, 9) == []


def test_agreement_with_recorded_outcomes(warehouse, tmp_path):
    """Approvals and declines are compared with the recorded status; referred and undecided ones stand apart."""
    for number, outcome in enumerate(("approve", "approve", "decline", "refer")):
        warehouse.put(
            "loan.decisions.v1.bank-a", example("loan.decision.made", application_id=f"x{number}", outcome=outcome)
        )
    late = example("loan.decision.made", application_id="x0", revision=2, outcome="decline")
    warehouse.put("loan.decisions.v1.bank-a", late)
    file = tmp_path / "recorded.csv"
    file.write_text(
        "loan_id, income_annum, loan_status\n0,1, Approved\n1,1, Approved\n2,1, Rejected\n3,1, Rejected\n4,1, Approved\n"
    )
    client = warehouse.server.client("reader")
    found = agreement(client, file, "bank-a", "x")
    assert found.table == {
        ("approved", "decline"): 1,
        ("approved", "approve"): 1,
        ("rejected", "decline"): 1,
        ("rejected", "refer"): 1,
    }
    assert (found.compared, found.referred, found.undecided) == (3, 1, 1)
    assert found.agreement == pytest.approx(2 / 3)
    assert "66.7 %" in agreement_text(found)
    file.write_text("a,b\n1,2\n")
    with pytest.raises(NotComparable, match="loan_status"):
        agreement(client, file)


@pytest.mark.parametrize("name", QUERIES)
def test_every_question_has_an_answer(warehouse, name):
    """Each named question runs as a reader, with and without data, for one tenant and for all."""
    client = warehouse.server.client("reader")
    assert run(client, name) == []
    put_example(warehouse)
    warehouse.put("loan.decisions.v1.bank-a", example("loan.decision.made", application_id="other", outcome="refer"))
    warehouse.put(
        "loan.decisions.v1.bank-a",
        example("loan.decision.made", outcome="decline", decision_id="00000000-298d-5145-83ac-08c047940d22"),
    )
    warehouse.put("loan.applications.v1.bank-a.dlq", example("loan.dead_letter"))
    assert run(client, name)
    assert run(client, name, tenant="bank-a")
    assert run(client, name, tenant="nobody") == []


def test_latency_is_counted_by_stage(warehouse):
    """Latency has a row a step, from the decision's own timestamps."""
    made = example("loan.decision.made", accepted_at="2026-02-10T09:30:00.120Z")
    made["processing"] |= {
        "verify_started_at": "2026-02-10T09:30:00.131Z",
        "verify_finished_at": "2026-02-10T09:30:00.158Z",
        "score_started_at": "2026-02-10T09:30:00.164Z",
        "score_finished_at": "2026-02-10T09:30:00.171Z",
    }
    warehouse.put("loan.decisions.v1.bank-a", made)
    rows = {row["stage"]: row["p50"] for row in run(warehouse.server.client("reader"), "latency")}
    assert rows == {"waited for verify": 11, "verify": 27, "waited for score": 6, "score": 7, "decision": 51}


def test_an_unknown_parameter_is_refused(warehouse):
    """A question does not silently ignore what it is asked."""
    with pytest.raises(TypeError, match="limit"):
        run(None, "outcomes", limit=3)


def test_differences_and_verdicts_are_words():
    """What reconcile and replay found can be read by a person."""
    from loanstream.ask.difference import Difference
    from loanstream.ask.reconcile import Reconciliation
    from loanstream.ask.replay import Replayed, Verdict

    result = Reconciliation([Difference("altered", "decisions_log", "bank-a", "a-1", 2, "t", 0, 7, ("outcome",))])
    assert "altered in outcome: decisions_log, bank-a a-1 revision 2 (t/0/7)" in reconciliation_text(result)
    done = Replayed()
    done.totals["equal"] = 3
    done.note(Verdict("bank-a", "a-1", 1, "id", "outcome differs", "outcome"))
    assert "bank-a a-1 revision 1: outcome differs: outcome" in replay_text(done)
    assert "3 equal, 1 outcome differs" in replay_text(done)
