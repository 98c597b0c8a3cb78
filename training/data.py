"""Training data: the public loan-approval CSV as columns of raw numbers."""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas import public_loans
from schemas.cells import CellError, read_cell
from schemas.problem import Problem
from scoring.features import RAW, Columns

FIELDS: dict[str, str] = {
    "dependents": "applicant.dependents",
    "graduate": "applicant.education",
    "self_employed": "applicant.self_employed",
    "annual_income": "annual_income",
    "amount": "loan.amount",
    "term_years": "loan.term_years",
    "cibil_score": "cibil_score",
    "residential": "assets.residential",
    "commercial": "assets.commercial",
    "luxury": "assets.luxury",
    "bank": "assets.bank",
}
"""Raw number of `scoring.features.RAW` -> the field of an application that the CSV's column holds.

What the CSV lacks is missing throughout.
"""

COLUMNS: dict[str, str] = {name: public_loans.COLUMNS[field] for name, field in FIELDS.items()}
"""Raw number -> the CSV's column."""

PUBLIC_SET_SHA256 = "4b5cd093d178378f4cfa8c107adb6e599b88be9d8a3b51f3b99c0d5914154e54"
"""Of the public set's file: what a card says of that set, it says where this file was trained on."""

_LABELS = {public_loans.APPROVED: 1, public_loans.REJECTED: 0}

_NUMBERS: dict[Any, float] = {None: np.nan, "graduate": 1.0, "not_graduate": 0.0}
"""Values of an application that are no numbers -> what features are computed from."""


MISSING_ROWS, MISSING_SHARE = 50, 0.01
"""What is missing in fewer rows, or in a smaller share of them, taught the model nothing about its absence."""


class DataError(Problem):
    """Training data that cannot be used; the text names the line and the column, never the value."""


@dataclass(frozen=True, slots=True)
class LoanData:
    """Raw columns, labels (1: approved) and where they came from."""

    raw: Columns
    approved: npt.NDArray[np.int64]
    source: str
    sha256: str

    def __len__(self) -> int:
        return len(self.approved)


def read_loans(path: Path) -> LoanData:
    """The rows of a CSV in the public layout; spaces around headers and values do not count.

    Every cell is read as a file of applications has it, and its bounds are those of an application: what `submit`
    refuses would widen the range that a model is trusted in. Empty is missing where an application may lack the field.

    Raises DataError for a column or value that is not of the layout, OSError if the file cannot be read.
    """
    return parse_loans(path.read_bytes(), path.name)


def parse_loans(data: bytes, source: str) -> LoanData:
    """The rows of a CSV's bytes; see `read_loans`."""
    (_, names), *rows = _rows(data) or [(1, [])]
    if not rows:
        raise DataError("the file has no rows")
    at = _positions(names)
    for line, row in rows:
        if len(row) != len(names):
            raise DataError(f"line {line}: {len(row)} cells, expected {len(names)}")
    read = [_numbers(line, row, at) for line, row in rows]
    table = dict(zip(COLUMNS, np.array([numbers for numbers, _ in read]).T, strict=True))
    missing = np.full(len(rows), np.nan)
    approved = np.array([label for _, label in read], dtype=np.int64)
    return LoanData(
        {name: table.get(name, missing) for name in RAW}, approved, source, hashlib.sha256(data).hexdigest()
    )


def may_be_missing(missing: int, rows: int) -> bool:
    """Whether a feature that is missing in so many of the rows may be missing where the model is asked: a single blank
    cell among thousands does not teach what an applicant without the value is like.

    >>> may_be_missing(1, 4_269), may_be_missing(60, 4_269), may_be_missing(60, 100_000)
    (False, True, False)
    """
    return missing >= max(MISSING_ROWS, MISSING_SHARE * rows)


def warnings_of(loans: LoanData) -> list[str]:
    """What a person should know of the rows before trusting figures that come from them."""
    told = []
    columns = np.column_stack([loans.raw[name] for name in COLUMNS])
    distinct = len(np.unique(np.nan_to_num(columns, nan=-np.inf), axis=0))
    if distinct < len(loans):
        told.append(
            f"{len(loans) - distinct:,} rows are copies of others in every column; a model is asked about what it has "
            "seen, and figures flatter: take the copies out"
        )
    for name, column in COLUMNS.items():
        missing = int(np.isnan(loans.raw[name]).sum())
        if missing and not may_be_missing(missing, len(loans)):
            told.append(
                f"{column} is missing in {missing:,} of {len(loans):,} rows; expected none, or at least {MISSING_ROWS} "
                f"and {MISSING_SHARE:.0%} of them: fewer teach a model nothing about applicants without it"
            )
    return told


def _rows(data: bytes) -> list[tuple[int, list[str]]]:
    """Each row that holds anything, with the line that it begins in."""
    try:
        # Lines may end as old Macs end them, too.
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=None))
        ends, found = 0, []
        for row in lines:
            found.append((ends + 1, [cell.strip() for cell in row]))
            ends = lines.line_num
    except UnicodeDecodeError as error:
        raise DataError("the file is not UTF-8 text") from error
    except csv.Error as error:
        raise DataError("the file is no CSV") from error
    return [(line, row) for line, row in found if any(row)]


def _positions(header: list[str]) -> dict[str, int]:
    """Where each column stands."""
    wanted = (*COLUMNS.values(), public_loans.LABEL)
    lacking = [name for name in wanted if name not in header]
    if lacking:
        raise DataError(f"the header lacks {', '.join(lacking)}")
    several = [name for name in wanted if header.count(name) > 1]
    if several:
        raise DataError(f"the header has more than one column {', '.join(several)}; expected one of each")
    return {name: header.index(name) for name in wanted}


def _numbers(line: int, row: list[str], at: Mapping[str, int]) -> tuple[list[float], int]:
    """A row's raw numbers in the order of `COLUMNS`, and its label."""
    numbers = []
    for name, column in COLUMNS.items():
        try:
            value = read_cell(FIELDS[name], row[at[column]])
        except CellError as error:
            raise DataError(f"line {line}: {column}: {error}") from None
        numbers.append(_NUMBERS[value] if value is None or isinstance(value, str) else float(value))
    label = _LABELS.get(row[at[public_loans.LABEL]])
    if label is None:
        raise DataError(f"line {line}: {public_loans.LABEL}: expected {' or '.join(_LABELS)}")
    return numbers, label
