"""Files of repayment outcomes: what is read, and what is refused with its line, its field and what is expected there."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from producers.files import UnknownKindError, read_outcomes
from producers.lines import LineError
from producers.outcomes import outcome_record
from schemas.decode import decode
from schemas.operations import LoanOutcome

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
HEADER = "application_id,revision,at,repayment,days_past_due,balance"
ROW = "a-1,1,2026-10-01T00:00:00Z,late,35,120000.50"


@pytest.fixture
def read(tmp_path):
    def reading(content, name="outcomes.csv", id_prefix=""):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_outcomes(path, "bank-a", NOW, id_prefix))

    return reading


def errors(items):
    return [str(item) for item in items if isinstance(item, LineError)]


def test_a_row_becomes_the_outcome_that_the_topic_takes(read):
    """With the bank, and the kind, that the file does not say; its record is what the service reads."""
    (found,) = read(f"{HEADER}\n{ROW}\n", id_prefix="q4-")
    said = (found.tenant, found.application_id, found.revision, found.kind, found.repayment, found.days_past_due)
    assert said == ("bank-a", "q4-a-1", 1, "repayment", "late", 35)
    assert (found.at, found.balance) == (datetime(2026, 10, 1, tzinfo=UTC), Decimal("120000.50"))
    key, value = outcome_record(found)
    assert key == b"q4-a-1"
    assert decode(LoanOutcome, value).model_dump() == found.model_dump()


def test_what_may_be_missing_is_missing_and_not_zero(read):
    """The first revision is meant where none is named; no days past due are not 0 days."""
    (found,) = read("repayment,at,application_id,balance\nrepaid,2026-10-01T00:00:00+05:30,a-1,\n")
    assert (found.revision, found.days_past_due, found.balance) == (1, None, None)
    assert json.loads(outcome_record(found)[1]).keys() == {
        *("tenant", "application_id", "revision", "at", "kind", "repayment")
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a-1,0,2026-10-01T00:00:00Z,late,35,", ["line 2, revision: expected an integer from 1 to 1000000, found '0'"]),
        ("a-1,1,2026-10-01,late,35,", ["line 2, at: expected "]),
        ("a-1,1,2026-11-04T09:00:01Z,late,35,", ["line 2, at: expected a moment at most a day from now, found "]),
        (
            "a-1,1,2026-10-01T00:00:00Z,paid,35,",
            ["line 2, repayment: expected 'performing', 'late', 'defaulted' or 'repaid', found 'paid'"],
        ),
        ("a-1,1,2026-10-01T00:00:00Z,,35,", ["line 2, repayment: expected a value, found nothing"]),
        (
            "a-1,1,2026-10-01T00:00:00Z,late,3_5,",
            ["line 2, days_past_due: expected an integer from 0 to 10000, found '3_5'"],
        ),
        ("a-1,1,2026-10-01T00:00:00Z,late,-1,x", ["line 2, days_past_due: expected ", "line 2, balance: expected "]),
        ("a-1,1,2026-10-01T00:00:00Z,late,35,4500.501", ["line 2, balance: expected "]),
        ("a 1,1,2026-10-01T00:00:00Z,late,35,", ["line 2, application_id: expected 1 to 64 letters"]),
        ("Total,,,,,120000.50", ["line 2: expected an outcome, found 'Total' in place of an id: a line of totals"]),
        ("a-1,1,2026-10-01T00:00:00Z,late,35", ["line 2: expected 6 values, as in the header, found 5"]),
    ],
)
def test_a_faulty_row_is_told_with_its_line_its_field_and_what_is_expected(read, row, said):
    """And every other row is read."""
    items = read(f"{HEADER}\n{row}\n{ROW}\n")
    assert len(items) == len(said) + 1
    assert items[-1].application_id == "a-1"
    for told, begins in zip(errors(items), said, strict=True):
        assert told.startswith(begins)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("application_id,at\na-1,2026-10-01T00:00:00Z\n", "line 1: expected a column repayment, found none"),
        (f"{HEADER},colour\n{ROW},red\n", "line 1: expected columns of a loan's outcome, found the unknown column"),
        (
            "application_id,at,repayments\na-1,2026-10-01T00:00:00Z,late\n",
            "line 1: expected the columns' names as `outcomes import --columns` has them, found 'repayments'",
        ),
        (f"{HEADER}\n{ROW}\n".replace(",", ";"), "line 1: expected commas between the columns, found semicolons"),
        (f"{HEADER}\n", "line 1: expected at least one outcome, found no outcomes in it"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(read, content, said):
    """In one line, and no row of it is sent."""
    items = read(content)
    assert errors(items)[0].startswith(said)
    assert all(isinstance(item, LineError) and item.of_file for item in items)


def test_what_a_person_decided_is_no_repayment(read):
    """It is not taken in from a file: nobody would have looked at the review."""
    human = {"application_id": "a-1", "at": "2026-10-01T00:00:00Z", "kind": "human_decision", "decision": "approve"}
    assert errors(read(json.dumps(human | {"actor": "asha", "reason": "because"}), "one.json"))[0].startswith(
        "item 1, kind: expected 'repayment'"
    )
    items = read(f"kind,{HEADER}\nhuman_decision,{ROW}\n")
    assert errors(items) == ["line 2, kind: expected 'repayment', found 'human_decision'"]


def test_lines_of_json_are_read_as_strictly(read):
    """Unknown fields, another bank's outcome and an application among outcomes are named."""
    good = {"application_id": "a-1", "at": "2026-10-01T00:00:00Z", "repayment": "repaid"}
    lines = [good, good | {"colour": "red"}, good | {"tenant": "bank-b"}, {"applicant": {}, "loan": {}, "assets": {}}]
    first, *others = read("\n".join(map(json.dumps, lines)), "some.jsonl")
    assert (first.tenant, first.kind) == ("bank-a", "repayment")
    told = errors(others)
    assert [line.split(":")[0] for line in told] == ["line 2, colour", "line 3, tenant", "line 4"]
    assert "bank-a, for whom it is sent" in told[1]
    assert "applications belong on loan.applications.v1.<tenant>" in told[2]


def test_a_file_of_another_kind_is_named(tmp_path):
    """With the kinds that are read."""
    with pytest.raises(UnknownKindError, match=r"a\.xlsx: expected a file of outcomes \(\.csv, "):
        read_outcomes(tmp_path / "a.xlsx", "bank-a", NOW)
