"""Training data: every cell is one that an application may have, and every label one of two."""

from datetime import UTC, datetime

import numpy as np
import pytest

from producers.files import read_applications
from producers.lines import LineError
from training.data import COLUMNS, DataError, may_be_missing, parse_loans, warnings_of

HEADER = (
    "loan_id, no_of_dependents, education, self_employed, income_annum, loan_amount, loan_term, cibil_score, "
    "residential_assets_value, commercial_assets_value, luxury_assets_value, bank_asset_value, loan_status"
)
GOOD = {
    "loan_id": "1",
    "no_of_dependents": "2",
    "education": "Graduate",
    "self_employed": "No",
    "income_annum": "9600000",
    "loan_amount": "29900000",
    "loan_term": "12",
    "cibil_score": "778",
    "residential_assets_value": "2400000",
    "commercial_assets_value": "17600000",
    "luxury_assets_value": "22700000",
    "bank_asset_value": "8000000",
    "loan_status": "Approved",
}


def loans(*rows, header=HEADER):
    """A CSV of the good row, changed as each of `rows` says."""
    return "\n".join([header, *(", ".join((GOOD | row).values()) for row in rows)]).encode()


@pytest.mark.parametrize("label", ["APPROVED", "approved", "Approve", "reject", "1", "Yes", "", "Rejected."])
def test_a_label_is_one_of_two_words(label):
    """Nobody is taken for rejected whose outcome is spelled otherwise: the line is named, and what is expected there."""
    with pytest.raises(DataError) as refused:
        parse_loans(loans({}, {"loan_status": "Rejected"}, {"loan_status": label}), "sample")
    assert str(refused.value) == "line 4: loan_status: expected Approved or Rejected"


def test_both_labels_are_read():
    """Approved is one, rejected is nought."""
    assert parse_loans(loans({}, {"loan_status": " Rejected "}), "sample").approved.tolist() == [1, 0]


CELLS = [
    ("cibil_score", "Yes", "an integer from 300 to 900"),
    ("cibil_score", "7780", "an integer from 300 to 900"),
    ("cibil_score", "299", "an integer from 300 to 900"),
    ("cibil_score", "7_78", "an integer from 300 to 900"),
    ("income_annum", "-9800000", "above 0 and at most 10000000000000"),
    ("income_annum", "0", "above 0 and at most 10000000000000"),
    ("income_annum", "82_00000", "a number or a decimal string with at most two decimals"),
    ("income_annum", "", "a number or a decimal string with at most two decimals"),
    ("loan_amount", "Graduate", "a number or a decimal string with at most two decimals"),
    ("loan_amount", "1e7", "a number or a decimal string with at most two decimals"),
    ("loan_term", "144", "above 0 and at most 50"),
    ("bank_asset_value", "nan", "a number or a decimal string with at most two decimals"),
    ("luxury_assets_value", "inf", "a number or a decimal string with at most two decimals"),
    ("residential_assets_value", "1e999", "a number or a decimal string with at most two decimals"),
    ("commercial_assets_value", "99999999999999", "at least -10000000000000 and at most 10000000000000"),
    ("no_of_dependents", "No", "an integer from 0 to 50"),
    ("no_of_dependents", "-1", "an integer from 0 to 50"),
    ("education", "No", "Graduate or Not Graduate"),
    ("education", "1", "Graduate or Not Graduate"),
    ("self_employed", "Graduate", "Yes or No"),
    ("self_employed", "7", "Yes or No"),
]


@pytest.mark.parametrize(("column", "cell", "expected"), CELLS)
def test_a_cell_that_no_application_may_have_is_refused(tmp_path, column, cell, expected):
    """One bad cell would widen the range in which a model is trusted: training refuses what `submit` refuses, and says
    the line, the column and the bounds.
    """
    data = loans({}, {"loan_id": "2", column: cell})
    with pytest.raises(DataError) as refused:
        parse_loans(data, "sample")
    assert str(refused.value) == f"line 3: {column}: expected {expected}"
    assert _refused_by_submit(tmp_path, data) == [(3, column)]


@pytest.mark.parametrize(
    ("column", "cell", "name", "number"),
    [
        ("cibil_score", "", "cibil_score", np.nan),
        ("cibil_score", "300", "cibil_score", 300),
        ("residential_assets_value", "-100000", "residential", -100_000),
        ("loan_term", "2.5", "term_years", 2.5),
        ("income_annum", "9600000.25", "annual_income", 9_600_000.25),
        ("education", "not  graduate", "graduate", 0),
        ("self_employed", "yes", "self_employed", 1),
        ("no_of_dependents", "50", "dependents", 50),
    ],
)
def test_a_cell_that_an_application_may_have_is_read(tmp_path, column, cell, name, number):
    """At the bounds, in another spelling that `submit` takes, and missing where an application may lack it."""
    data = loans({column: cell})
    assert np.array_equal(parse_loans(data, "sample").raw[name], [number], equal_nan=True)
    assert _refused_by_submit(tmp_path, data) == []


def _refused_by_submit(folder, data):
    """Lines and fields that the reader of applications refuses."""
    path = folder / "loans.csv"
    path.write_bytes(data)
    found = read_applications(path, "bank-a", "INR", datetime.now(UTC))
    return [(one.line, one.field) for one in found if isinstance(one, LineError)]


def test_a_column_stands_there_once():
    """Which of two columns of one name is meant nobody knows."""
    twice = loans({}, header=HEADER.replace("loan_id", "cibil_score"))
    with pytest.raises(DataError, match=r"more than one column cibil_score; expected one of each"):
        parse_loans(twice, "sample")


def test_a_line_is_named_as_an_editor_counts_it():
    """Blank lines, lines of commas alone and cells over two lines count as the file has them."""
    blank = "," * HEADER.count(",")
    data = loans({}, {"loan_id": '"two\nlines"'}, {"cibil_score": "17"}).decode().splitlines()
    text = "\n".join([data[0], "", blank, *data[1:]])
    with pytest.raises(DataError, match="line 7: cibil_score"):
        parse_loans(text.encode(), "sample")


def test_every_column_is_a_number_of_the_features():
    """No column of the layout's eleven is left out."""
    assert list(parse_loans(loans({}), "sample").raw)[: len(COLUMNS)] == list(COLUMNS)


def test_one_blank_score_teaches_nothing_about_thin_files():
    """A feature may be missing where at least 50 rows and one in a hundred lack it; one blank among thousands is told."""
    assert not may_be_missing(1, 4_269)
    assert not may_be_missing(49, 300)
    assert may_be_missing(50, 300)
    assert not may_be_missing(999, 100_000)
    rows = [{"loan_amount": str(1_000_000 + at)} for at in range(200)]
    (told,) = warnings_of(parse_loans(loans(*rows, {"cibil_score": ""}), "sample"))
    assert told.startswith("cibil_score is missing in 1 of 201 rows")


def test_copies_of_rows_are_told():
    """Two thousand appended duplicates make every figure perfect: how many there are is said before anything is trained."""
    rows = [{"loan_amount": str(1_000_000 + at)} for at in range(60)]
    assert warnings_of(parse_loans(loans(*rows), "sample")) == []
    (told,) = warnings_of(parse_loans(loans(*rows, *rows[:7], rows[0]), "sample"))
    assert told.startswith("8 rows are copies of others in every column")
