"""The curves of a long run, drawn."""

import itertools
from xml.etree import ElementTree as ET

from loanstream.lab.bench.plot import Curve, svg

NAMES = ("verify-0", "score-0", "kafka")


def drawn(*heights: float) -> ET.Element:
    curves = [Curve(name, [(0.0, 1.0), (1.0, height)]) for name, height in zip(NAMES, heights, strict=True)]
    return ET.fromstring(svg("Memory", "MB", curves))


def test_a_higher_value_stands_higher() -> None:
    """Each curve ends at the height of its last value, over an axis that begins at 0."""
    lines = drawn(100.0, 50.0, 0.0).findall("{*}polyline")
    ends = [float(line.attrib["points"].split()[-1].split(",")[1]) for line in lines]
    top, middle, bottom = ends
    assert bottom == 320.0  # the axis itself
    assert abs((bottom - middle) * 2 - (bottom - top)) < 0.2


def test_names_do_not_cover_each_other() -> None:
    """Curves that end at the same place have their names below one another."""
    image = drawn(70.0, 70.0, 70.0)
    heights = [float(text.attrib["y"]) for text in image.findall("{*}text") if text.text in NAMES]
    heights.sort()
    assert all(lower - upper >= 13.0 for upper, lower in itertools.pairwise(heights))
