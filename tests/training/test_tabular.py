"""Any data set: what is fitted sees no row it is measured on, copies and leaks are told, and a bundle is what it was."""

import dataclasses

import numpy as np
import orjson
import pytest
from sklearn.metrics import roc_auc_score

from scoring.bundle import BundleError, load_bundle
from training.design import TableDesign
from training.encode.encoders import as_json, encode_seen, fit_encoder, from_json
from training.learner.calibrators import choose_calibrator
from training.learner.settings import EFFORTS, Setting
from training.specification import Column, SpecificationError, parse_specification
from training.splits import fold_of
from training.tabular.bundle import load_table_bundle
from training.tabular.data import by_inference, by_specification
from training.tabular.leakage import alone
from training.tabular.reference import reference_of
from training.tabular.score import score_table
from training.tabular.train import train_table
from training.typed import Categories, Numbers

SMALL = dataclasses.replace(
    EFFORTS[0],
    folds=3,
    repeats=1,
    inner=2,
    parallel_trees=1,
    settings=(Setting("few", {"max_depth": 2, "learning_rate": 0.2}, 40),),
)


@pytest.fixture(scope="module")
def trained(layouts, tmp_path_factory):
    """A bundle of the layout of home equity loans, its file, and its data."""
    make, target = layouts["home_equity"]
    path = tmp_path_factory.mktemp("home") / "loans.csv"
    path.write_text(make(rows=600), "utf-8")
    data = by_inference(path, target, "home")
    return train_table(data, SMALL), path, data


def noise(rows, levels, seed=5):
    rng = np.random.default_rng(seed)
    names = tuple(f"v{at:03d}" for at in range(levels))
    return Categories(names, rng.integers(0, levels, rows)), rng.integers(0, 2, rows)


def test_a_rate_of_many_values_does_not_hold_the_rows_own_label():
    """A town with one applicant would tell that applicant's outcome: rows are encoded by the rates of other rows."""
    column, labels = noise(1_000, 400)
    encoder = fit_encoder("town", Column(kind="category"), column, labels)
    assert roc_auc_score(labels, encoder.encode(column)[:, 0]) > 0.7
    assert abs(roc_auc_score(labels, encode_seen(encoder, column, labels)[:, 0]) - 0.5) < 0.06


@pytest.mark.parametrize("encoding", ["one_hot", "target", "label"])
def test_missing_is_told_apart_from_what_was_never_seen(encoding):
    """Both happen in a file to be scored; an encoder read from JSON encodes as the one that was written."""
    codes = np.array([0] * 30 + [1] * 30 + [-1] * 30)
    labels = np.array([0] * 30 + [1] * 30 + [1, 1, 1, 1, 0] * 6)
    encoder = fit_encoder("x", Column(kind="category", encoding=encoding), Categories(("a", "b"), codes), labels)
    asked = Categories(("a", "b", "new"), np.array([0, 1, 2, -1]))
    rows = encoder.encode(asked)
    told = {tuple(np.nan_to_num(row, nan=-9)) for row in rows}
    assert len(told) == (3 if encoding == "label" else 4)
    again = from_json(orjson.loads(orjson.dumps(as_json(encoder))))
    assert np.array_equal(again.encode(asked), rows, equal_nan=True)


def test_encoders_know_the_rows_seen_alone():
    """What is held out changes no feature of what is seen."""
    column, labels = noise(300, 40)
    specification = parse_specification(
        "{name: x, target: {column: y, positive: ['1'], negative: ['0']}, columns: {town: {kind: category}}}", "x"
    )
    seen, held = np.arange(200), np.arange(200, 300)
    one, _ = TableDesign({"town": column}, specification, labels).fold(seen, held)
    turned = np.concatenate([labels[:200], 1 - labels[200:]])
    other, _ = TableDesign({"town": column}, specification, turned).fold(seen, held)
    assert np.array_equal(one, other)


def test_copies_stay_in_one_fold_and_classes_are_even():
    """A model is never asked about a copy of what it has seen."""
    rng = np.random.default_rng(1)
    labels, groups = (rng.random(2_000) < 0.2).astype(np.int64), rng.integers(0, 700, 2_000)
    fold = fold_of(labels, groups, 5, seed=3)
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))
    shares = np.bincount(fold, weights=labels) / np.bincount(fold)
    assert shares.max() - shares.min() < 0.03


def test_a_calibrator_mends_overconfidence_and_leaves_right_probabilities_alone():
    """Chosen out of fold: no curve where none is needed."""
    rng = np.random.default_rng(2)
    margins = rng.normal(size=3_000)
    labels = (rng.random(3_000) < 1 / (1 + np.exp(-margins))).astype(np.int64)
    assert choose_calibrator(margins, labels).kind == "none"
    mended = choose_calibrator(4 * margins, labels)
    assert np.abs(mended.calibrated(4 * margins) - 1 / (1 + np.exp(-margins))).mean() < 0.03


def test_references_hold_categories_as_categories():
    """Drift of a category is told by its values, not by deciles of codes."""
    found = reference_of(Categories(("car", "house"), np.array([0, 1, 1, -1])))
    assert found == {"levels": ["house", "car"], "counts": [2, 1], "others": 0, "missing": 1}
    assert reference_of(Numbers(np.array([1.0, np.nan])))["missing"] == 1


def test_equal_data_give_equal_bytes(trained):
    """Training twice on the same file writes the same files."""
    assert train_table(trained[2], SMALL).files == trained[0].files


def test_a_bundle_scores_its_file_as_it_was_trained(trained):
    """Loaded again it gives every row a probability, in order, and those tell the classes apart."""
    made, path, data = trained
    p, _ = score_table(load_table_bundle(made.files), path)
    assert len(p) == 600
    assert roc_auc_score(data.labels, p) > 0.7
    assert abs(p.mean() - data.labels.mean()) < 0.03


@pytest.mark.parametrize("name", ["model.ubj", "learned.json", "specification.yaml", "reference.json", "golden.json"])
def test_an_altered_bundle_is_not_loaded(trained, name):
    """Every file that scoring depends on is held by its hash."""
    files = {**trained[0].files, name: trained[0].files[name] + b" "}
    with pytest.raises(BundleError, match=name):
        load_table_bundle(files)


def test_a_bundle_that_computes_otherwise_is_not_loaded(trained):
    """Golden rows give the same bits, or the bundle does not score."""
    from scoring.canonical import sha256

    golden = orjson.loads(trained[0].files["golden.json"])
    golden[0]["p_calibrated"] = (0.5).hex()
    manifest = orjson.loads(trained[0].files["manifest.json"])
    altered = orjson.dumps(golden)
    manifest["files"]["golden.json"] = sha256(altered)
    files = {**trained[0].files, "golden.json": altered, "manifest.json": orjson.dumps(manifest)}
    with pytest.raises(BundleError, match="row 0 gives another probability"):
        load_table_bundle(files)


def test_the_loan_layouts_loader_names_such_a_bundle(trained):
    """It is told what the bundle is, and what it can do."""
    with pytest.raises(BundleError, match=r"of another data set: .* cannot be activated; it scores files"):
        load_bundle(trained[0].files)


def test_a_leak_is_left_out_where_it_is_inferred_and_kept_where_it_is_named(layouts, tmp_path):
    """What is known only after the outcome makes every figure perfect; a person who names the column is told all the same."""
    make, target = layouts["marketplace"]
    (tmp_path / "loans.csv").write_text(make(rows=500))
    inferred = by_inference(tmp_path / "loans.csv", target, "loans")
    assert "recoveries" not in inferred.specification.features
    (told,) = [one for one in inferred.said if one.startswith("recoveries: alone it tells")]
    assert told.endswith("It is left out")
    columns = {**inferred.specification.columns, "recoveries": Column(kind="number")}
    named = by_specification(tmp_path / "loans.csv", inferred.specification.model_copy(update={"columns": columns}))
    assert "recoveries" in named.specification.features
    assert any("kept, as the specification names it" in one for one in named.said)


def test_noise_leaks_nothing():
    """A column of many values is no leak for having many."""
    column, labels = noise(2_000, 900)
    assert alone(column, labels) < 0.6


def test_copies_and_rows_without_an_outcome_are_told(layouts, tmp_path):
    """Nothing is dropped or kept in silence."""
    make, target = layouts["home_equity"]
    lines = make(rows=300).splitlines()
    blank = ";".join(["", *lines[1].split(";")[1:]])
    (tmp_path / "loans.csv").write_text("\n".join([*lines, *lines[1:41], blank]))
    data = by_inference(tmp_path / "loans.csv", target, "loans")
    assert len(data.labels) == 340
    assert any(one.startswith("40 rows are copies of others in every feature") for one in data.said)
    assert any(one.startswith("BAD: 1 rows have no value and are left out") for one in data.said)
    assert any(one.startswith("missing, and kept as such: VALUE") for one in data.said)


def test_too_few_rows_are_refused(layouts, tmp_path):
    """Ten rows teach nothing, and measure nothing."""
    make, target = layouts["german"]
    (tmp_path / "loans.csv").write_text(make(rows=10))
    with pytest.raises(
        SpecificationError, match=r"10 rows with an outcome, .* expected at least 50 rows, and 10 of each"
    ):
        by_inference(tmp_path / "loans.csv", target, "loans")
