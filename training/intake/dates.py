"""Cells as dates: the ways in which files write them, one row each."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

FORMATS: tuple[str, ...] = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m",
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d.%m.%y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y",
    "%d-%b-%y", "%d %b %Y", "%b-%Y", "%b-%y", "%b %Y", "%B %Y", "%b %d, %Y", "%d %B %Y",
)  # fmt: skip
"""`strptime` formats, in the order in which they are tried."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_dates(cells: Sequence[str], formats: Sequence[str]) -> npt.NDArray[np.float64]:
    """Days since 1970, (n,), by the first of the formats that reads a cell; NaN where none does.

    >>> read_dates(["1970-01-31", "soon"], ["%Y-%m-%d"]).tolist()
    [30.0, nan]
    """
    found = {cell: _days(cell, formats) for cell in set(cells)}
    return np.array([found[cell] for cell in cells], dtype=np.float64)


def formats_of(cells: Sequence[str]) -> list[str]:
    """The formats that read at least one of the cells, those that read most first: one where a column is in one way,
    several where it is mixed, or where days and months cannot be told apart.

    >>> formats_of(["31/12/2020", "01/02/2020"]), formats_of(["01/02/2020"]), formats_of(["A11"])
    (['%d/%m/%Y'], ['%d/%m/%Y', '%m/%d/%Y'], [])
    """
    distinct = sorted(set(cells))
    reads = {form: sum(not np.isnan(_days(cell, [form])) for cell in distinct) for form in FORMATS}
    whole = [form for form, count in reads.items() if count == len(distinct)]
    some = [form for form, count in sorted(reads.items(), key=lambda found: -found[1]) if count]
    return whole or some


def _days(cell: str, formats: Sequence[str]) -> float:
    for form in formats:
        try:
            return (datetime.strptime(cell, form).replace(tzinfo=UTC) - _EPOCH) / (
                datetime(1970, 1, 2, tzinfo=UTC) - _EPOCH
            )
        except ValueError:
            continue
    return np.nan
