"""The validation report is one file that loads nothing, says what was not measured, and is the same bytes each time."""

import html.parser
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from training.explain.ablation import Ablated
from training.explain.dependence import dependence
from training.explain.importance import importance
from training.explain.surrogate import Disagreement
from training.fairness.frontier import Point
from training.fairness.groups import fairness
from training.fairness.judged import Judged
from training.fairness.slices import Slice
from training.fairness.yardsticks import held_against, yardsticks
from training.figures import estimates
from training.report.evidence import Evidence, OfColumn
from training.report.plots import wilson
from training.report.report import page, report

NAMES = ("income", "<script>alert(1)</script>")


NOT_DRAWN = dict.fromkeys(("curves", "scores", "reliability", "swarm", "bars", "losses", "dependences"), "")
NOT_DRAWN |= {"frontiers": {"colour": ""}}


def around(**kept):
    """The page without its plots, which take seconds to draw."""
    return page(evidence(**kept), NOT_DRAWN)


class Linear:
    """A model of two features."""

    names = NAMES

    def log_odds(self, rows):
        return rows[:, 0] - np.nan_to_num(rows[:, 1])

    def contributions(self, rows):
        return rows * np.array([1.0, -1.0])


def evidence(**kept):
    """A full set of evidence of a made-up model, with parts of it exchanged."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, 2))
    rows[::7, 1] = np.nan
    p = 1 / (1 + np.exp(-Linear().log_odds(np.nan_to_num(rows))))
    labels = (rng.random(400) < p).astype(np.int64)
    found = fairness("colour", rng.choice(["red", "blue & green"], 400), Judged.at(0.5, p, labels == 1))
    points = [
        Point("the model", "base", 0.8, 0.8, 0.9, -0.01),
        Point("other", "weights", 0.7, 0.8, 0.8, 0, dominated=True),
    ]
    full = {
        "importance": importance(Linear(), np.nan_to_num(rows), labels),
        "dependence": dependence(Linear(), rows),
        "disagreement": Disagreement(200, 0.1, 0.2, 0.9),
        "ablation": [Ablated("income", 0.6, 0.2, 0.1, 0.3)],
        "slices": [Slice("income missing", 60, 0.9, 0.4, 0.2, 0.6, 5.0, certain=True)],
        "columns": [OfColumn(found, held_against(found, yardsticks()), [], points)],
        "directions": {"asks for more": {"steps": 100, "raised": 0, "most": 0.0}},
        "notes": ["A note."],
        "rebuild": ["loanstream train --data loans.csv --out bundle"],
        "not_measured": {"time": "the data have no time column"},
        **kept,
    }
    return Evidence(
        "made-up", "sha256:00", "approved", [("rows", "400")], p, labels, estimates(p, labels, replicates=50), NAMES,
        rows, Linear().contributions(rows), **full,
    )  # fmt: skip


class Loads(html.parser.HTMLParser):
    """Every address that a page would load something from, and the elements it has."""

    def __init__(self):
        super().__init__()
        self.loaded, self.elements, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in {"src", "href", "xlink:href", "action"} and tag != "a":
                self.loaded.append(value)
            if tag == "a" and name == "href":
                self.links.append(value)


@pytest.fixture(scope="module")
def whole():
    """A page with everything on it."""
    return report(evidence())


def test_it_is_one_file_that_loads_nothing_and_runs_nothing(whole):
    """No address, no script: a validator opens it from a mail in a bank's network. Headings link within the page."""
    said = whole.decode()
    read = Loads()
    read.feed(said)
    assert [one for one in read.loaded if not one.startswith("#")] == []
    assert "script" not in read.elements
    assert read.elements.count("svg") >= 8
    assert {link.removeprefix("#") for link in read.links} <= set(read.ids)
    assert not re.findall(r"url\((?!#)", said)


def test_what_data_say_is_text_and_never_markup(whole):
    """A column's name is anybody's: it stands in table, plot and label as it was written, and is no element."""
    said = whole.decode()
    assert "<script" not in said
    assert "&lt;script&gt;" in said
    assert "blue &amp; green" in said


def test_the_same_evidence_gives_the_same_bytes_in_another_process(whole):
    """No date, no random id, no order of a hash table."""
    asked = "from test_report import evidence, report; import sys; sys.stdout.buffer.write(report(evidence()))"
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    ran = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, check=True, env={"PYTHONPATH": paths, "PYTHONHASHSEED": "7"}
    )
    assert ran.stdout == whole


@pytest.mark.parametrize(
    ("left_out", "heading"),
    [
        ("notes", "What to know"),
        ("not_measured", "Not measured"),
        ("dependence", "Which way"),
        ("rebuild", "Rebuild it"),
    ],
)
def test_a_section_without_evidence_is_left_out_of_page_and_headings(left_out, heading):
    """Nothing empty is shown."""
    assert heading in around()
    assert heading not in around(**{left_out: ()})


def test_least_evidence_is_still_a_page():
    """Figures and calibration alone: a model that cannot be asked for more."""
    bare = dict.fromkeys(("importance", "dependence", "ablation", "slices", "columns", "notes", "rebuild"), ())
    said = report(evidence(**bare, disagreement=None, directions={}, not_measured={"fairness": "no column"})).decode()
    assert "no column" in said
    assert "No slice is worse" in said


def test_a_perverse_change_is_said_first():
    """A reader need not add up a table."""
    said = "3 of 100 steps that make an applicant riskier raise the probability"
    assert said in around(directions={"asks for more": {"steps": 100, "raised": 3, "most": 0.2}})


def test_bounds_of_a_share_are_wilsons():
    """Never beyond 0 and 1, and not of no width where nothing or everything was found."""
    low, high = wilson(np.array([0.0, 0.5, 1.0]), np.array([20, 20, 20]))
    assert np.all((low >= 0) & (high <= 1) & (high - low > 0.1))
