"""A file never seen: what its columns are, which value is positive, and what is left out and why."""

import pytest

from training.infer import infer, infer_target
from training.intake.reading import parse_table
from training.specification import SpecificationError, parse_specification, specification_yaml

KINDS = {
    "german": {"status": "category", "purpose": "category", "duration": "number", "credit_amount": "number"},
    "serious_delinquency": {
        "column 1": "identifier",
        "MonthlyIncome": "number",
        "NumberOfDependents": "number",
        "DebtRatio": "number",
    },
    "card_default": {"ID": "identifier", "LIMIT_BAL": "number", "PAY_0": "number"},
    "home_equity": {"VALUE": "number", "JOB": "category", "REASON": "category", "DEBTINC": "number"},
    "marketplace": {
        "id": "identifier",
        "term": "category",
        "int_rate": "number",
        "annual_inc": "number",
        "issue_d": "date",
        "addr_state": "category",
        "initial_list_status": "ignored",
        "member_note": "ignored",
    },
}
POSITIVE = {
    "german": "2",
    "serious_delinquency": "1",
    "card_default": "1",
    "home_equity": "1",
    "marketplace": "Charged Off",
}


@pytest.mark.parametrize("name", KINDS)
def test_columns_of_public_layouts_are_what_they_are(layouts, name):
    """Codes are categories, ids teach nothing, money and percent signs are numbers; the draft is a valid document."""
    make, target = layouts[name]
    specification, said = infer(parse_table(make(rows=1_200).encode(), "a.csv", [target]), target, name)
    found = {column: specification.columns[column].kind for column in KINDS[name]}
    assert found == KINDS[name]
    assert specification.target.positive == (POSITIVE[name],)
    assert said[0].startswith(f"{target}: positive is {POSITIVE[name]}, for ")
    assert parse_specification(specification_yaml(specification), "again") == specification


@pytest.mark.parametrize(
    ("cells", "positive"),
    [
        (["0"] * 2 + ["1"] * 8, "1"),
        (["0.0"] * 8 + ["1.0"] * 2, "1"),
        (["1"] * 7 + ["2"] * 3, "2"),
        (["good"] * 3 + ["bad"] * 7, "bad"),
        (["Y"] * 7 + ["N"] * 3, "Y"),
        (["no"] * 7 + ["yes"] * 3, "yes"),
        (["True"] * 7 + ["False"] * 3, "True"),
        (["Fully Paid"] * 3 + ["Charged Off"] * 7, "Charged Off"),
        (["approved"] * 3 + ["deny"] * 7, "deny"),
        (["alpha"] * 3 + ["beta"] * 7, "alpha"),
    ],
)
def test_which_value_is_positive_is_decided_by_a_stated_rule(cells, positive):
    """1 over 0, yes over no, a name for what went wrong over its opposite, else the rarer one."""
    target, said = infer_target(cells, "y", "a.csv")
    assert target.spelled(target.positive[0]) == target.spelled(positive)
    assert "positive is" in said[0]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["1", "1"], "one value; expected two"),
        (["", "NA"], "no value; expected two"),
        (["a", "b", "c"], "3 values; expected two"),
    ],
)
def test_a_target_has_two_values(cells, says):
    """One class teaches nothing; of three nobody knows which is meant, and a specification can say it."""
    with pytest.raises(SpecificationError, match=says):
        infer_target(cells, "y", "a.csv")


def test_a_target_that_is_no_column_is_told_with_those_there_are():
    """A spelling error is seen at once; upper and lower case do not matter where only one column is meant."""
    table = parse_table(b"Income,Bad\n10,0\n25,1\n", "a.csv")
    assert infer(table, "bad", "a")[0].target.column == "Bad"
    with pytest.raises(SpecificationError, match="no column default; expected one of Income, Bad"):
        infer(table, "default", "a")


def frame(**columns):
    rows = zip(*columns.values(), strict=True)
    text = "\n".join([";".join(columns), *(";".join(row) for row in rows)])
    return parse_table(text.encode(), "a.csv")


N = 200
Y = [str(at % 2) for at in range(N)]
NUMBERS = [str(at % 37) for at in range(N)]


def test_words_in_a_column_of_numbers_count_as_missing_and_are_told():
    """A few words do not make a category of an income; a column of words is none of numbers."""
    income = ["n.a. yet" if at in {3, 50} else number for at, number in enumerate(NUMBERS)]
    specification, said = infer(frame(income=income, x=NUMBERS, y=Y), "y", "a")
    assert specification.columns["income"].kind == "number"
    assert any(one.startswith("income: number: 99.0% of its cells are numbers") for one in said)


def test_dates_in_several_ways_are_left_out_and_told():
    """Which of two dates 01/02/2020 is nobody knows where other rows are written otherwise."""
    dates = [f"2020-01-{at % 28 + 1:02d}" if at % 2 else f"{at % 28 + 1}.1.2020" for at in range(N)]
    specification, said = infer(frame(opened=dates, x=NUMBERS, y=Y), "y", "a")
    assert specification.columns["opened"].kind == "ignored"
    assert any("dates written in several ways" in one for one in said)


def test_a_protected_column_is_no_feature():
    """What no lender may decide by is kept for fairness, and no model sees it."""
    sexes = ["m" if at % 3 else "f" for at in range(N)]
    specification, _ = infer(
        frame(sex=sexes, personal_status_sex=sexes[::-1], Essex=[*sexes[1:], "m"], x=NUMBERS, y=Y), "y", "a"
    )
    assert specification.features == ("Essex", "x")
    assert specification.protected == ("sex", "personal_status_sex")


def test_a_column_twice_is_one_feature():
    """The same cells under another name teach nothing new."""
    specification, said = infer(frame(x=NUMBERS, copy=NUMBERS, y=Y), "y", "a")
    assert specification.features == ("x",)
    assert "copy: ignored: the same cells as x" in said


def test_ratios_that_lenders_look_at_are_made_and_told():
    """A loan by the incomes that repay it, where names say which they are."""
    columns = {"LoanAmount": NUMBERS, "ApplicantIncome": NUMBERS[::-1], "CoapplicantIncome": NUMBERS[5:] + NUMBERS[:5]}
    specification, said = infer(frame(**columns, y=Y), "y", "a")
    assert specification.derived["LoanAmount, loan to income"].by == ("ApplicantIncome", "CoapplicantIncome")
    assert any(one.startswith("LoanAmount, loan to income: made of") for one in said)
