"""Training: equal data give equal bytes, and the card says what was measured."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import orjson
import pytest

from scoring.bundle import load_bundle
from scoring.features import FEATURES, POSITION, compute
from scoring.shipped import BUNDLES, shipped_bundle_files
from scoring.trained_features import TrainedFeature
from training.calibration import fit_platt, probability
from training.card import LABEL_NOTE, OWN_LABEL_NOTE, card_from_json, card_markdown, few_rows, keeps_directions
from training.data import PUBLIC_SET_SHA256, DataError, parse_loans, read_loans
from training.directions import directions
from training.figures import expected_calibration_error, figures
from training.folder import NoFolderError
from training.recipes import RECIPES, Trees
from training.ship import FOLDER, SUMS, sums
from training.train import NothingLearnedError, make_bundle, train

PUBLIC = Path(os.environ.get("LOANSTREAM_DATA", Path(__file__).parents[3] / "shared" / "data")) / (
    "loan_approval_dataset.csv"
)

SMALL = {
    name: dataclasses.replace(
        recipe,
        choices=tuple(Trees(min(choice.trees, 30), choice.params) for choice in recipe.choices),
        repeats=1,
        folds=3,
    )
    for name, recipe in RECIPES.items()
}


@pytest.fixture(scope="module")
def csv(sample_csv):
    return sample_csv(400, seed=7)


@pytest.mark.parametrize("name", SMALL)
def test_equal_data_give_equal_bytes(tmp_path, csv, name):
    """Training twice on the same file writes the same files, and the bundle loads."""
    data = tmp_path / "loans.csv"
    data.write_bytes(csv)
    cards = [train(data, tmp_path / folder, SMALL[name]) for folder in ("one", "two")]
    one, two = ({f.name: f.read_bytes() for f in (tmp_path / folder).iterdir()} for folder in ("one", "two"))
    assert one == two
    assert cards[0] == cards[1]
    assert load_bundle(one).bundle_id == cards[0].bundle_id
    assert card_from_json(orjson.loads(one["card.json"])) == cards[0]


def test_a_recipe_holds_its_model_to_the_tables_directions(csv):
    """The default model never falls with a feature whose direction is up."""
    loans = parse_loans(csv, "sample")
    # With every sixth label turned round there is noise to learn, and a free model would learn it.
    noisy = dataclasses.replace(loans, approved=np.where(np.arange(len(loans)) % 6, loans.approved, 1 - loans.approved))
    files, _ = make_bundle(noisy, SMALL["default"], "INR")
    bundle = load_bundle(files)
    rows = compute(loans.raw)[:, [POSITION[name] for name in bundle.features]]
    for index, name in enumerate(bundle.features):
        if FEATURES[name].direction == 1:
            raised = rows.copy()
            raised[:, index] *= 1.3
            assert (bundle.raw(raised).margin >= bundle.raw(rows).margin).all(), name


def test_missing_values_stay_missing(csv):
    """A feature that was missing in training may be missing later; one that never was may not."""
    lines = csv.decode().splitlines()
    cells = lines[1].split(",")
    cells[lines[0].split(",").index(" cibil_score")] = " "
    loans = parse_loans("\n".join([lines[0], ",".join(cells), *lines[2:]]).encode(), "sample")
    assert np.isnan(loans.raw["cibil_score"][0])
    files, _ = make_bundle(loans, SMALL["default"], "INR")
    assert load_bundle(files).may_be_missing == {"cibil_score"}


def test_golden_vectors_are_nobodys(csv):
    """A bundle travels; no vector in it is a row of the training data."""
    loans = parse_loans(csv, "sample")
    files, _ = make_bundle(loans, SMALL["default"], "INR")
    names = load_bundle(files).features
    people = {tuple(row) for row in compute(loans.raw)[:, [POSITION[name] for name in names]].tolist()}
    vectors = [
        tuple(float.fromhex(cell) for cell in vector["features"]) for vector in orjson.loads(files["golden.json"])
    ]
    assert len(vectors) == 17
    assert not people & set(vectors)


def test_a_manifest_says_what_each_feature_was(csv):
    """A new bundle is held to its own features' names, units and formulas; it names no table that it does not use."""
    files, _ = make_bundle(parse_loans(csv, "sample"), SMALL["default"], "INR")
    manifest = orjson.loads(files["manifest.json"])
    assert manifest["format"] == 2
    assert manifest["features"] == [dataclasses.asdict(TrainedFeature.of(name)) for name in SMALL["default"].features]
    assert set(manifest) == set(orjson.loads(shipped_bundle_files("default")["manifest.json"]))


@pytest.mark.parametrize(("approved", "rejected"), [(20, 0), (0, 20), (20, 2), (2, 20), (2, 2), (1, 0)])
@pytest.mark.parametrize("name", SMALL)
def test_a_label_of_too_few_rows_is_told_before_training(csv, name, approved, rejected):
    """Every fold needs both labels: one line says how many rows of each there are, and how many there must be."""
    loans = parse_loans(csv, "loans.csv")
    of = {label: np.flatnonzero(loans.approved == label) for label in (0, 1)}
    few = _some(loans, [*of[1][:approved], *of[0][:rejected]])
    with pytest.raises(NothingLearnedError) as refused:
        make_bundle(few, SMALL[name], "INR")
    said = f"loans.csv has {approved} Approved and {rejected} Rejected; expected at least 3 of each"
    assert str(refused.value) == f"{said}, as the figures come from 3 folds"


@pytest.mark.parametrize("name", SMALL)
def test_labels_that_nothing_explains_make_no_bundle(csv, name):
    """Equal applicants with both labels teach nothing: one line says what is missing, whatever the recipe."""
    loans = parse_loans(csv, "loans.csv")
    equal = _some(loans, [0] * 40)
    with pytest.raises(NothingLearnedError, match="expected more rows, or columns that have to do with the label"):
        make_bundle(dataclasses.replace(equal, approved=np.arange(40) % 2), SMALL[name], "INR")


@pytest.mark.filterwarnings("error")
def test_a_column_without_a_value_is_no_obstacle(csv):
    """Where nobody has a CIBIL score, no step can lower one, and the model decides by the rest."""
    loans = parse_loans(csv, "loans.csv")
    blank = dataclasses.replace(loans, raw={**loans.raw, "cibil_score": np.full(len(loans), np.nan)})
    files, card = make_bundle(blank, SMALL["default"], "INR")
    assert card.directions["has a lower CIBIL score"] == {"steps": 0, "raised": 0, "most": 0.0}
    assert "cibil_score" not in load_bundle(files).ranges


def _some(loans, rows):
    raw = {name: column[rows] for name, column in loans.raw.items()}
    return dataclasses.replace(loans, raw=raw, approved=loans.approved[rows])


@pytest.mark.parametrize("below", ["", "bundle", "a/b"])
def test_a_file_in_the_bundles_place_is_told_before_training(tmp_path, csv, below):
    """Nobody waits for a training that has nowhere to go: not even the data are read."""
    (tmp_path / "taken").touch()
    with pytest.raises(NoFolderError, match="taken is a file; expected a folder"):
        train(tmp_path / "absent.csv", tmp_path / "taken" / below, SMALL["default"])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no rows"),
        (b"loan_id, education\n1, Graduate\n", "header lacks"),
        ("größe\n1\n".encode("latin-1"), "UTF-8"),
        (b"loan_id\n" + b"x" * 200_000, "no CSV"),
    ],
)
def test_data_of_another_layout_is_refused(data, says):
    """A file that is not of the layout is refused with what it lacks."""
    with pytest.raises(DataError, match=says):
        parse_loans(data, "sample")


def test_line_ends_do_not_matter_to_training(csv):
    """Those of Windows and of old Macs give the same data as LF."""
    plain = parse_loans(csv.replace(b"\r\n", b"\n"), "sample")
    for ends in (b"\r\n", b"\r"):
        other = parse_loans(csv.replace(b"\r\n", b"\n").replace(b"\n", ends), "sample")
        assert (other.approved == plain.approved).all()
        assert all(np.array_equal(other.raw[name], column, equal_nan=True) for name, column in plain.raw.items())


def test_a_bad_cell_is_named_by_line_and_column_not_by_value(csv):
    """An error names where the bad value stands and never the value."""
    lines = csv.decode().splitlines()
    lines[3] = lines[3].replace(" Graduate", " Canary").replace(" Not Canary", " Canary")
    with pytest.raises(DataError, match="line 4: education") as refused:
        parse_loans("\n".join(lines).encode(), "sample")
    assert "Canary" not in str(refused.value)


def test_platt_finds_the_calibration_that_was_planted():
    """Margins that are twice too sure, and shifted, are brought back."""
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 1.5, 40_000)
    approved = (rng.random(len(truth)) < probability(truth)).astype(np.int64)
    a, b = fit_platt(2 * truth + 1, approved)
    assert (a, b) == (pytest.approx(0.5, abs=0.02), pytest.approx(-0.5, abs=0.03))


def test_platt_stays_finite_where_classes_do_not_overlap():
    """A perfect separation gives a finite calibrator."""
    margins = np.array([-3.0, -2.0, 2.0, 3.0])
    a, b = fit_platt(margins, np.array([0, 0, 1, 1]))
    assert 0 < a < 10
    assert abs(b) < 1e-6


def test_figures_of_a_known_case():
    """Figures of four applicants, worked out by hand."""
    p, approved = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])
    found = figures(p, approved)
    assert found["auc"] == found["ks"] + 0.25 == 0.75
    assert found["gini"] == 0.5
    assert found["accuracy"] == 0.75
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)
    assert expected_calibration_error(np.array([0.5, 0.5]), np.array([0, 1])) == 0


@pytest.mark.parametrize("name", BUNDLES)
def test_shipped_bundles_are_of_the_public_set_and_say_so(name):
    """A shipped card names data, figures and the label's perverse clause, and belongs to its bundle."""
    files = shipped_bundle_files(name)
    card, bundle = orjson.loads(files["card.json"]), load_bundle(files)
    assert card["bundle_id"] == bundle.bundle_id
    assert card["rows"] == 4269
    assert card["data_sha256"].startswith("4b5cd093")
    assert card["data_origin"] == "synthetic"
    assert card["metrics"]["accuracy"]["value"] > {"default": 0.95, "as-labelled": 0.998, "paper": 0.98}[name]
    assert LABEL_NOTE in files["card.md"].decode()


def test_a_manifest_states_the_range_of_each_feature(csv):
    """Nobody in the training data is beyond it, and it is as narrow as the data to six digits."""
    loans = parse_loans(csv, "sample")
    for name, held in (("default", True), ("paper", False)):
        files, _ = make_bundle(loans, SMALL[name], "INR")
        ranges = load_bundle(files).ranges
        assert set(ranges) == set(SMALL[name].features)
        for feature, seen in ranges.items():
            column = compute(loans.raw)[:, POSITION[feature]]
            assert seen.low <= column.min()
            assert seen.high >= column.max()
            assert (seen.low, seen.high) == pytest.approx((column.min(), column.max()), rel=1e-5)
            assert seen.direction == (FEATURES[feature].direction if held else 0)


def test_a_card_says_whether_the_directions_hold(csv):
    """On a grid of applicants: a model that is held to them gains nothing by any step, a free one does, and both cards say
    which it is.
    """
    loans = parse_loans(csv, "sample")
    held, free = (make_bundle(loans, SMALL[name], "INR") for name in ("default", "paper"))
    for (files, card), kept in ((held, True), (free, False)):
        assert keeps_directions(card) is kept
        assert all(move["steps"] > 1000 for move in card.directions.values())
        assert ("No step raises it" in files["card.md"].decode()) is kept
        assert ("does not keep the directions" in files["card.md"].decode()) is not kept


@pytest.mark.parametrize("name", BUNDLES)
def test_a_shipped_card_tells_what_the_shipped_model_does(name, sample_csv):
    """Counted again, on other applicants, it comes to the same answer."""
    files = shipped_bundle_files(name)
    bundle, card = load_bundle(files), card_from_json(orjson.loads(files["card.json"]))
    raw = parse_loans(sample_csv(400, seed=3), "sample").raw
    found = directions(bundle.booster, {"a": bundle.a, "b": bundle.b}, bundle.features, raw)
    assert keeps_directions(card) is (not any(move["raised"] for move in found.values())) is (name == "default")
    assert card_markdown(card) == files["card.md"].decode()


@pytest.mark.parametrize("name", SMALL)
def test_a_card_says_of_other_data_nothing_that_was_found_on_the_public_set(csv, name):
    """Neither the label's rule nor what a recipe's author saw: only the file it was counted on, by its hash, has it."""
    loans = parse_loans(csv, "sample")
    public = dataclasses.replace(loans, sha256=PUBLIC_SET_SHA256)
    (files, other), (_, of_public) = (make_bundle(one, SMALL[name], "INR") for one in (loans, public))
    assert (other.label_note, of_public.label_note) == (OWN_LABEL_NOTE, LABEL_NOTE)
    found = {note.text for note in SMALL[name].notes if note.of_public_set}
    assert found
    assert set(of_public.notes) - set(other.notes) == found
    said = files["card.md"].decode()
    assert not [word for word in ("4,269", "synthetic", "perverse", "62 to 38", *found) if word in said]


@pytest.mark.parametrize(
    ("rows", "approved", "rarer"),
    [
        (400, 250, "150 are Rejected"),
        (999, 499, "499 are Approved"),
        (5_000, 99, "99 are Approved"),
        (1_000, 500, None),
    ],
)
def test_a_card_warns_where_rows_are_few(rows, approved, rarer):
    """Of a few hundred rows, or of a label that hardly anybody has, figures are rough, and the card says so."""
    assert [rarer in warning for warning in few_rows(rows, approved)] == [True] * (rarer is not None)


def test_a_warning_stands_above_the_figures(csv):
    """For people and for programs; where there is none, the card has no place for it."""
    files, card = make_bundle(parse_loans(csv, "sample"), SMALL["default"], "INR")
    said, (warning,) = files["card.md"].decode(), card.warnings
    assert said.index(warning) < said.index("## Figures")
    assert orjson.loads(files["card.json"])["warnings"] == [warning]
    without = dataclasses.replace(card, warnings=[])
    assert warning not in card_markdown(without)
    assert "warnings" not in without.as_json()


def test_nobody_has_edited_a_shipped_bundle_or_its_card():
    """No manifest has the cards: the sums that were written with them hold them, and every other file."""
    assert (FOLDER / SUMS).read_text() == sums(FOLDER)


@pytest.mark.parametrize("name", ["default"])
def test_the_default_bundle_is_what_its_recipe_makes_of_the_public_set(name):
    """Whoever doubts a figure trains again: the same data and recipe give every file of the bundle byte for byte."""
    shipped = shipped_bundle_files(name)
    assert orjson.loads(shipped["card.json"])["data_sha256"] == PUBLIC_SET_SHA256
    if PUBLIC.is_file():  # the run's last line says whether
        assert make_bundle(read_loans(PUBLIC), RECIPES[name], "INR")[0] == shipped
