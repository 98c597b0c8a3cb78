"""Decisions, their agreement, an application's story, and the named questions, against the real engine."""

import io
import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from dashboards.queries import QUERIES, run
from loanstream.ask.decisions import NotComparable, agreement, latest_decisions
from loanstream.ask.story import Story, story
from loanstream.ask.story_text import story_text
from loanstream.ask.tally import decision_records
from loanstream.cli.decisions import agreement_text, decisions_table
from loanstream.cli.reconcile import reconciliation_text
from loanstream.cli.replay import replay_text
from processors.deadletters import dead_letter
from processors.identity import Worker
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from schemas.headers import ORIGIN
from schemas.records import MemoryMessage, place
from schemas.verification import ApplicationVerified
from scoring.canonical import application_bytes, evidence_bytes
from scoring.receipt import ReceiptKey
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.migrate import migrations, statements
from stores.warehouse.pages import ORIGIN as PLACE_COLUMNS
from stores.warehouse.sealed import opened

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
CIPHER = ColumnCipher(b"k" * 32)
START, TOLD = 1_770_715_800_120, 1_790_000_000_000


def example(name, **changes):
    return json.loads((EXAMPLES / f"{name}.json").read_text()) | changes


class Warehouse:
    """Puts events into the warehouse, one record each."""

    def __init__(self, server, refused):
        self.server, self.refused = server, refused
        self.offset = 0

    def put(self, topic, event, key="example-0002", origin=None):
        value = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers = None if origin is None else [(ORIGIN, place(origin).encode())]
        stamp_ms = TOLD if topic.startswith("loan.outcomes") else START
        message = MemoryMessage(topic, 0, self.offset, key.encode(), value, headers, (2, stamp_ms))
        sink = WarehouseSink(self.server.client, CIPHER, self.refused)
        sink.write(OffsetRange(topic, 0, self.offset, self.offset + 1), sink.prepare([message]))
        self.offset += 1
        assert self.refused == []
        return message


@pytest.fixture
def warehouse(empty, refused):
    return Warehouse(empty, refused)


def told_by_income(warehouse, income):
    """The verified event with that income, as the warehouse has it."""
    rows = warehouse.server.client("reader").query("SELECT * FROM loanstream.verifications_log").named_results()
    events = [orjson.loads(opened("verifications_log", row, CIPHER)) for row in rows]
    return orjson.dumps(next(event for event in events if event["application"]["annual_income"] == income))


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


def test_two_banks_reasons_of_one_code_are_two(warehouse):
    """A code of a bank's own means what its policy says; registered codes are counted over all banks."""
    made = example("loan.decision.made")
    for tenant, text in (("bank-a", "Too far from the branch."), ("bank-b", "Too far behind with another loan.")):
        for number, code in enumerate(("own_too_far", "own_too_far", "thin_file")):
            reason = {"code": code, "text": text, "points": None, "decisive": True, "value": None}
            ids = {"tenant": tenant, "application_id": f"{tenant}-{number}"}
            warehouse.put(f"loan.decisions.v1.{tenant}", made | ids | {"outcome": "refer", "reasons": [reason]})
    rows = run(warehouse.server.client("reader"), "reasons")
    found = sorted((row["code"], row["example"], row["decisions"]) for row in rows)
    assert [row for row in found if row[0] == "own_too_far"] == [
        ("own_too_far", "Too far behind with another loan.", 2),
        ("own_too_far", "Too far from the branch.", 2),
    ]
    assert [(code, count) for code, _, count in found if code == "thin_file"] == [("thin_file", 2)]


def test_what_applicants_are_told_is_counted_by_factor(warehouse):
    """Each principal reason of a decision counts once under its factor and outcome; an approval has none to count."""
    made = example("loan.decision.made")
    told = {
        "declined": ("decline", [("credit_history", "The CIBIL score is 402."), ("loan_burden", "The loan is large.")]),
        "referred": ("refer", [("credit_history", "There is no CIBIL score.")]),
        "approved": ("approve", []),
    }
    for name, (outcome, factors) in told.items():
        reasons = [
            {"factor": factor, "text": text, "points": None, "value": None, "bound": None} for factor, text in factors
        ]
        change = {"tenant": "bank-a", "application_id": name, "outcome": outcome, "principal_reasons": reasons or None}
        warehouse.put("loan.decisions.v1.bank-a", made | change)
    rows = run(warehouse.server.client("reader"), "principal_reasons")
    assert [tuple(row.values()) for row in rows] == [
        ("decline", "credit_history", "The CIBIL score is 402.", 1),
        ("decline", "loan_burden", "The loan is large.", 1),
        ("refer", "credit_history", "There is no CIBIL score.", 1),
    ]


APPLICATIONS, VERIFICATIONS, DECISIONS = (
    f"loan.{name}.v1.bank-a" for name in ("applications", "verifications", "decisions")
)
OTHER_ID = "00000000-298d-5145-83ac-08c047940d22"


def put_two(warehouse, *, named):
    """Two applications under one id with one `accepted_at`; the second one is decided first. Whether rows name origins."""
    submitted = example("loan.application.submitted.with-documents", application_id="example-0002")
    verified, decided = example("loan.application.verified"), example("loan.decision.made")
    sent = [warehouse.put(APPLICATIONS, submitted | {"annual_income": income}) for income in ("100000.00", "900000.00")]
    for message, income in zip(sent, ("100000.00", "900000.00"), strict=True):
        event = verified | {"application": verified["application"] | {"annual_income": income}}
        warehouse.put(VERIFICATIONS, event, origin=message if named else None)
    warehouse.put(DECISIONS, decided, origin=sent[1] if named else None)
    other = decided | {"decision_id": OTHER_ID, "outcome": "decline"}
    warehouse.put(DECISIONS, other, origin=sent[0] if named else None)
    return sent


def told_of(warehouse, **more):
    (chapter,) = story(warehouse.server.client("reader"), CIPHER, "example-0002", **more).chapters
    return chapter


def test_claims_belong_to_the_decision_by_the_place_of_their_record(warehouse):
    """Of two applications with the same id and time those claims are told that the first decision was made from."""
    sent = put_two(warehouse, named=True)
    chapter = told_of(warehouse)
    assert (chapter.known_by, chapter.origin) == ("origin", place(sent[1]))
    assert chapter.application["annual_income"] == "900000.00"
    assert chapter.verified["application"]["annual_income"] == "900000.00"
    (conflict,) = chapter.conflicting
    assert (conflict.origin, conflict.kind, conflict.claims_differ) == (
        place(sent[0]),
        "outcome differs",
        ("annual_income",),
    )
    text = story_text(story(warehouse.server.client("reader"), CIPHER, "example-0002"))
    assert "900,000" in text
    assert text.index("CONFLICT") < text.index("Claims") < text.index("Decision:")
    assert "outcome differs; its claims differ in annual_income" in text


def test_claims_have_the_names_that_the_bank_gave_them(warehouse):
    """Whoever looks them up in the event finds them, before it is verified as well as after."""
    sent = put_two(warehouse, named=True)
    chapter = replace(told_of(warehouse), verified=None)
    assert sent
    lines = [line.split() for line in story_text(Story("example-0002", [chapter])).splitlines()]
    names = {word for line in lines for word in line}
    assert {"loan.term_years", "applicant.dependents", "assets.bank"} <= names
    assert not {name for name in names if name.startswith(("loan_", "applicant_", "assets_"))}


def test_claims_that_may_be_anyone_s_are_not_shown(warehouse):
    """Rows of a former version name no record: no claims are told where several came, and that is said."""
    sent = put_two(warehouse, named=False)
    chapter = told_of(warehouse)
    assert (chapter.known_by, chapter.application, chapter.verified) == ("unknown", None, None)
    text = story_text(story(warehouse.server.client("reader"), CIPHER, "example-0002"))
    assert "too old to name its record" in text
    assert all(place(message) in text for message in sent)
    assert "annual_income" not in text


def test_an_older_decision_finds_its_claims_by_its_receipt(warehouse):
    """The hashes in its receipt are those of one of the verified events, and no other has them."""
    key = ReceiptKey("bank-a-1", b"r" * 32)
    put_two(warehouse, named=False)
    verified = ApplicationVerified.model_validate_json(told_by_income(warehouse, "100000.00"))
    hashes = {
        "key_id": key.key_id,
        "input_hmac": key.hash(application_bytes(verified.application)),
        "evidence_hmac": key.hash(evidence_bytes(verified.application, verified.extractions)),
    }
    decided = example("loan.decision.made")
    decided["receipt"] |= hashes
    warehouse.server.client().command("TRUNCATE TABLE loanstream.decisions_log")
    warehouse.put(DECISIONS, decided)
    chapter = told_of(warehouse, keys=lambda _: key)
    assert chapter.known_by == "receipt"
    assert chapter.verified["application"]["annual_income"] == "100000.00"


def test_what_became_of_a_loan_and_what_a_person_decided_is_told(warehouse):
    """With actor, reason and time, as it happened; amounts and days where the bank says them."""
    put_example(warehouse)
    said = {"tenant": "bank-a", "application_id": "example-0002", "revision": 1}
    late = {"kind": "repayment", "repayment": "late", "days_past_due": 31, "balance": "120000.00"}
    human = {"kind": "human_decision", "decision": "decline", "actor": "asha", "reason": "The employer denies it."}
    warehouse.put("loan.outcomes.v1.bank-a", said | late | {"at": "2026-05-01T00:00:00.000Z"})
    warehouse.put("loan.outcomes.v1.bank-a", said | human | {"at": "2026-02-11T08:00:00.000Z"})
    first, second = told_of(warehouse).outcomes
    assert (first["decision"], first["actor"], first["at"]) == ("decline", "asha", "2026-02-11T08:00:00.000Z")
    assert (second["repayment"], second["balance"]) == ("late", "120000.00")
    text = story_text(story(warehouse.server.client("reader"), CIPHER, "example-0002"))
    assert "2026-02-11T08:00:00.000Z  DECLINE by asha: The employer denies it." in text
    assert "late, 31 days past due, balance 120,000" in text


PYTHON = re.compile(r"\b(?:None|True|False|Decimal|datetime|b'|OrderedDict|Counter)\b")


def test_a_story_speaks_no_python(warehouse):
    """Neither on the screen nor as JSON: yes and no, amounts, hashes and times are those of events."""
    put_two(warehouse, named=True)
    warehouse.put("loan.outcomes.v1.bank-a", example("loan.outcome.recorded", application_id="example-0002"))
    told = story(warehouse.server.client("reader"), CIPHER, "example-0002")
    written = json.dumps([asdict(chapter) for chapter in told.chapters])  # no `default`: plain values alone
    assert PYTHON.findall(written) == []
    assert PYTHON.findall(story_text(told)) == []


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


def test_a_conflict_is_marked_in_the_list(warehouse):
    """In the view that dashboards read, in the table and in the line below it; a repeat is none."""
    made = example("loan.decision.made")
    for changes in (
        {},
        {"decision_id": OTHER_ID, "outcome": "decline"},
        {"application_id": "once"},
        {"application_id": "once"},
    ):
        warehouse.put(DECISIONS, made | changes)
    found = latest_decisions(warehouse.server.client("reader"), None, None, 9)
    assert {row["application_id"]: row["conflict"] for row in found} == {"example-0002": True, "once": False}
    out = io.StringIO()
    Console(file=out, width=100).print(decisions_table(found, 100))
    assert "conflict" in out.getvalue()
    assert "1 in conflict" in " ".join(out.getvalue().split())


def test_another_outcome_under_the_same_id_is_a_conflict(warehouse):
    """Other code may decide otherwise at a bound; the same under other code is a repeat."""
    made = example("loan.decision.made")
    newer = made | {"receipt": made["receipt"] | {"code_version": "9.9"}}
    warehouse.put(DECISIONS, made)
    warehouse.put(DECISIONS, newer)
    client = warehouse.server.client("reader")
    assert run(client, "conflicts") == []
    assert told_of(warehouse).repeats == 1
    warehouse.put(DECISIONS, newer | {"outcome": "decline"})
    (conflict,) = run(client, "conflicts")
    assert (conflict["decision_ids"], conflict["outcomes"]) == (
        [made["decision_id"]],
        ["approve", "approve", "decline"],
    )
    assert conflict["differs"] == ["outcome", "content"]
    assert conflict["code_versions"] == [made["receipt"]["code_version"], "9.9"]
    records = decision_records(client, ["bank-a"])
    assert (records.records, records.decisions, records.repeats, records.conflicting, records.conflicts) == (
        3,
        1,
        1,
        1,
        1,
    )


ADDED = {"verifications_log": PLACE_COLUMNS, "decisions_log": (*PLACE_COLUMNS, "decided_sha256")}


def test_rows_from_before_the_migration_are_served(warehouse):
    """Rows that were written without the new columns are found in conflict; to apply the migration again changes nothing."""
    client = warehouse.server.client()
    added = statements(migrations()["0007_origins_and_conflicts.sql"])
    try:
        for table, columns in ADDED.items():
            for column in reversed(columns):
                client.command(f"ALTER TABLE loanstream.{table} DROP COLUMN {column}")
        put_two(warehouse, named=False)
    finally:
        for statement in (*added, *added):
            client.command(statement)
    found = latest_decisions(warehouse.server.client("reader"), None, None, 9)
    assert [(row["application_id"], row["conflict"]) for row in found] == [("example-0002", True)]
    assert told_of(warehouse).origin is None


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


@pytest.mark.parametrize(
    "content", ["loan_id,loan_status\n1,Approved\n".encode("utf-16"), b"loan_id,loan_status\n" + b"x" * 200_000]
)
def test_a_file_of_another_kind_is_not_compared(tmp_path, content):
    """One line says what it is not, before the warehouse is asked."""
    (tmp_path / "recorded.csv").write_bytes(content)
    with pytest.raises(NotComparable, match=r"recorded\.csv is no CSV in UTF-8"):
        agreement(None, tmp_path / "recorded.csv")


@pytest.mark.parametrize("name", QUERIES)
def test_every_question_has_an_answer(warehouse, name):
    """Each named question runs as a reader, with and without data, for one tenant and for all."""
    client = warehouse.server.client("reader")
    assert run(client, name) == []
    put_example(warehouse)
    told = [
        {"factor": "documents", "text": "No document bears out the income.", "points": None}
        | {"value": None, "bound": None}
    ]
    referred = example("loan.decision.made", application_id="other", outcome="refer", principal_reasons=told)
    warehouse.put("loan.decisions.v1.bank-a", referred)
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
    from loanstream.ask.reconciliation import Reconciliation
    from loanstream.ask.replay import Replayed, Verdict

    result = Reconciliation([Difference("altered", "decisions_log", "bank-a", "a-1", 2, "t", 0, 7, ("outcome",))])
    assert "altered in outcome: decisions_log, bank-a a-1 revision 2 (t/0/7)" in reconciliation_text(result)
    done = Replayed()
    done.totals["equal"] = 3
    done.note(Verdict("bank-a", "a-1", 1, "id", "outcome differs", "outcome"))
    assert "bank-a a-1 revision 1: outcome differs: outcome" in replay_text(done)
    assert "3 equal, 1 outcome differs" in replay_text(done)
