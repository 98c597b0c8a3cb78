"""The shipped default keeps every direction, for every applicant there could be: proven from its trees."""

import itertools
from pathlib import Path

import numpy as np
import orjson
import pytest

from scoring.booster import xgboost
from scoring.bundle import MANIFEST, load_bundle, sigmoid
from scoring.features import FEATURES, Direction
from scoring.shipped import shipped_bundle_files
from training.data import parse_loans
from training.monotone_proof import Kept, least_threshold, proof
from training.recipes import RECIPES
from training.train import make_bundle


@pytest.fixture(scope="module")
def files():
    return shipped_bundle_files("default")


@pytest.fixture(scope="module")
def default(files):
    return load_bundle(files)


@pytest.fixture(scope="module")
def held(files, default) -> dict[str, Direction]:
    """What the shipped default was held to when it was trained."""
    constraints = orjson.loads(files[MANIFEST])["trainer"]["params"]["monotone_constraints"]
    return dict(zip(default.features, constraints, strict=True))


def test_the_default_was_held_to_a_lenders_directions(held):
    """A larger loan, less income, fewer assets, a lower CIBIL score, a higher loan to income: none may ever help."""
    assert {name: FEATURES[name].direction for name, direction in held.items() if direction} == {
        name: direction for name, direction in held.items() if direction
    }
    assert {name for name, direction in held.items() if direction} >= {
        *("annual_income", "loan_amount", "cibil_score", "lti", "acr"),
        *("residential_assets", "commercial_assets", "luxury_assets", "bank_assets"),
    }


def test_no_pair_of_leaves_of_the_default_goes_the_wrong_way(default, held):
    """Wherever a step of one feature leads from one leaf to another, in any tree, the second is not the better one."""
    found = proof(default.booster, held, default.features)
    assert {name: kept.wrong for name, kept in found.items()} == dict.fromkeys(found, 0)
    assert sum(kept.pairs for kept in found.values()) > 20
    assert default.a > 0


def test_where_all_assets_together_are_a_debt_no_split_of_the_default_lies(default):
    """There alone asset coverage rises with the amount asked for: whoever owes on a house gains nothing by a larger loan."""
    assert least_threshold(default.booster, default.features.index("acr")) > 0


def cells(booster, features):
    """Of each feature a value in every interval between the thresholds at which the model splits."""
    trees = orjson.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]["trees"]
    found = {name: set() for name in features}
    for tree in trees:
        for column, at, left in zip(
            tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
        ):
            if left != -1:
                found[features[column]].add(np.float32(at))
    return {
        name: [float(np.nextafter(min(at), np.float32(-np.inf))), *map(float, sorted(at))] if at else [1.0]
        for name, at in found.items()
    }


def test_over_the_whole_grid_of_its_thresholds_the_default_never_rewards_a_step(default, held):
    """Every combination of intervals that the model can tell apart, compared with its neighbour along each axis: the
    calibrated probability, as the decision uses it, never moves against the direction.
    """
    values = cells(default.booster, default.features)
    grid = np.array(list(itertools.product(*values.values())))
    margins = default.raw(grid).margin
    p = np.round([sigmoid(default.a * margin + default.b) for margin in margins], 9)
    p = p.reshape([len(of_one) for of_one in values.values()])
    told_apart = {name for name, of_one in values.items() if len(of_one) > 1}
    assert {"cibil_score", "acr"} <= told_apart
    for axis, name in enumerate(default.features):
        if name in told_apart:
            assert held[name], name
            assert (held[name] * np.diff(p, axis=axis) >= 0).all(), name


def test_the_bundle_that_was_shipped_first_did_not_keep_them():
    """What is wrong is found: more loan to income helped, in most of the trees that look at it."""
    folder = Path(__file__).resolve().parents[1] / "scoring" / "released" / "default-618c3d3a"
    earlier = load_bundle({file.name: file.read_bytes() for file in folder.iterdir()})
    found = proof(earlier.booster, {"lti": -1, "cibil_score": 1, "education": 0}, earlier.features)
    assert set(found) == {"lti", "cibil_score"}
    assert found["lti"].wrong > found["lti"].pairs / 2 > 0
    assert found["cibil_score"].wrong == 0


def test_a_model_that_is_held_repays_no_haste(sample_csv):
    """A shorter term takes more of the income each month, and a model that is held to the table gives nothing for it."""
    made, _ = make_bundle(parse_loans(sample_csv(400, seed=7), "sample"), RECIPES["default"], "INR")
    bundle = load_bundle(made)
    found = proof(bundle.booster, {name: FEATURES[name].direction for name in bundle.features}, bundle.features)
    assert all(kept.wrong == 0 for kept in found.values())
    assert bundle.ranges["loan_term"].direction == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_proof_is_a_search_of_the_grids(seed):
    """Pairs of leaves are compared as somebody would who tries every value: one tree, every cell, each axis."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 6, (300, 3)).astype(float)
    labels = (rows @ [1.0, -1.0, 0.3] + rng.normal(0, 2, 300) > 0).astype(float)
    booster = xgboost.train({"max_depth": 4, "nthread": 1}, xgboost.DMatrix(rows, labels, nthread=1), 1)
    names = ("a", "b", "c")
    values = cells(booster, names)
    grid = np.array(list(itertools.product(*values.values())))
    found = booster.predict(xgboost.DMatrix(grid, nthread=1), output_margin=True)
    found = found.reshape([len(of_one) for of_one in values.values()])
    for direction in (1, -1):
        kept = proof(booster, dict.fromkeys(names, direction), names)
        for axis, name in enumerate(names):
            assert (kept[name].wrong > 0) == bool((direction * np.diff(found, axis=axis) < 0).any())
            assert isinstance(kept[name], Kept)
