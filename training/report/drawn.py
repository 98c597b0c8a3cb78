"""How every plot of a report looks, and how it becomes SVG that is the same bytes each time."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt

BLUE, ORANGE, GREY, GREEN = "#0072b2", "#d55e00", "#8a8f98", "#009e73"
"""Okabe and Ito's, which colour-blind people tell apart."""

_MEASURED = "DejaVu Sans"
"""Comes with matplotlib, so text takes the same room on every machine; it is shown in the reader's own font."""

_LOOK: Any = {
    "svg.hashsalt": "loanstream",
    "svg.fonttype": "none",
    "font.family": _MEASURED,
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8f98",
    "axes.grid": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "figure.autolayout": True,
}
_NO_DATE = {"Date": None, "Creator": None, "Format": None, "Type": None}
_PREFIX = re.compile(r"^.*?(?=<svg)", re.DOTALL)


@contextmanager
def look() -> Iterator[None]:
    """Within it, figures have the report's look."""
    with mpl.rc_context(_LOOK):
        yield


def axes(width: float = 5.2, height: float = 3.4, columns: int = 1, rows: int = 1) -> tuple[Any, Any]:
    """A figure of so many inches and its axes."""
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False)


def svg(figure: Any, about: str) -> str:
    """The figure as an inline SVG element that a screen reader reads as `about`; the figure is closed."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata=_NO_DATE, transparent=True)
    plt.close(figure)
    element = _PREFIX.sub("", out.getvalue(), count=1).replace(f"'{_MEASURED}'", "system-ui, sans-serif")
    return element.replace("<svg ", f'<svg role="img" aria-label="{about}" ', 1)
