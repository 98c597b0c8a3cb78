"""Specifications are read strictly: a slip is told with its place, before anything is trained."""

import pytest

from training.configs import NAMES, shipped_specification
from training.intake.reading import parse_table
from training.specification import SpecificationError, parse_specification
from training.typed import labels, typed

GOOD = """
name: loans
target: {column: outcome, positive: ["bad"], negative: ["good"]}
columns:
  score: {kind: number, low: 300, high: 900, missing: ["-999"]}
  town: {kind: category}
"""


@pytest.mark.parametrize("name", NAMES)
def test_shipped_specifications_are_valid(name):
    """Each names its data set, and no protected column is a feature."""
    specification = parse_specification(shipped_specification(name), name)
    assert specification.name == name
    assert set(specification.features).isdisjoint(specification.protected)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: category", "kind: categorical", "columns.town.kind"),
        ("kind: category", "kind: category, colour: red", "columns.town.colour"),
        ("kind: category", "kind: category, low: 1", "columns.town: low: only of a column of kind number"),
        ("low: 300", "low: 3000", "columns.score: low: expected at most high"),
        ('["bad"]', "[yes]", "target.positive.0: expected a quoted text"),
        ('["good"]', '["bad"]', "bad: both positive and negative"),
        ("column: outcome", "column: town", "town is the target, and no column beside it"),
        ("name: loans", "name: ../loans", "name"),
        ("columns:", "time: town\ncolumns:", "time: expected a column of kind date or number"),
        ("columns:", "derived: {x: {sum: [town]}}\ncolumns:", "derived.x: town is no feature of kind number"),
        ("  town: {kind: category}", "  town: {kind: date}", "formats: a date needs the formats"),
        ("name: loans", "name: [", "no YAML"),
    ],
)
def test_a_slip_is_told_with_its_place(old, new, says):
    """Nothing is guessed, no key is ignored."""
    with pytest.raises(SpecificationError) as refused:
        parse_specification(GOOD.replace(old, new), "loans.yaml")
    assert str(refused.value).startswith("loans.yaml: ")
    assert says in str(refused.value)


def table(*rows):
    return parse_table("\n".join(["score,town,outcome", *rows]).encode(), "loans.csv")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("50000,x,good", "line 3: score: expected at least 300 and at most 900"),
        ("-5,x,good", "line 3: score: expected at least 300 and at most 900"),
        ("nan?,x,good", "line 3: score: expected a number"),
        ("high,x,good", "line 3: score: expected a number"),
    ],
)
def test_a_cell_that_is_not_as_specified_is_refused(row, says):
    """Line, column and what is expected; never the value."""
    with pytest.raises(SpecificationError) as refused:
        typed(table("700,x,good", row), "score", parse_specification(GOOD, "loans.yaml"))
    assert says in str(refused.value)


def test_a_stated_value_stands_for_missing():
    """-999 is a number, unless the specification says that it stands for none."""
    column, _ = typed(table("700,x,good", "-999,x,bad", "NA,x,bad"), "score", parse_specification(GOOD, "loans.yaml"))
    assert column.missing().tolist() == [False, True, True]


@pytest.mark.parametrize(("label", "says"), [("Good", "another value"), ("", "no value"), ("maybe", "another value")])
def test_a_label_that_is_not_named_is_refused_or_left_out_as_the_specification_says(label, says):
    """Nobody is silently taken for a good or a bad case."""
    rows = table("700,x,good", "700,x,bad", f"700,x,{label}")
    with pytest.raises(SpecificationError, match=f"line 4: outcome: {says}; expected bad, good"):
        labels(rows, parse_specification(GOOD, "loans.yaml"))
    lenient = GOOD.replace('["good"]}', '["good"], unlabelled: leave_out, other: leave_out}')
    found, said = labels(rows, parse_specification(lenient, "loans.yaml"))
    assert found.tolist() == [0, 1, -1]
    assert f"outcome: 1 rows have {says} and are left out" in said[0]
