"""Cells as numbers: the ways in which files write them, one row each."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

_MONEY = re.compile(r"^([-+(]*)\s*[$€£¥₹]\s*|\s*[$€£¥₹]$")


@dataclass(frozen=True, slots=True)
class Notation:
    """One way to write numbers: `matches` a cell, and `plain` gives it as Python reads it."""

    name: str
    matches: re.Pattern[str]
    plain: Callable[[str], str]


NOTATIONS: dict[str, Notation] = {
    one.name: one
    for one in (
        Notation("plain", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"), str),
        Notation(
            "thousands",
            re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?|[-+]?\d+(\.\d*)?"),
            lambda cell: cell.replace(",", ""),
        ),
        Notation(
            "decimal_comma",
            re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?([eE][-+]?\d+)?"),
            lambda cell: cell.replace(".", "").replace(",", "."),
        ),
        Notation(
            "spaced",
            re.compile(r"[-+]?\d{1,3}([ '\u00a0\u202f]\d{3})*(\.\d*)?"),
            lambda cell: re.sub("[^0-9.+-]", "", cell),
        ),
        Notation("open_ended", re.compile(r"[<>=]*\s*\d+(\.\d*)?\s*\+?"), lambda cell: cell.strip("<>=+ ")),
        Notation("percent", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)\s*%"), lambda cell: cell.rstrip("% ")),
    )
}
"""By name, in the order in which they are tried: of several that read a column, the first."""


def read_numbers(cells: Sequence[str], notation: str) -> Vector:
    """The numbers that cells hold, (n,); NaN where a cell is none in this notation.

    >>> read_numbers(["1.234,5", "7", "red"], "decimal_comma").tolist()
    [1234.5, 7.0, nan]
    """
    way = NOTATIONS[notation]
    found = {cell: _number(_bare(cell), way) for cell in set(cells)}
    return np.array([found[cell] for cell in cells], dtype=np.float64)


def best_notation(cells: Sequence[str], *, decimal_comma: bool = False) -> tuple[str, float]:
    """The notation that reads the most of the cells, none of which is missing, and the share that it reads. Of
    "1,500" alone nobody knows what its comma is: it begins decimals where `decimal_comma` says so of the file.

    >>> best_notation(["1,5", "2,25"]), best_notation(["$1,200", "$900"]), best_notation(["1,500", "2,000"])
    (('decimal_comma', 1.0), ('thousands', 1.0), ('thousands', 1.0))
    """
    bare = [_bare(cell) for cell in cells]
    # A sort keeps the table's order but for the one that goes before.
    order = sorted(NOTATIONS, key=lambda name: not (decimal_comma and name == "decimal_comma"))
    shares: dict[str, float] = {}
    for name in order:
        matches = NOTATIONS[name].matches.fullmatch
        shares[name] = sum(matches(cell) is not None for cell in bare) / max(len(bare), 1)
        if shares[name] == 1.0:
            break
    best = max(shares, key=lambda name: shares[name])
    return best, shares[best]


def _bare(cell: str) -> str:
    return cell if cell[:1].isdigit() and cell[-1:].isdigit() else _MONEY.sub(r"\1", cell)


def _number(cell: str, way: Notation) -> float:
    if not cell or way.matches.fullmatch(cell) is None:
        return np.nan
    try:
        value = float(way.plain(cell))
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan
