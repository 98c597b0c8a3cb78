"""The verifier's arithmetic: what is lost, doubled or decided two ways is seen, whatever else is well."""

import json

import pytest

from loanstream.chaos.faults import Fault
from loanstream.chaos.load import Sent
from loanstream.chaos.run import MUST_BE_ZERO, Outcomes, count, longest_silence, totals

FAULT = Fault("kill score-0", lambda _: None, 1, 15.0)


def sent(trace: str, content: str = "", partition: str = "loan.applications.v1.bank-a/0") -> Sent:
    return Sent(trace, partition, FAULT.name, content or trace)


@pytest.fixture
def witnessed(tmp_path):
    """Outcomes from lines as the witness writes them: (second, trace, decision id or None)."""

    def of(*seen: tuple[float, str, str | None]) -> Outcomes:
        lines = [{"watching": 8}] + [
            {"at": at, "trace": trace, "kind": "decisions", "decision_id": decision_id}
            for at, trace, decision_id in seen
        ]
        file = tmp_path / "witness.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        outcomes = Outcomes(file)
        outcomes.look()
        return outcomes

    return of


def test_one_outcome_each_is_nothing_to_report(witnessed):
    """A decision and a dead letter count alike."""
    row = count(FAULT, [sent("a"), sent("b")], witnessed((1, "a", "id-a"), (2, "b", None)), 1.0)
    assert (row.sent, row.decided, row.lost, row.duplicated, row.conflicting) == (2, 1, 0, 0, 0)


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


def test_silence_is_that_of_the_worst_partition(witnessed):
    """The other partitions' outcomes do not fill it."""
    records = {"a": sent("a"), "b": sent("b", partition="loan.applications.v1.bank-a/1")}
    records |= {"c": sent("c", partition="loan.applications.v1.bank-a/1")}
    outcomes = witnessed((11, "a", None), (12, "b", None), (19, "c", None))
    assert longest_silence(outcomes, records, 10, 20) == 9
    assert longest_silence(outcomes, {"b": records["b"], "c": records["c"]}, 10, 20) == 7


def test_a_line_that_is_being_written_is_read_when_it_is_whole(tmp_path):
    """The witness and we are two processes over one file."""
    file = tmp_path / "witness.jsonl"
    line = json.dumps({"at": 1, "trace": "a", "kind": "decisions", "decision_id": "x"}) + "\n"
    file.write_text(line + line[:20])
    outcomes = Outcomes(file)
    outcomes.look()
    assert len(outcomes.at["a"]) == 1
    file.write_text(line + line)
    outcomes.look()
    assert len(outcomes.at["a"]) == 2


def test_what_must_be_zero_is_printed():
    """Every key that decides the exit code stands in the totals."""
    assert {"lost", "duplicated", "conflicting"} <= totals([], 0, 0).keys() & set(MUST_BE_ZERO)
