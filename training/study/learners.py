"""Ways of learning, each from plain matrices to log-odds: one thread, one seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from scoring.booster import xgboost
from training.calibration import fit_platt
from training.folds import Labels, Matrix
from training.out_of_fold import Learn, Vector
from training.recipes import Trees

LEAST = 1e-15
"""A forest's share of votes may be 0 or 1; its log-odds are cut off here."""


def log_odds(p: Vector) -> Vector:
    """The log-odds of probabilities, finite."""
    clipped = np.clip(p, LEAST, 1 - LEAST)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), np.float64)


def logistic_regression(seed: int) -> Learn:
    """On scaled columns; missing values are the median and a column that says so."""

    def learn(rows: Matrix, labels: Labels, others: Matrix) -> Vector:
        model = _scaled(LogisticRegression(max_iter=2_000, random_state=seed)).fit(rows, labels)
        return np.asarray(model.decision_function(others), np.float64)

    return learn


def random_forest(seed: int, trees: int = 300) -> Learn:
    """The share of the trees' votes."""

    def learn(rows: Matrix, labels: Labels, others: Matrix) -> Vector:
        forest = RandomForestClassifier(n_estimators=trees, random_state=seed, n_jobs=1)
        model = make_pipeline(_imputed(), forest).fit(rows, labels)
        return log_odds(model.predict_proba(others)[:, 1])

    return learn


def support_vectors(seed: int) -> Learn:
    """An RBF kernel on scaled columns. Its distances become log-odds by Platt's map, fitted inside the rows seen."""

    def learn(rows: Matrix, labels: Labels, others: Matrix) -> Vector:
        distances = np.empty(len(labels))
        for seen, held_out in StratifiedKFold(3, shuffle=True, random_state=seed).split(rows, labels):
            distances[held_out] = _distances(rows[seen], labels[seen], rows[held_out], seed)
        a, b = fit_platt(distances, labels)
        return a * _distances(rows, labels, others, seed) + b

    return learn


def boosted(grown: Trees, seed: int, *, balance: bool = False, constraints: Sequence[int] = ()) -> Learn:
    """XGBoost; `balance` weights positives by negatives / positives, `constraints` hold each column to a direction."""

    def learn(rows: Matrix, labels: Labels, others: Matrix) -> Vector:
        params = {"objective": "binary:logistic", "nthread": 1, "seed": seed, "verbosity": 0, **grown.params}
        if balance:
            params["scale_pos_weight"] = float((labels == 0).sum() / (labels == 1).sum())
        if constraints:
            params["monotone_constraints"] = tuple(constraints)
        booster = xgboost.train(params, xgboost.DMatrix(rows, label=labels, nthread=1), num_boost_round=grown.trees)
        found = booster.predict(xgboost.DMatrix(others, nthread=1), output_margin=True)
        return np.asarray(found, np.float64)

    return learn


def _imputed() -> Any:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _scaled(model: Any) -> Any:
    return make_pipeline(_imputed(), StandardScaler(), model)


def _distances(rows: Matrix, labels: Labels, others: Matrix, seed: int) -> Vector:
    model = _scaled(SVC(kernel="rbf", random_state=seed)).fit(rows, labels)
    return np.asarray(model.decision_function(others), np.float64)
