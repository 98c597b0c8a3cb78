"""Where panels stand: each as high as it can, then as far left as it can, in 24 columns.

That is where Grafana's own grid would move them, so what is written is what is seen.
"""

from collections.abc import Iterable, Sequence

COLUMNS = 24
HEADING = 1
"""Rows that a section's heading takes."""

Place = tuple[int, int, int, int]
"""x, y, width, height; a column is a 24th of the width, a row 30 pixels and a gap."""


def placed(sections: Iterable[Sequence[tuple[int, int]]]) -> list[list[Place]]:
    """For each section, given (width, height) of its panels, the place of its heading and then of each panel.

    Raises ValueError for a width that is not one of 1 to 24, or a height below 1.

    >>> placed([[(6, 4), (18, 8), (6, 4), (24, 8)]])
    [[(0, 0, 24, 1), (0, 1, 6, 4), (6, 1, 18, 8), (0, 5, 6, 4), (0, 9, 24, 8)]]
    """
    found: list[list[Place]] = []
    top = 0
    for section in sections:
        free = [top + HEADING] * COLUMNS
        places: list[Place] = [(0, top, COLUMNS, HEADING)]
        for width, height in section:
            if not 1 <= width <= COLUMNS or height < 1:
                raise ValueError(f"a panel is 1 to {COLUMNS} columns wide and at least one row high")
            y, x = min((max(free[x : x + width]), x) for x in range(COLUMNS - width + 1))
            free[x : x + width] = [y + height] * width
            places.append((x, y, width, height))
        found.append(places)
        top = max(free)
    return found
