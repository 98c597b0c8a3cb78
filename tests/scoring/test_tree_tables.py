"""The tables of trees against XGBoost's own answers: the same bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.booster import xgboost
from scoring.bundle import Bundle, load_bundle
from scoring.shipped import BUNDLES, shipped_bundle_files
from scoring.tree_tables import MAX_SPLITS, TreeTables

FEATURES = 5


def boosted(depth: int, seed: int = 1, rounds: int = 20):
    """A booster on data with missing values, whole numbers that repeat, and a threshold on every feature."""
    rng = np.random.default_rng(seed)
    rows = np.round(rng.normal(size=(600, FEATURES)), 1)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    target = (np.nan_to_num(rows) @ np.arange(1, FEATURES + 1) + rng.normal(size=600) > 0).astype(float)
    params = {"objective": "binary:logistic", "max_depth": depth, "nthread": 1, "base_score": 0.4}
    return xgboost.train(params, xgboost.DMatrix(rows, target), rounds)


@pytest.fixture(scope="module")
def small():
    """A booster of trees of depth three, and its tables."""
    booster = boosted(3)
    return booster, TreeTables.of(booster)


def same_bits(booster, tables: TreeTables, rows) -> bool:
    data = xgboost.DMatrix(rows)
    expected = booster.predict(data, pred_contribs=True)
    margins, contributions = tables.margins_and_contributions(rows)
    assert margins.tobytes() == booster.predict(data, output_margin=True).tobytes()
    assert contributions.tobytes() == expected[:, :-1].tobytes()
    return bool((expected[:, -1] == tables.bias).all())


@pytest.fixture(scope="module")
def standard() -> Bundle:
    """The bundle that decides unless told otherwise."""
    return load_bundle(shipped_bundle_files("default"))


def test_the_shipped_default_bundle_is_tabulated(standard):
    """What is fast in the benchmark is what decides."""
    assert standard.tree_tables is not None


@given(
    st.lists(
        st.lists(
            st.one_of(st.floats(-1e9, 1e9), st.sampled_from([0.0, 0.1, -0.1, 1.5, float("nan")])),
            min_size=FEATURES,
            max_size=FEATURES,
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_row_gets_the_bits_of_xgboost(small, rows):
    """On thresholds, beside them, far from them, and missing."""
    booster, tables = small
    assert tables is not None
    assert same_bits(booster, tables, np.array(rows))


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.filterwarnings("error")
def test_of_nobody_a_model_says_nothing(name):
    """A batch in which nobody is to be asked about is no fault: as many answers as rows, none, with tables or without."""
    bundle = load_bundle(shipped_bundle_files(name))
    nobody = np.empty((0, len(bundle.features)))
    raw = bundle.raw(nobody)
    assert bundle.margins(nobody).shape == raw.margin.shape == raw.bias.shape == (0,)
    assert raw.contributions.shape == nobody.shape


def test_rows_at_every_threshold_of_the_default_bundle_get_the_bits_of_xgboost(standard):
    """Each threshold, and the numbers beside it, in each feature, beside typical values of the others."""
    thresholds = standard.tree_tables.thresholds
    columns = standard.tree_tables.columns
    rows = np.full((3 * len(thresholds), len(standard.features)), 5e6)
    for index, (column, threshold) in enumerate(zip(columns, thresholds, strict=True)):
        for step, value in enumerate((np.nextafter(threshold, -np.inf), threshold, np.nextafter(threshold, np.inf))):
            rows[3 * index + step, column] = value if np.isfinite(value) else np.nan
    assert same_bits(standard.booster, standard.tree_tables, rows)


def test_a_model_of_larger_trees_has_no_tables():
    """It answers for itself."""
    assert TreeTables.of(boosted(6)) is None
    assert MAX_SPLITS < 2**6 - 1
