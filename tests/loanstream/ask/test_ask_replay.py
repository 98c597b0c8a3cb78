"""Replay against the real engine, with the shipped bundle and policy in a store of their own."""

import json
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest

from loanstream.ask import replay as module
from loanstream.ask.activated import UNCHECKED, Activated, activated
from loanstream.ask.judged import judged_otherwise
from loanstream.ask.replay import RESULTS, NothingDecided, Replayed, Replayer, compare, replay
from loanstream.cli.replay import replay_json, replay_text
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from registry.history import InForce, Published
from registry.scorers import POLICY_FILE
from schemas.headers import ORIGIN
from schemas.operations import Activation
from schemas.records import MemoryMessage
from schemas.values import rfc3339_of_ms
from schemas.verification import ApplicationVerified
from scoring.bundle import load_bundle
from scoring.checks import verify
from scoring.decision import Scorer
from scoring.policy_document import parse_policy
from scoring.receipt import ReceiptKey
from scoring.shipped import shipped_bundle_files, shipped_policy_text
from stores.artefacts import ArtefactStore
from stores.warehouse.cipher import ColumnCipher

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
CIPHER = ColumnCipher(b"k" * 32)
START = 1_770_715_800_000
DECISIONS, VERIFICATIONS = "loan.decisions.v1.bank-a", "loan.verifications.v1.bank-a"
APPLICATIONS = "loan.applications.v1.bank-a"


def receipt_key(tenant):
    return ReceiptKey(f"{tenant}-1", b"r" * 32)


@pytest.fixture(scope="module")
def scorer():
    return Scorer(load_bundle(shipped_bundle_files("default")), parse_policy(shipped_policy_text("standard")))


@pytest.fixture
def artefacts(tmp_path, scorer):
    store = ArtefactStore(tmp_path / "artefacts")
    store.put(scorer.bundle.bundle_id, shipped_bundle_files("default"))
    store.put(scorer.policy.policy_id, {POLICY_FILE: shipped_policy_text("standard").encode()})
    return store


def verified(number, revision=1, income=None, claimed=None):
    """An event whose checks are those of its own code; with `claimed` on another income than was checked."""
    event = json.loads((EXAMPLES / "loan.application.verified.json").read_text())
    application = event["application"]
    application |= {"application_id": f"a-{number:03}", "revision": revision, "cibil_score": 300 + 37 * number % 600}
    application["annual_income"] = income or f"{400_000 + 90_000 * number}.00"
    event |= {"accepted_at": rfc3339_of_ms(START + number)}
    parsed = ApplicationVerified.model_validate_json(orjson.dumps(event))
    found = verify(parsed.application, parsed.extractions)
    parsed = parsed.model_copy(update={"checks": found.checks, "verification_result": found.result})
    if claimed is not None:
        application = parsed.application.model_copy(update={"annual_income": Decimal(claimed)})
        parsed = parsed.model_copy(update={"application": application})
    return parsed.model_dump_json(exclude_none=True).encode()


def processing():
    return json.loads((EXAMPLES / "loan.decision.made.json").read_text())["processing"]


def record(server, refused, scorer, events, *, decided=None, origins=None):
    """Put verified events and their decisions into the warehouse; `origins` are the offsets of their applications."""
    parsed = [ApplicationVerified.model_validate_json(event) for event in events]
    decisions = scorer.decide(parsed, receipt_key, "1.0")
    for decision in decisions:
        decision["processing"] = processing()
    if decided is not None:
        decided(decisions)
    sink = WarehouseSink(server.client, CIPHER, refused)
    for topic, values in ((VERIFICATIONS, events), (DECISIONS, [orjson.dumps(decision) for decision in decisions])):
        of = (
            [None] * len(values) if origins is None else [[(ORIGIN, f"{APPLICATIONS}/0/{n}".encode())] for n in origins]
        )
        messages = [MemoryMessage(topic, 0, n, b"key", value, of[n], (2, START)) for n, value in enumerate(values)]
        sink.write(OffsetRange(topic, 0, 0, len(messages)), sink.prepare(messages))
    assert refused == []
    return decisions


NOTHING_KNOWN = Activated()


def verdicts(
    server,
    artefacts,
    code_version="1.0",
    keys=receipt_key,
    application_id=None,
    cipher=CIPHER,
    history=NOTHING_KNOWN,
):
    replayer = Replayer(server.client("reader"), cipher, artefacts, keys, code_version, history)
    return list(replayer.verdicts("bank-a", application_id))


def test_every_decision_is_equal(empty, refused, scorer, artefacts, monkeypatch):
    """Decisions made in one batch are equal when made again in pages, revisions across a page's end included."""
    monkeypatch.setattr(module, "PAGE", 7)
    events = [verified(number, revision) for number in range(12) for revision in (1, 2)]
    decisions = record(empty, refused, scorer, events)
    assert len({decision["outcome"] for decision in decisions}) > 1
    found = verdicts(empty, artefacts)
    assert [verdict.result for verdict in found] == ["equal"] * 24
    assert [(verdict.application_id, verdict.revision) for verdict in found] == [
        (f"a-{number:03}", revision) for number in range(12) for revision in (1, 2)
    ]
    assert [verdict.revision for verdict in verdicts(empty, artefacts, application_id="a-003")] == [1, 2]


def test_the_event_that_was_decided_is_the_one_replayed(empty, refused, scorer, artefacts):
    """Where a bank repeated an application with other content, the decision is replayed from its own event."""
    first, other = verified(3), json.loads(verified(3, income="9000000.00"))
    other["accepted_at"] = rfc3339_of_ms(START + 500)
    record(empty, refused, scorer, [first, orjson.dumps(other)])
    assert [verdict.result for verdict in verdicts(empty, artefacts)] == ["equal"]


@pytest.mark.parametrize("origins", [[7, 4], None], ids=["by its place", "by its receipt"])
def test_one_id_and_one_time_twice_is_replayed_from_its_own_event(empty, refused, scorer, artefacts, origins):
    """Two applications of one batch have one time; the decision of the second, which came first, has its own event."""
    first, second = verified(3), verified(3, income="9000000.00")
    record(empty, refused, scorer, [first, second], origins=origins)
    # The slow lane let the second one's decision go ahead.
    empty.client().command(
        "ALTER TABLE loanstream.decisions_log DELETE WHERE kafka_offset = 0 SETTINGS mutations_sync = 2"
    )
    assert [verdict.result for verdict in verdicts(empty, artefacts)] == ["equal"]


@pytest.mark.parametrize(
    ("change", "result", "why"),
    [
        ({"outcome": "approve", "score_final": 0.123}, "outcome differs", "outcome, score_final"),
        ({"score_final": 0.123}, "score differs", "score_final"),
        ({"basis": ["thin_file"]}, "reasons differ", "basis"),
        ({"decision_id": "e06e2e9d-298d-5145-83ac-08c047940d22"}, "receipt differs", "decision_id"),
    ],
)
def test_a_changed_decision_differs(empty, refused, scorer, artefacts, change, result, why):
    """A decision whose record says something else than its inputs give is told by what matters most of what differs."""

    def decided(decisions):
        decisions[2] |= change

    record(empty, refused, scorer, [verified(number) for number in range(4)], decided=decided)
    found = verdicts(empty, artefacts)
    assert [verdict.result for verdict in found] == ["equal", "equal", result, "equal"]
    assert found[2].why == why
    done = Replayed()
    for verdict in found:
        done.note(verdict)
    assert done.exit_code == 1
    assert done.unequal == [found[2]]


def altered(server, change, where="application_id = 'a-001'"):
    """Alter rows of decisions by hand."""
    server.client().command(
        f"ALTER TABLE loanstream.decisions_log UPDATE {change} WHERE {where} SETTINGS mutations_sync = 1"
    )


def test_columns_that_say_something_else_than_the_decision_are_told(empty, refused, scorer, artefacts):
    """What dashboards read is the columns: no topic is needed to see that they were altered, and a lost event is told."""
    record(empty, refused, scorer, [verified(number) for number in range(3)])
    altered(empty, "outcome = if(outcome = 'approve', 'decline', 'approve'), base_points = 12.5")
    altered(empty, "event = 'not JSON'", "application_id = 'a-002'")
    found = verdicts(empty, artefacts)
    assert [(verdict.result, verdict.why) for verdict in found] == [
        ("equal", ""),
        ("columns differ", "outcome, base_points"),
        ("columns differ", "event"),
    ]
    done = Replayed()
    for verdict in found:
        done.note(verdict)
    assert (done.exit_code, [verdict.application_id for verdict in done.unequal]) == (1, ["a-001", "a-002"])


@pytest.mark.parametrize("origins", [[0, 2], None], ids=["by its place", "origin erased"])
def test_another_time_of_acceptance_is_told(empty, refused, scorer, artefacts, origins):
    """Which policy decides follows from the time: an event altered with its columns and hash says no other one."""

    def decided(decisions):
        decisions[1]["accepted_at"] = rfc3339_of_ms(START + 86_400_000)

    record(empty, refused, scorer, [verified(number) for number in range(2)], decided=decided, origins=origins)
    assert [(verdict.result, verdict.why) for verdict in verdicts(empty, artefacts)] == [
        ("equal", ""),
        ("receipt differs", "accepted_at"),
    ]


def published(at_ms, number, bundle_id=None, policy_id=None, **change):
    """A control record of bank-a at `at_ms`, with the id of its number."""
    activation = Activation(
        activation_id=identified(number),
        tenant="bank-a",
        bundle_id=bundle_id,
        policy_id=policy_id,
        actor="a person",
        reason="a test",
        **change,
    )
    return Published(activation, at_ms)


def identified(number):
    return f"00000000-0000-4000-8000-{number:012}"


LAX = shipped_policy_text("standard").replace("{approve: 0.7, decline: 0.3}", "{approve: 0.05, decline: 0.01}")


@pytest.mark.parametrize("moved", [False, True], ids=["the policy alone", "and the moment"])
def test_a_decision_by_what_was_not_in_force_is_told(empty, refused, scorer, artefacts, moved):
    """A row forged whole, as an earlier policy would have decided, follows from its receipt; the control topic says
    that the policy was not in force, also where the row names a moment at which it was.
    """
    lax = parse_policy(LAX)
    artefacts.put(lax.policy_id, {POLICY_FILE: LAX.encode()})
    history = Activated(
        [
            published(START - 90_000, 1, scorer.bundle.bundle_id, lax.policy_id),
            published(START - 60_000, 2, policy_id=scorer.policy.policy_id),
        ]
    )
    event = verified(1)
    forged = Scorer(scorer.bundle, lax).decide([ApplicationVerified.model_validate_json(event)], receipt_key, "1.0")[0]

    def decided(decisions):
        decisions[0] |= forged
        if moved:
            decisions[0]["accepted_at"] = rfc3339_of_ms(START - 80_000)

    record(empty, refused, scorer, [event, verified(2)], decided=decided)
    forgery, honest = verdicts(empty, artefacts, history=history)
    assert (forgery.result, honest.result) == ("not in force", "equal")
    assert forgery.why == f"bundle {scorer.bundle.bundle_id} with policy {lax.policy_id}"
    done = Replayed()
    done.note(forgery)
    assert done.exit_code == 1
    unseen = verdicts(empty, artefacts)[0]
    assert unseen.result == ("receipt differs" if moved else "equal")  # without the control topic


def test_what_was_decided_under_a_withdrawn_activation_was_in_force():
    """A decision made before a withdrawal stays right, as does one made after it; a later policy was not in force."""
    first, second, third = (InForce("sha256:" + "b" * 64, "sha256:" + digit * 64) for digit in "123")
    history = Activated(
        [
            published(START, 1, *first),
            published(START + 50_000, 2, policy_id=second.policy_id),
            published(START + 90_000, 3, withdraws=identified(2)),
            published(START + 200_000, 4, policy_id=third.policy_id),
        ]
    )
    at = START + 70_000
    assert [history.was_in_force("bank-a", at, one) for one in (first, second, third)] == [True, True, False]
    assert not history.was_in_force("bank-a", START + 10_000, second)
    assert not history.was_in_force("bank-b", at, first)
    assert not history.was_in_force("bank-a", START + 220_000, first)


def test_what_kafka_does_not_tell_is_told_as_not_checked():
    """Where the control topic cannot be read a replay says what it did not check, for a person and a program."""
    done = Replayed(activations_known=activated(SimpleNamespace(bootstrap="127.0.0.1:1", security={}), 0.1).knows)
    assert replay_json(done)["activations_known"] is False
    assert replay_text(done).endswith(UNCHECKED)
    assert UNCHECKED not in replay_text(Replayed())


def test_other_code_is_said(empty, refused, scorer, artefacts):
    """Under another code version a decision that is equal but for that is told apart from one that says another thing."""
    record(empty, refused, scorer, [verified(1)])
    [verdict] = verdicts(empty, artefacts, code_version="2.0")
    done = Replayed()
    done.note(verdict)
    assert done.exit_code == 0
    assert str(verdict) == "bank-a a-001 revision 1: equal but for the code version: receipt.code_version"


@pytest.mark.parametrize(
    ("code_version", "result", "exit_code"),
    [("1.0", "checks differ", 1), ("2.0", "documents are judged otherwise today", 0)],
    ids=["the same code", "another code"],
)
def test_documents_that_are_judged_otherwise_are_told(
    empty, refused, scorer, artefacts, code_version, result, exit_code
):
    """What was read of documents is checked once more: code of the same version must find the same, another need not."""
    event = json.loads(verified(2, income="800000.00", claimed="9000000.00"))
    event["processing"]["code_version"] = "1.0"
    record(empty, refused, scorer, [verified(1), orjson.dumps(event)])
    found = verdicts(empty, artefacts, code_version=code_version)
    assert RESULTS[found[0].result] is False
    assert found[0].result.startswith("equal")
    assert found[1].result == result
    assert found[1].why.startswith("verification_result, check of annual_income")
    done = Replayed()
    done.note(found[1])
    assert done.exit_code == exit_code


def test_an_outcome_that_today_s_judgement_changes_is_named(empty, refused, scorer, artefacts):
    """Who reads that documents are judged otherwise reads whether another outcome follows from it."""
    assert judged_otherwise(ApplicationVerified.model_validate_json(verified(2))) is None
    events = [verified(number, income="1400000.00", claimed="9000000.00") for number in range(8, 16)]
    record(empty, refused, scorer, events)
    found = verdicts(empty, artefacts)
    parsed = [ApplicationVerified.model_validate_json(event) for event in events]
    pairs = [scorer.decide([one, judged_otherwise(one).today], receipt_key, "1.0") for one in parsed]
    moved = {then["application_id"] for then, today in pairs if then["outcome"] != today["outcome"]}
    assert moved
    assert {verdict.application_id for verdict in found if verdict.why.startswith("outcome, ")} == moved


@pytest.mark.parametrize(
    ("change", "code_version", "result", "fault"),
    [
        ({"basis": ["thin_file"], "reasons": []}, "2.0", "other reasons under another code version", False),
        ({"basis": ["thin_file"], "reasons": []}, "1.0", "reasons differ", True),
        ({"principal_reasons": None}, "2.0", "told otherwise under another code version", False),
        ({"principal_reasons": None}, "1.0", "reasons differ", True),
        ({"principal_reasons": None, "reasons": []}, "2.0", "other reasons under another code version", False),
        ({"basis": ["thin_file"], "score_final": 0.1}, "2.0", "score differs", True),
        ({"verification_result": "mismatch"}, "2.0", "reasons differ", True),
        ({"basis": ["thin_file"], "decision_id": "0"}, "2.0", "reasons differ", True),
    ],
)
def test_other_reasons_of_other_code_are_no_fault(scorer, change, code_version, result, fault):
    """A release may tell the same outcome and score by other reasons: it is told, and no tampering; of one and the same
    code it is a fault, and so is whatever else differs.
    """
    declined = json.loads(verified(1))
    declined["application"]["cibil_score"] = 400
    event = ApplicationVerified.model_validate_json(orjson.dumps(declined))
    [then], [now] = (scorer.decide([event], receipt_key, version) for version in ("1.0", code_version))
    assert (compare(then | change, now)[0], RESULTS[result]) == (result, fault)


def test_what_is_missing_is_named(empty, refused, scorer, artefacts, tmp_path):
    """Without its event, its artefacts or its keys a decision is not re-executable, and says for want of what."""
    record(empty, refused, scorer, [verified(1), verified(2)])
    found = verdicts(empty, ArtefactStore(tmp_path / "none"))
    assert [verdict.result for verdict in found] == ["not re-executable"] * 2
    assert scorer.bundle.bundle_id in found[0].why
    [first, _] = verdicts(empty, artefacts, keys=lambda _: ReceiptKey("bank-a-2", b"s" * 32))
    assert (first.result, first.why) == ("not re-executable", "receipt key bank-a-1")
    [first, _] = verdicts(empty, artefacts, cipher=ColumnCipher(b"z" * 32))
    assert "column key" in first.why
    empty.client().command(
        "ALTER TABLE loanstream.verifications_log DELETE WHERE application_id = 'a-001' SETTINGS mutations_sync = 2"
    )
    assert [verdict.why for verdict in verdicts(empty, artefacts)] == ["the verified event is not in the warehouse", ""]


def test_an_application_without_a_decision_proves_nothing(empty, refused, scorer, artefacts, monkeypatch):
    """A misspelt id is a fault; a stack, or a bank, that decided nothing yet is none."""
    monkeypatch.setattr(module, "activated", lambda *_: NOTHING_KNOWN)
    installation = SimpleNamespace(
        warehouse=lambda: empty.client("reader"),
        cipher=CIPHER,
        artefacts=artefacts,
        receipt_keys=receipt_key,
        tenants=("bank-a", "bank-b"),
        tenant=lambda name: name,
    )
    assert replay(installation).totals.total() == 0
    record(empty, refused, scorer, [verified(1)])
    with pytest.raises(NothingDecided, match=r"no decision on nosuch$"):
        replay(installation, None, "nosuch")
    with pytest.raises(NothingDecided, match="no decision on a-001 of bank-b"):
        replay(installation, "bank-b", "a-001")
    assert replay(installation, None, "a-001").totals.total() == 1
