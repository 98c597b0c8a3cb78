"""ARFF, the format of Weka and OpenML: attributes by name, then rows of comma separated cells."""

import csv
import re
from collections.abc import Iterator

from training.data import DataError

_ATTRIBUTE = re.compile(r"@attribute\s+(?:'((?:[^'\\]|\\.)*)'|\"([^\"]*)\"|(\S+))", re.IGNORECASE)


def is_arff(text: str) -> bool:
    """Whether the first line that is no comment begins a relation."""
    for line in text.splitlines():
        bare = line.strip()
        if bare and not bare.startswith("%"):
            return bare.lower().startswith("@relation")
    return False


def parts(text: str, source: str) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The attributes' names, and the rows with their lines. DataError where there is no data."""
    lines = text.splitlines()
    names = []
    for at, line in enumerate(lines):
        bare = line.strip()
        if (found := _ATTRIBUTE.match(bare)) is not None:
            names.append(next(part for part in found.groups() if part is not None))
        if bare.lower().startswith("@data"):
            return names, _rows(lines, at + 1)
    raise DataError(f"{source}: an ARFF file without @data")


def _rows(lines: list[str], start: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines[start:], start + 1):
        bare = line.strip()
        if bare and not bare.startswith("%"):
            (row,) = csv.reader([bare], quotechar="'", escapechar="\\", skipinitialspace=True)
            yield number, [cell.strip().strip('"') for cell in row]
