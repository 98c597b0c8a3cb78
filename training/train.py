"""From data to a bundle: out-of-fold margins, calibrator, final model, golden vectors, manifest and card."""

import os
from dataclasses import asdict
from decimal import ROUND_FLOOR, Context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import sklearn
from sklearn.model_selection import RepeatedStratifiedKFold

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
    margins_and_contributions,
)
from scoring.canonical import sha256
from scoring.features import FEATURES, POSITION, Direction, compute, harmful_side
from scoring.trained_features import TrainedFeature
from scoring.trained_range import TrainedRange
from training.calibration import fit_platt, probability
from training.card import LABEL_NOTE, OWN_LABEL_NOTE, Card, card_markdown, few_rows
from training.data import PUBLIC_SET_SHA256, LoanData, read_loans
from training.directions import directions
from training.figures import ECE_BINS, figures
from training.recipes import Recipe

Matrix = npt.NDArray[np.float64]

SAFE_LOG_ODDS = LOG_ODDS_LIMIT - 0.1
GOLDEN_ROWS = 16
HISTOGRAM_BINS = 10


class AnotherBundleError(Problem):
    """The folder holds another bundle, which stays as it is."""


class NoFolderError(Problem):
    """A bundle cannot be written there."""


class NothingLearnedError(Problem):
    """Data of which a model that decides cannot be made."""


def train(data: Path, out: Path, recipe: Recipe, currency: str = "INR", *, overwrite: bool = False) -> Card:
    """Train by a recipe on the CSV at `data`, write the bundle's files into the folder `out`, return its card.

    The same data, recipe and lock give the same bytes. Raises `training.data.DataError` for data that cannot be used,
    `NothingLearnedError` for data that teach nothing, `NoFolderError` (before anything is trained) where `out` is and
    can become no folder, `AnotherBundleError` where it holds another bundle (unless it may `overwrite`), and OSError
    where files cannot be read or written.
    """
    _check_folder(out)
    files, card = make_bundle(read_loans(data), recipe, currency)
    differing = [
        name for name, content in files.items() if (out / name).exists() and (out / name).read_bytes() != content
    ]
    if differing and not overwrite:
        raise AnotherBundleError(f"{out} holds another bundle ({', '.join(differing)} differ); nothing was written")
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    return card


def make_bundle(loans: LoanData, recipe: Recipe, currency: str) -> tuple[dict[str, bytes], Card]:
    """The files of a bundle and its card, from data in memory. Raises `NothingLearnedError`."""
    _check_labels(loans, recipe)
    rows = compute(loans.raw)[:, [POSITION[name] for name in recipe.features]]
    params = recipe.booster_params(float(loans.approved.mean()))
    margins = _out_of_fold(rows, loans.approved, recipe, params)
    booster = _fit(rows, loans.approved, recipe, params)
    calibrator = _calibrator(margins, loans.approved, margin_range(booster))
    model = bytes(booster.save_raw(raw_format="ubj"))
    golden = orjson.dumps(golden_vectors(_plain(booster), _golden_rows(rows)), option=orjson.OPT_INDENT_2)
    files = {MODEL: model, GOLDEN: golden}
    manifest = _manifest(loans, recipe, params, currency, calibrator, rows, files)
    card = _card(loans, recipe, manifest, margins, directions(booster, calibrator, recipe.features, loans.raw))
    files[MANIFEST] = orjson.dumps(manifest, option=orjson.OPT_INDENT_2)
    files["card.json"] = orjson.dumps(card.as_json(), option=orjson.OPT_INDENT_2)
    files["card.md"] = card_markdown(card).encode()
    load_bundle(files)
    return files, card


def _check_folder(out: Path) -> None:
    """Before a training of minutes ends in a file that stands where the folder would be."""
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NoFolderError(f"{there} is a file; expected a folder for the bundle, or a name that is free")
    if not os.access(there, os.W_OK | os.X_OK):
        raise NoFolderError(f"{there} cannot be written; expected a folder for the bundle that can")


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
    a, b = fit_platt(margins.ravel(), np.tile(approved, len(margins)))
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


def _fit(rows: Matrix, approved: npt.NDArray[np.int64], recipe: Recipe, params: dict[str, Any]) -> Any:
    data = xgboost.DMatrix(rows, label=approved, nthread=1, feature_names=list(recipe.features))
    return xgboost.train(params, data, num_boost_round=recipe.trees)


def _plain(booster: Any) -> Any:
    booster.feature_names = None
    booster.feature_types = None
    return booster


def _out_of_fold(rows: Matrix, approved: npt.NDArray[np.int64], recipe: Recipe, params: dict[str, Any]) -> Matrix:
    """Margins of models that have not seen the row, (repeats, n)."""
    folds = RepeatedStratifiedKFold(n_splits=recipe.folds, n_repeats=recipe.repeats, random_state=recipe.seed)
    margins = np.empty((recipe.repeats, len(approved)))
    for index, (seen, held_out) in enumerate(folds.split(rows, approved)):
        booster = _plain(_fit(rows[seen], approved[seen], recipe, params))
        margins[index // recipe.folds, held_out] = margins_and_contributions(booster, rows[held_out]).margin
    return margins


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
    params: dict[str, Any],
    currency: str,
    calibrator: dict[str, float],
    rows: Matrix,
    files: dict[str, bytes],
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": recipe.name,
        "features": [asdict(TrainedFeature.of(name)) for name in recipe.features],
        "may_be_missing": [n for n, column in zip(recipe.features, rows.T, strict=True) if np.isnan(column).any()],
        "currency": currency,
        "label": "approved",
        "files": {name: sha256(content) for name, content in files.items()},
        "calibrator": {"kind": "platt", **calibrator},
        "ranges": {
            name: asdict(_range(column, harmful_side(name, direction), exact=FEATURES[name].values.step is not None))
            for name, column, direction in zip(recipe.features, rows.T, recipe.directions, strict=True)
            if not np.isnan(column).all()
        },
        "reference": {name: _histogram(column) for name, column in zip(recipe.features, rows.T, strict=True)},
        "trainer": {
            "recipe": recipe.name,
            "trees": recipe.trees,
            "params": {name: list(v) if isinstance(v, tuple) else v for name, v in sorted(params.items())},
            "folds": recipe.folds,
            "repeats": recipe.repeats,
        },
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


def _histogram(column: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Decile edges and counts of the training data, the reference for drift; missing values counted apart."""
    known = column[~np.isnan(column)]
    if not len(known):
        return {"edges": [], "counts": [], "missing": len(column)}
    edges = np.unique(np.quantile(known, np.linspace(0, 1, HISTOGRAM_BINS + 1)))
    counts = np.bincount(np.searchsorted(edges[1:-1], known, side="right"), minlength=max(len(edges) - 1, 1))
    return {"edges": edges.tolist(), "counts": counts.tolist(), "missing": len(column) - len(known)}


def _card(
    loans: LoanData,
    recipe: Recipe,
    manifest: dict[str, Any],
    margins: Matrix,
    found: dict[str, Any],
) -> Card:
    a, b = manifest["calibrator"]["a"], manifest["calibrator"]["b"]
    public = loans.sha256 == PUBLIC_SET_SHA256
    per_repeat = [figures(probability(a * repeat + b), loans.approved) for repeat in margins]
    return Card(
        name=recipe.name,
        bundle_id=bundle_id_of(manifest),
        rows=len(loans),
        approved_share=float(loans.approved.mean()),
        data_source=loans.source,
        data_sha256=loans.sha256,
        currency=manifest["currency"],
        features={name: FEATURES[name].unit for name in recipe.features},
        trainer=manifest["trainer"],
        calibrator={name: manifest["calibrator"][name] for name in ("a", "b", "shrinkage")},
        figures={name: float(np.mean([one[name] for one in per_repeat])) for name in per_repeat[0]},
        figures_sd={name: float(np.std([one[name] for one in per_repeat])) for name in per_repeat[0]},
        uncalibrated={
            name: float(np.mean([figures(probability(repeat), loans.approved)[name] for repeat in margins]))
            for name in ("log_loss", "brier", "ece")
        },
        directions=found,
        notes=[note.text for note in recipe.notes if public or not note.of_public_set],
        ece_bins=ECE_BINS,
        label_note=LABEL_NOTE if public else OWN_LABEL_NOTE,
        warnings=few_rows(len(loans), int(loans.approved.sum())),
    )
