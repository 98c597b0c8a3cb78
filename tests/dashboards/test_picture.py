"""A dashboard as a picture: whole, true to the figures, and nothing in it but text and shapes."""

import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from dashboards.all import DASHBOARDS
from dashboards.panels import Dashboard, Panel, Section
from dashboards.preview.asking import Unanswered
from dashboards.preview.charts import of_series, series_of
from dashboards.preview.picture import drawn, taken

SVG = "{http://www.w3.org/2000/svg}"
HOUR = 3_600_000
HOSTILE = (
    "</text><script>alert(1)</script>",
    '" onload="x',
    "]]>",
    "&amp;&#0;",
    "\0\x1b[2J",
    "\u202etxt.exe",
    "\ud800",
)


def answer(rows, **columns):
    """What the preview answers; `columns`: name -> type."""
    return {
        "columns": [{"name": name, "type": kind} for name, kind in columns.items()],
        "rows": [list(row) for row in rows], "notes": [], "why": None,
        "interval_ms": 60_000, "from_ms": 0, "to_ms": HOUR,
    }  # fmt: skip


def of_one(panel: Panel, found, **more) -> ET.Element:
    """The picture of a dashboard of one panel, read as XML."""
    board = Dashboard("loanstream-x", "X", "Is it?", (Section("S", (panel,)),))
    return ET.fromstring(drawn(board, {panel.id: found}, **more))


def panel(kind, **more) -> Panel:
    return Panel("p", "Title", "Why?", "query", kind, **more)


def texts(picture) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


def shapes(picture, name, fill) -> list[ET.Element]:
    return [each for each in picture.iter(f"{SVG}{name}") if fill in (each.get("fill"), each.get("stroke"))]


GREEN, AMBER, RED = of_series(["approved", "referred", "declined"])


def test_a_figure_has_the_colour_of_its_threshold_and_says_so():
    """Red is read, too, by whoever does not see it."""
    tile = panel("stat", unit="percentunit", decimals=1, thresholds=((0.05, "orange"), (0.5, "red")))
    for value, said in ((0.012, ["1.2 %"]), (0.05, ["5.0 %", "orange"]), (0.6, ["60.0 %", "red"])):
        found = texts(of_one(tile, answer([(value,)], share="number")))
        assert [each for each in found if "%" in each or each in {"orange", "red"}] == said


def test_shares_over_time_stand_above_each_other_from_nothing_to_all():
    """Three shares of one interval fill the height of the chart between them."""
    found = answer([(0, 0.5, 0.3, 0.2)], time="time", approved="number", referred="number", declined="number")
    picture = of_one(panel("timeseries", unit="percentunit", stacked=True), found)
    (low,), (middle,), (high,) = (shapes(picture, "rect", colour)[:1] for colour in (GREEN, AMBER, RED))
    heights = [float(each.get("height")) for each in (low, middle, high)]
    assert heights == pytest.approx([sum(heights) * share for share in (0.5, 0.3, 0.2)], abs=0.2)
    assert float(middle.get("y")) + heights[1] == pytest.approx(float(low.get("y")), abs=0.2)
    assert float(high.get("y")) + heights[2] == pytest.approx(float(middle.get("y")), abs=0.2)
    assert {"0 %", "100 %"} <= set(texts(picture))


def test_a_line_has_its_points_in_the_order_of_time_and_a_dashed_one_for_each_mark():
    """Rows that come in another order, and a mark outside of the time, change nothing."""
    found = answer([(1800_000, 2.0), (0, 1.0), (2400_000, None)], time="time", p50="number")
    marks = [{"time": 600_000}, {"time": 2 * HOUR}]
    picture = of_one(panel("timeseries", unit="ms"), found, marks=marks)
    (line,) = picture.iter(f"{SVG}polyline")
    points = [tuple(map(float, each.split(","))) for each in line.get("points").split()]
    assert len(points) == 2
    assert points[0][0] < points[1][0]
    assert points[0][1] > points[1][1]
    assert len([each for each in picture.iter(f"{SVG}line") if each.get("stroke-dasharray")]) == 1


def test_a_series_for_each_text_of_a_column():
    """As Grafana reads the long form."""
    found = answer([(0, "verify", 1), (0, "score", 2), (1, "verify", 3)], time="time", series="text", n="number")
    assert series_of(found) == {"verify": [(0, 1), (1, 3)], "score": [(0, 2)]}


def test_bars_are_as_long_as_their_figures():
    """Twice as many is twice as long; referred and declined stand one after the other, and the sum is told."""
    found = answer(
        [("credit_history", 20, 10), ("own_money", 10, 5)], reason="text", referred="number", declined="number"
    )
    picture = of_one(panel("barchart", stacked=True), found)
    amber, red = shapes(picture, "rect", AMBER)[:2], shapes(picture, "rect", RED)[:2]
    wide = [float(each.get("width")) for each in (*amber, *red)]
    assert wide == pytest.approx([4 * wide[3], 2 * wide[3], 2 * wide[3], wide[3]], rel=0.01)
    assert float(red[0].get("x")) == pytest.approx(float(amber[0].get("x")) + wide[0], abs=0.2)
    assert {"credit history", "30", "15"} <= set(texts(picture))


def test_bands_of_a_distribution_stand_upright_and_none_is_left_out():
    """Twenty bands of a score are twenty bars, and half as much is half as high."""
    found = answer([(str(n / 20), 0.1 if n else 0.05) for n in range(20)], score_from="text", share="number")
    bars = shapes(of_one(panel("barchart", unit="percentunit"), found), "rect", of_series(["share"])[0])[:20]
    high = [float(each.get("height")) for each in bars]
    assert len(high) == 20
    assert high[0] == pytest.approx(high[1] / 2, abs=0.1)


@pytest.mark.parametrize("kind", ["table", "barchart"])
def test_what_does_not_fit_is_counted(kind):
    """Nobody takes the first rows for all."""
    found = texts(of_one(panel(kind), answer([(f"bank-{n}", n) for n in range(500)], bank="text", decisions="number")))
    shown = [each for each in found if each.startswith("bank-")]
    assert f"and {500 - len(shown)} more" in found


def test_a_table_says_names_units_and_outcomes():
    """Headings in words, times in UTC, an outcome in its colour."""
    found = answer([(90_000, "approve", 0.25)], accepted_at="time", outcome="text", share="number")
    picture = of_one(panel("table", units=(("share", "percentunit"),)), found)
    assert {"accepted", "1970-01-01 00:01:30", "approve", "25 %"} <= set(texts(picture))
    assert [each.text for each in shapes(picture, "text", GREEN)] == ["approve"]


@pytest.mark.parametrize("kind", ["stat", "timeseries", "barchart", "table"])
@pytest.mark.parametrize("said", [{"why": "Nothing in this range."}, {"error": "The warehouse does not answer."}])
def test_a_panel_without_figures_says_why(kind, said):
    """No empty axes, and no nought that nobody counted."""
    found = texts(of_one(panel(kind), {"columns": [], "rows": [], "notes": [], **said}))
    assert next(iter(said.values())) in found


@pytest.mark.parametrize("kind", ["stat", "timeseries", "barchart", "table"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_becomes_a_part_of_the_drawing(kind, hostile):
    """Whatever a bank calls a product: it is text, and what turns or ends a text is left out."""
    found = answer([(0, hostile, 1.0)], time="time", series="text", **{hostile: "number"})
    found["notes"] = [hostile]
    picture = of_one(panel(kind), found, tenant=hostile)
    assert {each.tag.removeprefix(SVG) for each in picture.iter()} <= {
        "svg", "title", "g", "rect", "line", "text", "polyline", "circle",
    }  # fmt: skip
    assert not [name for each in picture.iter() for name in each.keys() if name.startswith("on")]  # noqa: SIM118
    assert not re.search(r"[\x00-\x08\x1b\u202e]", "".join(texts(picture)))


def test_a_long_text_is_cut():
    """It does not run over its neighbour."""
    found = texts(of_one(panel("table"), answer([("x" * 4000, 1)], product="text", n="number")))
    assert max(map(len, found)) < 220


def test_every_dashboard_is_drawn_from_the_made_up_days(filled):
    """Each panel has its title, and none a fault of ours."""
    for board in DASHBOARDS.values():
        svg = drawn_now(filled, board)
        found = set(texts(ET.fromstring(svg)))
        assert board.title in found
        assert not [each for each in found if "failed here" in each]
        assert {section.title for section in board.sections} <= found


def test_a_picture_of_one_bank_names_no_other(filled):
    """It is narrowed where the warehouse is asked."""
    svg = drawn_now(filled, DASHBOARDS["loanstream-today"], "adria")
    assert "adria" in svg
    assert "borealis" not in svg
    assert "cassia" not in svg


def drawn_now(warehouse, board, tenant=None) -> str:
    return taken(lambda: warehouse.client("reader"), board, tenant)


def test_no_picture_is_made_of_a_warehouse_that_is_away():
    """A file of nothing but excuses would be taken for an answer."""

    def refused():
        raise ConnectionRefusedError

    with pytest.raises(Unanswered, match="does not answer"):
        taken(refused, DASHBOARDS["loanstream-today"], None)


def test_drawing_needs_nothing_of_the_browsers():
    """The demo draws where plotly is not installed."""
    code = "import sys, dashboards.preview.picture; sys.exit(bool({'plotly', 'starlette'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
