"""From data to a bundle: out-of-fold margins, calibrator, final model, golden vectors, manifest and card."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import ROUND_FLOOR, Context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import sklearn

from schemas.problem import Problem
from schemas.public_loans import APPROVED, REJECTED
from scoring.booster import xgboost
from scoring.bundle import (
    FORMAT,
    GOLDEN,
    LOG_ODDS_LIMIT,
    MANIFEST,
    MODEL,
    bundle_id_of,
    golden_vectors,
    load_bundle,
    margin_range,
)
from scoring.canonical import sha256
from scoring.features import FEATURES, Direction, harmful_side
from scoring.trained_features import TrainedFeature
from scoring.trained_range import TrainedRange
from training.calibration import fit_platt, fit_platt_of_repeats, probability
from training.card import LABEL_NOTE, ORIGINS, OWN_LABEL_NOTE, UNSURE, Card, card_markdown, few_rows
from training.data import PUBLIC_SET_SHA256, LoanData, may_be_missing, read_loans, warnings_of
from training.directions import directions
from training.figures import CUT, ESTIMATED_ECE_BINS, estimates, figures
from training.folder import check_folder, write_files
from training.folds import LoanDesign
from training.learning import chosen, grow, learn_by, without_names
from training.out_of_fold import OutOfFold, cross_fitted, out_of_fold
from training.recipes import Recipe, Trees
from training.reference import histogram, histogram_of_probabilities
from training.typical import typical_approved

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

SAFE_LOG_ODDS = LOG_ODDS_LIMIT - 0.1
GOLDEN_ROWS = 16


class NothingLearnedError(Problem):
    """Data of which a model that decides cannot be made."""


@dataclass(frozen=True, slots=True)
class Training:
    """A bundle's files and card, and what a report is made from: the model with its features (n, k) of all rows, and
    `p` (repeats, n), the probabilities out of fold that the card's figures are of.
    """

    files: dict[str, bytes]
    card: Card
    loans: LoanData
    recipe: Recipe
    choice: Trees
    booster: Any
    rows: Matrix
    p: Matrix


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    currency: str = "INR",
    *,
    overwrite: bool = False,
    also: Callable[[Training], Mapping[str, bytes]] = lambda _: {},
) -> Card:
    """Train by a recipe on the CSV at `data`, write the bundle's files into the folder `out`, return its card.

    The same data, recipe and lock give the same bytes. `also` gives further files of the folder. Raises
    `training.data.DataError` for data that cannot be used, `NothingLearnedError` for data that teach nothing,
    `training.folder`'s errors where `out` can become no folder (before anything is trained) or holds another bundle
    (unless it may `overwrite`), and OSError where files cannot be read or written.
    """
    check_folder(out)
    made = train_loans(read_loans(data), recipe, currency)
    write_files({**made.files, **also(made)}, out, overwrite=overwrite)
    return made.card


def make_bundle(loans: LoanData, recipe: Recipe, currency: str) -> tuple[dict[str, bytes], Card]:
    """The files of a bundle and its card, from data in memory. Raises `NothingLearnedError`."""
    made = train_loans(loans, recipe, currency)
    return made.files, made.card


def train_loans(loans: LoanData, recipe: Recipe, currency: str) -> Training:
    """A bundle from data in memory. Raises `NothingLearnedError`."""
    _check_labels(loans, recipe)
    design = LoanDesign(loans, recipe.features)
    found = out_of_fold(design, learn_by(recipe), recipe.folds, recipe.repeats, recipe.seed)
    rows = design.everything()
    choice = chosen(rows, loans.approved, recipe)
    booster = grow(rows, loans.approved, recipe, choice)
    calibrator = _calibrator(found.margins, loans.approved, margin_range(booster))
    model = bytes(booster.save_raw(raw_format="ubj"))
    golden = orjson.dumps(golden_vectors(without_names(booster), _golden_rows(rows)), option=orjson.OPT_INDENT_2)
    files = {MODEL: model, GOLDEN: golden}
    p = _cross_fitted(found, loans.approved, calibrator["shrinkage"])
    manifest = _manifest(loans, recipe, choice, currency, calibrator, rows, p, files)
    card = _card(loans, recipe, manifest, found, p, directions(booster, calibrator, recipe.features, loans.raw))
    files[MANIFEST] = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
    files["card.json"] = orjson.dumps(card.as_json(), option=orjson.OPT_INDENT_2)
    files["card.md"] = card_markdown(card).encode()
    load_bundle(files)
    return Training(files, card, loans, recipe, choice, booster, rows, p)


def _check_labels(loans: LoanData, recipe: Recipe) -> None:
    """Every fold needs both labels, or models are asked for what they have never seen."""
    approved = int(loans.approved.sum())
    rejected = len(loans) - approved
    if min(approved, rejected) < recipe.folds:
        raise NothingLearnedError(
            f"{loans.source} has {approved} {APPROVED} and {rejected} {REJECTED}; "
            f"expected at least {recipe.folds} of each, as the figures come from {recipe.folds} folds"
        )


def _calibrator(margins: Matrix, approved: npt.NDArray[np.int64], reach: tuple[float, float]) -> dict[str, float]:
    """Platt's a and b on out-of-fold margins, and the factor `shrinkage` that both contain, so that no margin in
    `reach` leads beyond the log-odds that points can explain; 1 where nothing had to be shrunk.
    """
    a, b = fit_platt_of_repeats(margins, approved)
    if a <= 0 or reach[0] == reach[1]:
        raise NothingLearnedError(
            "the model learned nothing that holds for rows it has not seen; expected more rows, or columns that "
            "have to do with the label"
        )
    farthest = max(abs(a * margin + b) for margin in reach)
    shrinkage = min(1.0, SAFE_LOG_ODDS / farthest)
    return {"a": _rounded(a * shrinkage), "b": _rounded(b * shrinkage), "shrinkage": _rounded(shrinkage)}


def _rounded(value: float) -> float:
    """Without the digits in which linear algebra differs between processors: equal data give equal bytes."""
    return float(f"{value:.12g}")


def _cross_fitted(found: OutOfFold, approved: npt.NDArray[np.int64], shrinkage: float) -> Matrix:
    """Probabilities of models and calibrators that have not seen the row, (repeats, n); shrunk as the bundle's are."""

    def calibrate(margins: Vector, labels: npt.NDArray[np.int64]) -> Callable[[Vector], Vector]:
        a, b = fit_platt(margins, labels)
        return lambda others: probability(shrinkage * (a * others + b))

    return cross_fitted(found, approved, calibrate)


def _golden_rows(rows: Matrix) -> Matrix:
    """Vectors across the data's range that are nobody's (quantiles of the columns, mixed), and one all missing."""
    levels = np.arange(GOLDEN_ROWS) / (GOLDEN_ROWS - 1)
    mixed = [
        np.full(GOLDEN_ROWS, np.nan) if np.isnan(column).all() else np.nanquantile(column, np.roll(levels, 5 * index))
        for index, column in enumerate(rows.T)
    ]
    return np.vstack([np.column_stack(mixed), np.full((1, rows.shape[1]), np.nan)])


def _manifest(
    loans: LoanData,
    recipe: Recipe,
    choice: Trees,
    currency: str,
    calibrator: dict[str, float],
    rows: Matrix,
    p: Matrix,
    files: dict[str, bytes],
) -> dict[str, Any]:
    params = recipe.booster_params(float(loans.approved.mean()), choice)
    return {
        "format": FORMAT,
        "name": recipe.name,
        "features": [asdict(TrainedFeature.of(name)) for name in recipe.features],
        "may_be_missing": [
            n
            for n, column in zip(recipe.features, rows.T, strict=True)
            if may_be_missing(int(np.isnan(column).sum()), len(column))
        ],
        "currency": currency,
        "label": "approved",
        "files": {name: sha256(content) for name, content in files.items()},
        "calibrator": {"kind": "platt", **calibrator},
        "ranges": {
            name: asdict(_range(column, harmful_side(name, direction), exact=FEATURES[name].values.step is not None))
            for name, column, direction in zip(recipe.features, rows.T, recipe.directions, strict=True)
            if not np.isnan(column).all()
        },
        "reference": {name: histogram(column) for name, column in zip(recipe.features, rows.T, strict=True)},
        "reference_of_p_calibrated": histogram_of_probabilities(p),
        "trainer": {
            "recipe": recipe.name,
            "trees": choice.trees,
            "params": {name: list(v) if isinstance(v, tuple) else v for name, v in sorted(params.items())},
            "folds": recipe.folds,
            "repeats": recipe.repeats,
            "choices": len(recipe.choices),
            "inner_folds": recipe.inner_folds,
        },
        "typical_approved": typical_approved(recipe.features, rows, loans.approved),
        "data": {"source": loans.source, "sha256": loans.sha256, "rows": len(loans)},
        "libraries": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "xgboost": xgboost.__version__,
        },
    }


def _range(column: npt.NDArray[np.float64], direction: Direction, *, exact: bool) -> TrainedRange:
    """The least and the greatest value. What is computed is rounded outwards to 6 digits: nobody in the data is beyond
    it by the last digit of a float.
    """
    low, high = float(np.nanmin(column)), float(np.nanmax(column))
    return TrainedRange(low, high, direction) if exact else TrainedRange(_down(low), -_down(-high), direction)


def _down(value: float) -> float:
    return float(Context(prec=6, rounding=ROUND_FLOOR).create_decimal(repr(value)))


def _card(
    loans: LoanData,
    recipe: Recipe,
    manifest: dict[str, Any],
    out: OutOfFold,
    p: Matrix,
    found: dict[str, Any],
) -> Card:
    labels = loans.approved
    public = loans.sha256 == PUBLIC_SET_SHA256
    metrics = estimates(p, labels)
    per_repeat = [figures(repeat, labels) for repeat in p]
    raw = estimates(probability(out.margins), labels, replicates=1)
    return Card(
        name=recipe.name,
        bundle_id=bundle_id_of(manifest),
        rows=len(loans),
        positives=int(labels.sum()),
        data_source=loans.source,
        data_sha256=loans.sha256,
        data_origin=ORIGINS[public],
        currency=manifest["currency"],
        features={name: FEATURES[name].unit for name in recipe.features},
        trainer=manifest["trainer"],
        calibrator={name: manifest["calibrator"][name] for name in ("a", "b", "shrinkage")},
        metrics=metrics,
        figures_sd={
            name: float(np.std([one[name] for one in per_repeat]))
            for name in metrics
            if name in per_repeat[0] and name != "ece"
        },
        uncalibrated={name: raw[name].value for name in ("log_loss", "brier", "ece")},
        confusion=_confusion(p, labels),
        unsure=_unsure(p),
        unheld=_accuracy_without_directions(loans, recipe) if recipe.monotone else None,
        directions=found,
        notes=[note.text for note in recipe.notes if public or not note.of_public_set],
        ece_bins=ESTIMATED_ECE_BINS,
        label_note=LABEL_NOTE if public else OWN_LABEL_NOTE,
        warnings=[*few_rows(len(loans), int(labels.sum())), *warnings_of(loans)],
    )


def _confusion(p: Matrix, labels: npt.NDArray[np.int64]) -> dict[str, float]:
    """Rows by what they are called at `CUT` and what they are, means over the repeats."""
    called = p > CUT
    cells = {
        "true_positive": called & (labels == 1),
        "false_positive": called & (labels == 0),
        "false_negative": ~called & (labels == 1),
        "true_negative": ~called & (labels == 0),
    }
    return {name: float(cell.sum() / len(p)) for name, cell in cells.items()}


def _unsure(p: Matrix) -> dict[str, float]:
    low, high = UNSURE
    return {"low": low, "high": high, "rows": float(((p > low) & (p < high)).sum() / len(p))}


def _accuracy_without_directions(loans: LoanData, recipe: Recipe) -> float:
    """Of the same settings on the same folds."""
    free = dataclasses.replace(recipe, monotone=False)
    found = out_of_fold(LoanDesign(loans, free.features), learn_by(free), free.folds, free.repeats, free.seed)
    p = _cross_fitted(found, loans.approved, 1.0)
    return float(((p > CUT) == (loans.approved == 1)).mean())
