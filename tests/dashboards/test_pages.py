"""Each dashboard has a page that says how to read it, with a picture that was made for it."""

import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from dashboards.all import DASHBOARDS

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

from screenshots import PAGES, ROOT

FOLDER = ROOT / "docs" / "dashboards"
MOST_BYTES = 150_000


def test_each_dashboard_has_its_page():
    """In the order of the dashboards, under their titles and questions, each for somebody; and no page is of none."""
    assert list(PAGES.values()) == list(DASHBOARDS)
    index = (FOLDER / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| \[(.+?)\]\((.+?)\.md\) \| (.+?) \| (.+?) \|$", index, re.MULTILINE)
    boards = DASHBOARDS.values()
    assert [row[:3] for row in rows] == [
        (board.title, name, board.question) for name, board in zip(PAGES, boards, strict=True)
    ]
    assert {path.stem for path in FOLDER.glob("*.md")} == {"README", *PAGES}
    assert {path.stem for path in FOLDER.glob("*.png")} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_begins_with_its_dashboard_and_shows_it(name):
    """For whom, what a normal day is, what to look at first, what it does not say; and a picture that loads soon."""
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    assert text.startswith(f"# Read *{DASHBOARDS[PAGES[name]].title}*\n\n**For ")
    assert re.search(rf"^!\[[^\]]+\]\({name}\.png\)$", text, re.MULTILINE)
    assert {"## Look first", "## What it does not say"} <= set(text.splitlines())
    picture = FOLDER / f"{name}.png"
    assert picture.stat().st_size <= MOST_BYTES
    assert Image.open(picture).width == 1280


@pytest.mark.parametrize("name", PAGES)
def test_panels_that_a_page_names_are_on_a_dashboard(name):
    """Who looks for a panel by the name in the text finds it: names in italics are titles, or parts of them."""
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    told = {each.lower() for each in re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", text)}
    known = {board.title.lower() for board in DASHBOARDS.values()}
    known |= {panel.title.lower() for board in DASHBOARDS.values() for panel in board.panels()}
    assert {each for each in told if not any(each in title for title in known)} == set()
