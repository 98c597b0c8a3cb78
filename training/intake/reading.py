"""Any delimited file as a table: the delimiter and the header are found, and both are said."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from training.data import DataError
from training.intake import arff
from training.intake.table import Table
from training.intake.text import decoded

DELIMITERS: dict[str, str] = {",": "comma", ";": "semicolon", "\t": "tabulator", "|": "bar", " ": "space"}
"""Tried in this order; of several that part the rows equally well, the first."""

LOOKED_AT = 50
"""Rows from which the delimiter is told."""

HEADER_WITHIN = 5
"""The header is looked for in so many rows: some files have titles, or a second numbering, above it."""

MOST_ROWS = 500_000
"""Of a longer file so many rows are drawn for training, by seed; more would teach little and take memory."""

SEED = 20260101

Rows = Iterator[tuple[int, list[str]]]


def read_table(path: Path, wanted: Iterable[str] = (), *, most: int | None = MOST_ROWS) -> Table:
    """The table in a file; see `parse_table`. OSError where it cannot be read."""
    return parse_table(path.read_bytes(), path.name, wanted, most=most)


def parse_table(data: bytes, source: str, wanted: Iterable[str] = (), *, most: int | None = MOST_ROWS) -> Table:
    r"""The table in a file's bytes. The header is the first row that names all columns `wanted`, else the first row.

    Raises DataError, with the line where there is one: no text, no rows, a row of another length, a name that stands
    there twice.

    >>> table = parse_table(b"income;default\n1,5;0\n2,5;1\n", "a.csv")
    >>> table.columns["income"], table.said
    (['1,5', '2,5'], ['a.csv: UTF-8, columns parted by semicolon, 2 rows'])
    """
    text, encoding = decoded(data, source)
    digest = hashlib.sha256(data).hexdigest()
    if arff.is_arff(text):
        names, rows = arff.parts(text, source)
        return _table(names, rows, source, digest, f"ARFF in {encoding}", most)
    del data
    delimiter = _delimiter(text)
    rows = _rows(text, delimiter, source)
    first = list(islice(rows, HEADER_WITHIN))
    if not first:
        raise DataError(f"{source} is empty; expected a header and rows")
    at = _header(first, [name.strip() for name in wanted])
    names = _names(first[at][1], first[at][0])
    how = f"{encoding}, columns parted by {DELIMITERS[delimiter]}"
    if at:
        how += f", {at} row{'s' if at > 1 else ''} above the header left out"
    rest = _chained(first[at + 1 :], rows)
    table = _table(names, rest, source, digest, how, most, about=text.count("\n"))
    return replace(table, decimal_comma=delimiter == ";")


def _chained(first: list[tuple[int, list[str]]], rest: Rows) -> Rows:
    yield from first
    yield from rest


def _delimiter(text: str) -> str:
    """Which parts the first rows into the same number of cells, the most of them."""
    sample = text[:200_000]

    def fitness(delimiter: str) -> tuple[float, int]:
        counts = Counter(len(row) for _, row in islice(_rows(sample, delimiter, ""), LOOKED_AT))
        width, often = max(counts.items(), key=lambda found: (found[1], found[0]), default=(1, 0))
        # The sample may end within its last row.
        return (often / max(sum(counts.values()) - 1, 1) if width > 1 else 0.0, width)

    found = {delimiter: fitness(delimiter) for delimiter in DELIMITERS}
    good = [delimiter for delimiter, (share, _) in found.items() if share >= 0.9]
    # A space or a comma within cells may part rows evenly, too; what parts them into more cells is meant.
    return max(good or [","], key=lambda delimiter: (delimiter != " ", found[delimiter][1]))


def _rows(text: str, delimiter: str, source: str) -> Rows:
    """Each row that holds anything, its cells bare, with the line that it begins in."""
    if delimiter == " ":
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield number, [cell.strip("\"'") for cell in line.split()]
        return
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=True)
    ends = 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield ends + 1, cells
            ends = reader.line_num
    except csv.Error as error:
        if source:
            raise DataError(f"{source}: line {ends + 1} is no row of a CSV") from error


def _header(first: list[tuple[int, list[str]]], wanted: list[str]) -> int:
    if wanted:
        for at, (_, cells) in enumerate(first):
            if set(wanted) <= set(cells):
                return at
    return 0


def _names(cells: list[str], line: int) -> list[str]:
    names = [cell or f"column {at}" for at, cell in enumerate(cells, 1)]
    several = [name for name, count in Counter(names).items() if count > 1]
    if several:
        raise DataError(f"line {line}: the header has more than one column {', '.join(several)}; expected one of each")
    return names


def _table(names: list[str], rows: Rows, source: str, digest: str, how: str, most: int | None, about: int = 0) -> Table:
    width, lines, cells = len(names), [], []
    drawn = most is not None and about > most
    rng, share, passed = np.random.default_rng(SEED), (most or 0) / max(about, 1), 0
    for line, row in rows:
        if len(row) != width:
            raise DataError(f"{source}: line {line}: {len(row)} cells, expected {width} as in the header")
        passed += 1
        if drawn and rng.random() >= share:
            continue
        lines.append(line)
        cells.append(row)
    if not lines:
        raise DataError(f"{source} has a header and no rows")
    said = f"{source}: {how}, {passed:,} rows"
    if drawn:
        said += f"; {len(lines):,} of them drawn by seed, for training takes about {most:,} at most"
    return Table(dict(zip(names, map(list, zip(*cells, strict=True)), strict=True)), lines, source, digest, [said])
