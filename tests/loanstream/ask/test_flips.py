"""What made the difference between two decisions on one application is told by its code."""

import pytest

from loanstream.ask.flips import BANDS, Flip, Side
from scoring.policy import Bands

BANDED = Bands(approve=0.7, decline=0.3)


def side(outcome, score, rules=(), penalties=None, bands=BANDED):
    penalties = penalties or {}
    rows = [{"code": code, "decisive": True} for code in rules]
    rows += [{"code": code, "decisive": False} for code in (*penalties, "annual_income")]
    sizes = [{"code": code, "size": size} for code, size in penalties.items()]
    return Side.of({"outcome": outcome, "score_final": score, "reasons": rows, "penalties": sizes}, bands)


@pytest.mark.parametrize(
    ("a", "b", "causes"),
    [
        (side("approve", 0.9), side("refer", 0.9, ["new"]), ["new"]),
        (side("decline", 0.9, ["gone", "kept"]), side("refer", 0.9, ["kept"]), ["gone", "kept"]),
        (side("refer", 0.9, ["same"]), side("decline", 0.9, ["same"]), ["same"]),
        (side("approve", 0.9), side("refer", 0.6, (), {"taken": 0.3}), ["taken"]),
        (side("approve", 0.8, (), {"size": 0.1}), side("refer", 0.6, (), {"size": 0.3}), ["size"]),
        (side("approve", 0.8), side("refer", 0.8, bands=Bands(0.9, 0.3)), [BANDS]),
        (side("refer", 0.8, ["held_back"]), side("decline", 0.2, (), {"size": 0.6}), ["held_back", "size"]),
        (side("approve", 0.9, (), {"size": 0.05}), side("decline", 0.8, ["new"], {"size": 0.15}), ["new"]),
        (side("refer", None, ["feature_missing"]), side("decline", None, ["hard"]), ["feature_missing", "hard"]),
    ],
    ids=["rule added", "rule gone", "rule", "penalty added", "penalty", "bands", "both", "no matter", "no model"],
)
def test_the_codes_that_make_the_difference_are_named(a, b, causes):
    """Rules of one side alone; and penalties, or the bands, where the score alone would lead elsewhere."""
    assert Flip("A-1", 1, a, b).causes == causes


def test_what_decided_are_the_rules_else_the_penalties():
    """No factor of the model is among them: it is the same under both."""
    assert [row["code"] for row in side("refer", 0.9, ["rule"], {"size": 0.1}).decided_by] == ["rule"]
    assert [row["code"] for row in side("refer", 0.6, (), {"size": 0.1}).decided_by] == ["size"]
