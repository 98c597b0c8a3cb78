"""Where the preview's panels stand."""

from collections.abc import Iterable, Iterator
from typing import Final

from dashboards.panels import Panel

COLUMNS: Final = 24


def rows(panels: Iterable[Panel]) -> Iterator[list[Panel]]:
    """Panels from left to right, in rows of 24 columns."""
    row: list[Panel] = []
    for panel in panels:
        if row and sum(each.width for each in row) + panel.width > COLUMNS:
            yield row
            row = []
        row.append(panel)
    if row:
        yield row
