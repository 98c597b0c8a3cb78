"""A table's cells as what a specification says they are: numbers, categories and labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training.intake.dates import read_dates
from training.intake.missing import WORDS_FOR_MISSING
from training.intake.numbers import read_numbers
from training.intake.table import Table
from training.specification import Column, Specification, SpecificationError, spelled_label

Vector = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

MISSING_CODE = -1
UNLABELLED = -1


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers, or dates as days since 1970: (n,); missing is NaN."""

    values: Vector

    def rows(self, at: Rows) -> "Numbers":
        """Those of some rows."""
        return Numbers(self.values[at])

    def missing(self) -> npt.NDArray[np.bool_]:
        """Where there is none."""
        return np.isnan(self.values)


@dataclass(frozen=True, slots=True)
class Categories:
    """Categories: each row's place among `levels`, -1 where it is missing, (n,)."""

    levels: tuple[str, ...]
    codes: Codes

    def rows(self, at: Rows) -> "Categories":
        """Those of some rows, among the same levels."""
        return Categories(self.levels, self.codes[at])

    def missing(self) -> npt.NDArray[np.bool_]:
        """Where there is none."""
        return np.equal(self.codes, MISSING_CODE)


Typed = Numbers | Categories


def missing_cells(table: Table, name: str, specification: Specification) -> npt.NDArray[np.bool_]:
    """Which cells of a column stand for a missing value."""
    tokens = {*specification.missing, *specification.columns[name].missing}
    cells = table.columns[name]
    return np.array([cell in tokens for cell in cells], dtype=bool)


def typed(table: Table, name: str, specification: Specification) -> tuple[Typed, list[str]]:
    """A column of the table, and sentences on cells that were taken for missing though they are written otherwise.

    Raises SpecificationError with line and column where a cell is not as the specification says.
    """
    column, cells = specification.columns[name], table.columns[name]
    missing = missing_cells(table, name, specification)
    if column.kind == "category" or column.kind in {"identifier", "ignored"}:
        return _categories(table, name, column, missing), []
    if column.kind == "date":
        values, expected = read_dates(cells, column.formats), f"a date as {' or '.join(column.formats)}"
    else:
        values, expected = read_numbers(cells, column.notation), f"a number ({column.notation})"
    values = np.where(missing, np.nan, values)
    unread = np.flatnonzero(np.isnan(values) & ~missing)
    said = _unread(table, name, column, unread, expected)
    _check_bounds(table, name, column, values)
    return Numbers(values), said


def _unread(table: Table, name: str, column: Column, unread: Rows, expected: str) -> list[str]:
    if not len(unread):
        return []
    first = int(unread[0])
    words = [at for at in unread if table.columns[name][at].casefold() not in WORDS_FOR_MISSING]
    if column.words == "refuse":
        raise SpecificationError(f"{table.source}: {table.at(first)}: {name}: expected {expected}")
    said = f"{name}: {len(unread):,} cells are no {column.kind} and count as missing (the first in {table.at(first)})"
    return [said] if words else [f"{name}: {len(unread):,} cells hold a word for missing"]


def _check_bounds(table: Table, name: str, column: Column, values: Vector) -> None:
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    beyond = np.flatnonzero((values < low) | (values > high))
    if len(beyond):
        sides = [f"at least {low:g}"] * (column.low is not None) + [f"at most {high:g}"] * (column.high is not None)
        raise SpecificationError(f"{table.source}: {table.at(int(beyond[0]))}: {name}: expected {' and '.join(sides)}")


def _categories(table: Table, name: str, column: Column, missing: npt.NDArray[np.bool_]) -> Categories:
    spelling = {cell: spelled_label(cell, any_case=False) for cell in set(table.columns[name])}
    spelled = [None if gone else spelling[cell] for cell, gone in zip(table.columns[name], missing, strict=True)]
    levels = tuple(sorted({cell for cell in spelled if cell is not None}))
    if column.levels:
        allowed = {spelled_label(level, any_case=False) for level in column.levels}
        for row, cell in enumerate(spelled):
            if cell is not None and cell not in allowed:
                raise SpecificationError(
                    f"{table.source}: {table.at(row)}: {name}: expected {', '.join(column.levels)}"
                )
    place = {level: at for at, level in enumerate(levels)}
    codes = np.array([MISSING_CODE if cell is None else place[cell] for cell in spelled], dtype=np.int64)
    return Categories(levels, codes)


def labels(table: Table, specification: Specification) -> tuple[Codes, list[str]]:
    """1 for each positive row, 0 for each negative one, `UNLABELLED` for one that is to be left out; and sentences.

    Raises SpecificationError with the line of a row that has no value, or another one, where it is to be refused.
    """
    target = specification.target
    value = {target.spelled(cell): 1 for cell in target.positive} | {
        target.spelled(cell): 0 for cell in target.negative
    }
    blank = {target.spelled(cell) for cell in specification.missing} - set(value)
    cells = table.columns[target.column]
    spelled = {cell: target.spelled(cell) for cell in set(cells)}
    found = np.array([value.get(spelled[cell], UNLABELLED) for cell in cells], dtype=np.int64)
    is_blank = np.array([spelled[cell] in blank for cell in cells], dtype=bool)
    expected = f"expected {', '.join((*target.positive, *target.negative))}"
    said = []
    for rows, treatment, what in (
        (np.flatnonzero((found == UNLABELLED) & is_blank), target.unlabelled, "no value"),
        (np.flatnonzero((found == UNLABELLED) & ~is_blank), target.other, "another value"),
    ):
        if len(rows) and treatment == "refuse":
            raise SpecificationError(f"{table.source}: {table.at(int(rows[0]))}: {target.column}: {what}; {expected}")
        if len(rows):
            said.append(f"{target.column}: {len(rows):,} rows have {what} and are left out; {expected}")
    return found, said


def check_columns(table: Table, names: Sequence[str]) -> None:
    """SpecificationError where the table lacks one of the columns."""
    if lacking := [name for name in names if name not in table.columns]:
        raise SpecificationError(
            f"{table.source}: the header lacks {', '.join(lacking)}; expected every column of the specification"
        )


def of_rows(table: Table, at: Rows) -> Table:
    """The table with some of its rows."""
    columns = {name: [cells[row] for row in at] for name, cells in table.columns.items()}
    return replace(table, columns=columns, lines=[table.lines[row] for row in at])
