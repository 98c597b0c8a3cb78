"""The verifier's arithmetic: what is lost, doubled or decided two ways is seen, whatever else is well."""

import json

import pytest

from loanstream.lab.chaos.faults import Fault
from loanstream.lab.chaos.load import Sent, Verdict
from loanstream.lab.chaos.run import MUST_BE_ZERO, Outcomes, count, exit_code, longest_silence, totals, watched_by
from registry.history import Published
from schemas.operations import ACTIVATION_LEAD_MS, Activation
from schemas.problem import Problem
from schemas.values import rfc3339_of_ms

FAULT = Fault("kill score-0", lambda _: None, 1, 15.0)


def sent(
    trace: str,
    content: str = "",
    partition: str = "loan.applications.v1.bank-a/0",
    at: float = 0.0,
    due: Verdict = "decision",
) -> Sent:
    return Sent(trace, partition, FAULT.name, content or trace, at, due)


FIRST, SECOND = "sha256:" + "1" * 64, "sha256:" + "2" * 64
DAY_MS = 86_400_000


def line(at, trace, decision_id, verification_result="not_provided", lane="fast", accepted_ms=DAY_MS, policy_id=FIRST):
    decided = {"decision_id": decision_id, "outcome": "refer", "verification_result": verification_result, "lane": lane}
    decided |= {"tenant": "bank-a", "accepted_at": rfc3339_of_ms(accepted_ms)}
    decided |= {"bundle_id": FIRST, "policy_id": policy_id}
    nothing = dict.fromkeys(decided)
    return {"at": at, "trace": trace, "kind": "decisions"} | (nothing if decision_id is None else decided)


@pytest.fixture
def witnessed(tmp_path):
    """Outcomes from lines as the witness writes them: (second, trace, decision id or None, perhaps what documents gave, and the lane).

    A decision refers.
    """

    def of(*seen: tuple) -> Outcomes:
        lines = [{"watching": 8}] + [line(*one) for one in seen]
        file = tmp_path / "witness.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        outcomes = Outcomes(file)
        outcomes.look()
        return outcomes

    return of


def test_one_outcome_each_is_nothing_to_report(witnessed):
    """A decision and a dead letter count alike."""
    row = count(FAULT, [sent("a"), sent("b", due="dead letter")], witnessed((1, "a", "id-a"), (2, "b", None)), 1.0)
    assert (row.sent, row.decided, row.lost, row.duplicated, row.conflicting, row.misjudged) == (2, 1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("due", "outcome", "misjudged"),
    [
        ("decision", (1, "a", "id-a"), 0),
        ("decision", (1, "a", None), 1),
        ("decision", (1, "a", "id-a", "unreadable"), 1),
        ("dead letter", (1, "a", None), 0),
        ("dead letter", (1, "a", "id-a"), 1),
        ("referral", (1, "a", "id-a", "unreadable"), 0),
        ("referral", (1, "a", "id-a"), 1),
        ("referral", (1, "a", None), 1),
    ],
)
def test_a_record_that_ends_as_it_should_not_is_misjudged(witnessed, due, outcome, misjudged):
    """An application that can be read must not end as a dead letter; the load knows which cannot."""
    row = count(FAULT, [sent("a", due=due)], witnessed(outcome), 1.0)
    assert (row.lost, row.misjudged) == (0, misjudged)


def published(at_ms, policy_id):
    activation = Activation(
        activation_id="00000000-0000-4000-8000-000000000000",
        tenant=None,
        bundle_id=FIRST,
        policy_id=policy_id,
        actor="test",
        reason="test",
    )
    return Published(activation, at_ms)


@pytest.mark.parametrize(
    ("accepted_ms", "decided_by", "misjudged"),
    [
        (DAY_MS + ACTIVATION_LEAD_MS - 1, FIRST, 0),
        (DAY_MS + ACTIVATION_LEAD_MS - 1, SECOND, 1),
        (DAY_MS + ACTIVATION_LEAD_MS, FIRST, 1),
        (DAY_MS + ACTIVATION_LEAD_MS, SECOND, 0),
    ],
)
def test_a_record_decided_by_another_policy_than_was_in_force_is_misjudged(
    witnessed, accepted_ms, decided_by, misjudged
):
    """Which it is follows from the moment of its acceptance and the whole history."""
    outcomes = witnessed((1, "a", "id-a", "not_provided", "fast", accepted_ms, decided_by), (2, "b", "id-b"))
    outcomes.compare([published(0, FIRST), published(DAY_MS, SECOND)])
    row = count(FAULT, [sent("a"), sent("b")], outcomes, 1.0)
    assert (row.lost, row.misjudged) == (0, misjudged)


def test_an_application_that_waits_is_lost_and_not_misjudged(witnessed):
    """There is nothing yet to be wrong about."""
    row = count(FAULT, [sent("a")], witnessed(), 1.0)
    assert (row.lost, row.misjudged) == (1, 0)


def test_a_record_without_an_outcome_is_lost(witnessed):
    """And nothing else makes up for it."""
    row = count(FAULT, [sent("a"), sent("b")], witnessed((1, "a", "id-a"), (2, "c", "id-c")), 1.0)
    assert (row.lost, row.duplicated) == (1, 0)


def test_a_second_outcome_of_a_record_is_a_duplicate(witnessed):
    """Though it is the same decision."""
    row = count(FAULT, [sent("a")], witnessed((1, "a", "id-a"), (2, "a", "id-a")), 1.0)
    assert (row.lost, row.duplicated, row.conflicting) == (0, 1, 0)


def test_the_same_application_decided_two_ways_is_a_conflict(witnessed):
    """Equal content, sent twice, has one decision id; other content has another, and that is none."""
    seen = witnessed((1, "a", "id-1"), (2, "b", "id-2"), (3, "c", "id-3"))
    row = count(FAULT, [sent("a", "same"), sent("b", "same"), sent("c", "other")], seen, 1.0)
    assert row.conflicting == 1


def test_strangers_are_redriven_records_or_else_duplicates(witnessed):
    """An outcome of no record of ours is answered for by a redrive, or by nothing."""
    row = count(FAULT, [sent("a")], witnessed((1, "a", "id-a")), 1.0)
    assert totals([row], strangers=3, redriven=3)["duplicated"] == 0
    assert totals([row], strangers=4, redriven=3)["duplicated"] == 1
    assert totals([row], strangers=2, redriven=3)["lost"] == 1


def records(*found: tuple[str, int, float]) -> dict[str, Sent]:
    """Of (trace, partition, when it was written)."""
    return {trace: sent(trace, partition=f"loan.applications.v1.bank-a/{number}", at=at) for trace, number, at in found}


def test_silence_is_that_of_the_worst_partition(witnessed):
    """The other partitions' outcomes do not fill it; an outcome of its own ends it for all who wait."""
    outcomes = witnessed((11, "a", None), (12, "b", None), (19, "c", None), (19.25, "d", None))
    assert longest_silence(outcomes, records(("a", 0, 5), ("b", 1, 5), ("c", 1, 6), ("d", 0, 10.5)), 10, 20) == 8.25
    assert longest_silence(outcomes, records(("a", 0, 5), ("b", 1, 5), ("c", 1, 6)), 10, 20) == 7


def test_silence_is_nobodys_where_nobody_waits(witnessed):
    """A partition to which nothing was sent is quiet, and has nothing to say."""
    outcomes = witnessed((11, "a", None), (19, "b", None))
    assert longest_silence(outcomes, records(("a", 0, 10.5), ("b", 0, 18)), 10, 20) == 1
    assert longest_silence(outcomes, {}, 10, 20) == 0


def test_silence_lasts_to_the_end_where_an_outcome_does_not_come(witnessed):
    """Nor does it begin before the fault, or end after what is looked at."""
    outcomes = witnessed((9, "before", None), (25, "after", None))
    assert longest_silence(outcomes, records(("waits", 0, 12)), 10, 20) == 8
    assert longest_silence(outcomes, records(("before", 0, 1), ("after", 0, 2), ("later", 0, 21)), 10, 20) == 10


SLOW_LANE = Fault("kill verify-slow-0", lambda _: None, 1, 15.0, slow_lane=True)


def test_a_fault_of_the_slow_lane_is_measured_by_its_own_applications(witnessed):
    """Those it decided, and those with documents that still wait; all others go past it."""
    all_of = {name: sent(name, at=11, due=due) for name, due in (("fast", "decision"), ("slow", "referral"))}
    all_of |= {name: sent(name, at=11, due="referral") for name in ("waits", "fast with documents")}
    outcomes = witnessed(
        *((12, "fast", "id-1"), (13, "slow", "id-2", "unreadable", "slow")),
        (12, "fast with documents", "id-3", "unreadable"),
    )
    assert set(watched_by(SLOW_LANE, all_of, outcomes, 10)) == {"slow", "waits"}
    assert watched_by(FAULT, all_of, outcomes, 10) == all_of


def test_a_fault_of_a_slow_lane_without_work_is_a_failed_run(witnessed):
    """Nothing was measured, and 0 seconds would be praise for nothing."""
    outcomes = witnessed((8, "slow", "id-1", "unreadable", "slow"))
    with pytest.raises(Problem, match="kill verify-slow-0: the slow lane had nothing to do"):
        watched_by(SLOW_LANE, {"slow": sent("slow", at=7, due="referral"), "fast": sent("fast", at=11)}, outcomes, 10)


def test_a_line_that_is_being_written_is_read_when_it_is_whole(tmp_path):
    """The witness and we are two processes over one file."""
    file = tmp_path / "witness.jsonl"
    whole = json.dumps(line(1, "a", "x")) + "\n"
    file.write_text(whole + whole[:20])
    outcomes = Outcomes(file)
    outcomes.look()
    assert len(outcomes.at["a"]) == 1
    file.write_text(whole + whole)
    outcomes.look()
    assert len(outcomes.at["a"]) == 2


CLEAN = dict.fromkeys(MUST_BE_ZERO, 0) | {"beyond_goal": []}


@pytest.mark.parametrize(
    "wrong", [{}, *({name: 1} for name in MUST_BE_ZERO), {"beyond_goal": ["kill score-0"]}], ids=str
)
def test_the_exit_code_is_0_where_nothing_is_wrong_alone(wrong):
    """A silence beyond its goal counts like a lost record: applicants waited."""
    assert exit_code(CLEAN | wrong) == (1 if wrong else 0)


def test_a_silence_is_beyond_its_goal_from_the_goal_on(witnessed):
    """15 s are within the 15 s of a kill, more is not."""
    rows = [count(FAULT, [], witnessed(), silence_s) for silence_s in (15.0, 15.1)]
    assert [totals([row], 0, 0)["beyond_goal"] for row in rows] == [[], ["kill score-0"]]


def test_what_must_be_zero_is_printed():
    """What the count can know of what decides the exit code stands in the totals."""
    assert set(MUST_BE_ZERO) - totals([], 0, 0).keys() == {"undelivered", "differences", "unequal"}
