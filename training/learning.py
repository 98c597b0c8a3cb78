"""Boosted trees by a recipe, and the choice among several settings within the rows that may be seen."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from scoring.booster import xgboost
from training.folds import Labels, Matrix
from training.out_of_fold import Learn, Vector
from training.recipes import Recipe, Trees


def grow(rows: Matrix, labels: Labels, recipe: Recipe, choice: Trees) -> Any:
    """A booster that knows the recipe's features by name."""
    data = xgboost.DMatrix(rows, label=labels, nthread=1, feature_names=list(recipe.features))
    return xgboost.train(recipe.booster_params(float(labels.mean()), choice), data, num_boost_round=choice.trees)


def without_names(booster: Any) -> Any:
    """The booster, for plain matrices."""
    booster.feature_names = None
    booster.feature_types = None
    return booster


def learn_by(recipe: Recipe) -> Learn:
    """What a recipe learns of the rows seen, its choice included."""

    def learn(rows: Matrix, labels: Labels, others: Matrix) -> Vector:
        return _margins(recipe, chosen(rows, labels, recipe), rows, labels, others)

    return learn


def learn_by_choice(recipe: Recipe, choice: Trees) -> Learn:
    """What a recipe learns of the rows seen with a choice that was made before."""
    return partial(_margins, recipe, choice)


def chosen(rows: Matrix, labels: Labels, recipe: Recipe) -> Trees:
    """The choice of a recipe with the least log loss over folds of these rows."""
    if len(recipe.choices) == 1:
        return recipe.choices[0]
    learns = [partial(_margins, recipe, choice) for choice in recipe.choices]
    return recipe.choices[choose(rows, labels, learns, recipe.inner_folds, recipe.seed)]


def choose(rows: Matrix, labels: Labels, learns: Sequence[Learn], folds: int, seed: int) -> int:
    """Which of `learns` has the least log loss out of fold; of equal ones the first."""
    split = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, labels))
    losses = [
        sum(
            log_loss_of(learn(rows[seen], labels[seen], rows[held_out]), labels[held_out]) * len(held_out)
            for seen, held_out in split
        )
        for learn in learns
    ]
    return int(np.argmin(np.round(losses, 9)))


def log_loss_of(margins: Vector, labels: Labels) -> float:
    """The mean log loss of log-odds."""
    return float((np.logaddexp(0.0, margins) - labels * margins).mean())


def _margins(recipe: Recipe, choice: Trees, rows: Matrix, labels: Labels, others: Matrix) -> Vector:
    booster = without_names(grow(rows, labels, recipe, choice))
    margins: Vector = booster.predict(xgboost.DMatrix(others, nthread=1), output_margin=True).astype(np.float64)
    return margins
