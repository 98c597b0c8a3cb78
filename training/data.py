"""Training data: the public loan-approval CSV as columns of raw numbers."""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from schemas import public_loans
from schemas.problem import Problem
from scoring.features import RAW, Columns

COLUMNS: dict[str, str] = {
    "dependents": public_loans.COLUMNS["applicant.dependents"],
    "graduate": public_loans.COLUMNS["applicant.education"],
    "self_employed": public_loans.COLUMNS["applicant.self_employed"],
    "annual_income": public_loans.COLUMNS["annual_income"],
    "amount": public_loans.COLUMNS["loan.amount"],
    "term_years": public_loans.COLUMNS["loan.term_years"],
    "cibil_score": public_loans.COLUMNS["cibil_score"],
    "residential": public_loans.COLUMNS["assets.residential"],
    "commercial": public_loans.COLUMNS["assets.commercial"],
    "luxury": public_loans.COLUMNS["assets.luxury"],
    "bank": public_loans.COLUMNS["assets.bank"],
}
"""Raw number of `scoring.features.RAW` -> the CSV's column. What the CSV lacks is missing throughout."""

_ENCODED = {"Graduate": 1.0, "Not Graduate": 0.0, "Yes": 1.0, "No": 0.0, "": np.nan}


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
    """The rows of a CSV in the public layout; spaces around headers and values do not count, empty cells are missing.

    Raises DataError for a column or value that is not of the layout, OSError if the file cannot be read.
    """
    return parse_loans(path.read_bytes(), path.name)


def parse_loans(data: bytes, source: str) -> LoanData:
    """The rows of a CSV's bytes; see `read_loans`."""
    try:
        # Lines may end as old Macs end them, too.
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=None)))
    except UnicodeDecodeError as error:
        raise DataError("the file is not UTF-8 text") from error
    except csv.Error as error:
        raise DataError("the file is no CSV") from error
    if len(rows) < 2:
        raise DataError("the file has no rows")
    header = [name.strip() for name in rows[0]]
    lacking = [name for name in (*COLUMNS.values(), public_loans.LABEL) if name not in header]
    if lacking:
        raise DataError(f"the header lacks {', '.join(lacking)}")
    body = [(line, [cell.strip() for cell in row]) for line, row in enumerate(rows[1:], start=2) if row]
    for line, row in body:
        if len(row) != len(header):
            raise DataError(f"line {line}: {len(row)} cells, expected {len(header)}")
    missing = np.full(len(body), np.nan)
    raw = {name: _column(body, header, COLUMNS[name]) if name in COLUMNS else missing for name in RAW}
    labels = header.index(public_loans.LABEL)
    approved = np.array([row[labels] == public_loans.APPROVED for _, row in body], dtype=np.int64)
    return LoanData(raw, approved, source, hashlib.sha256(data).hexdigest())


def _column(body: list[tuple[int, list[str]]], header: list[str], name: str) -> npt.NDArray[np.float64]:
    index = header.index(name)
    values = np.empty(len(body))
    for position, (line, row) in enumerate(body):
        try:
            values[position] = _ENCODED[row[index]] if row[index] in _ENCODED else float(row[index])
        except ValueError as error:
            raise DataError(f"line {line}: {name} is not a number or a known word") from error
    return values
