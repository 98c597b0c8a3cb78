"""Training data: the public loan-approval CSV, or a seeded sample of the same layout where it is absent."""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scoring.features import RAW, Columns

LABEL = "loan_status"
APPROVED = "Approved"

COLUMNS: dict[str, str] = {
    "dependents": "no_of_dependents",
    "graduate": "education",
    "self_employed": "self_employed",
    "annual_income": "income_annum",
    "amount": "loan_amount",
    "term_years": "loan_term",
    "cibil_score": "cibil_score",
    "residential": "residential_assets_value",
    "commercial": "commercial_assets_value",
    "luxury": "luxury_assets_value",
    "bank": "bank_asset_value",
}
"""Raw number of `scoring.features.RAW` -> the CSV's column. What the CSV lacks is missing throughout."""

_ENCODED = {"Graduate": 1.0, "Not Graduate": 0.0, "Yes": 1.0, "No": 0.0, "": np.nan}


class DataError(ValueError):
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
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    except UnicodeDecodeError as error:
        raise DataError("the file is not UTF-8 text") from error
    if len(rows) < 2:
        raise DataError("the file has no rows")
    header = [name.strip() for name in rows[0]]
    lacking = [name for name in (*COLUMNS.values(), LABEL) if name not in header]
    if lacking:
        raise DataError(f"the header lacks {', '.join(lacking)}")
    body = [(line, [cell.strip() for cell in row]) for line, row in enumerate(rows[1:], start=2) if row]
    for line, row in body:
        if len(row) != len(header):
            raise DataError(f"line {line}: {len(row)} cells, expected {len(header)}")
    missing = np.full(len(body), np.nan)
    raw = {name: _column(body, header, COLUMNS[name]) if name in COLUMNS else missing for name in RAW}
    labels = header.index(LABEL)
    approved = np.array([row[labels] == APPROVED for _, row in body], dtype=np.int64)
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


def sample_csv(rows: int, seed: int) -> bytes:
    """A seeded sample in the public set's layout, with its spaced headers and its rule for the label: assets cover the
    loan and the CIBIL score is at least 550, or a short loan of at least three years' income.
    """
    rng = np.random.default_rng(seed)
    hundred_thousands = 100_000
    income = rng.integers(2, 100, rows) * hundred_thousands
    amount = np.maximum(income * rng.uniform(1.5, 4.0, rows) // hundred_thousands, 1) * hundred_thousands
    term = rng.integers(1, 11, rows) * 2
    cibil = rng.integers(300, 901, rows)
    share = rng.dirichlet([3.0, 2.0, 6.0, 2.0], rows)
    total = amount * rng.uniform(0.75, 4.5, rows)
    assets = (share * total[:, None] // hundred_thousands) * hundred_thousands
    approved = (assets.sum(axis=1) >= amount) & ((cibil >= 550) | ((term <= 4) & (amount >= 3 * income)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["loan_id", *(f" {name}" for name in COLUMNS.values()), f" {LABEL}"])
    for i in range(rows):
        education, employed = rng.choice([" Graduate", " Not Graduate"]), rng.choice([" Yes", " No"])
        numbers = [income[i], amount[i], term[i], cibil[i], *assets[i]]
        label = " Approved" if approved[i] else " Rejected"
        writer.writerow([i + 1, rng.integers(0, 6), education, employed, *(int(n) for n in numbers), label])
    return out.getvalue().encode()
