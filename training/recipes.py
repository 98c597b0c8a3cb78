"""Recipes: which features and which trees, one row each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scoring.features import FEATURES, Direction

RAW_FEATURES: tuple[str, ...] = (
    "dependents",
    "education",
    "self_employed",
    "annual_income",
    "loan_amount",
    "loan_term",
    "cibil_score",
    "residential_assets",
    "commercial_assets",
    "luxury_assets",
    "bank_assets",
)
"""The public set's eleven columns."""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence of the card. One that was found on the public set is said of no other data."""

    text: str
    of_public_set: bool = False


@dataclass(frozen=True, slots=True)
class Trees:
    """How many trees, grown how: XGBoost's parameters beside those that every model of ours has."""

    trees: int
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained.

    `choices`: one of them is taken, by the log loss within the rows that may be seen (`inner_folds`), so that figures
    out of fold are of the choosing, too; of a single one nothing is chosen. `monotone`: hold each feature to the
    direction the table gives it, and those of `also_held` to theirs. `balance`: weight approvals by rejections /
    approvals. `notes` go into the card.
    """

    name: str
    features: tuple[str, ...]
    choices: tuple[Trees, ...]
    monotone: bool
    balance: bool
    also_held: Mapping[str, Direction] = field(default_factory=dict)
    folds: int = 5
    repeats: int = 3
    inner_folds: int = 3
    seed: int = 20260101
    notes: tuple[Note, ...] = field(default=())

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The side of each feature on which a value can do no harm; 0: neither."""
        return tuple(FEATURES[name].direction if self.monotone else 0 for name in self.features)

    @property
    def constraints(self) -> tuple[Direction, ...]:
        """What training holds each feature to."""
        also = self.also_held if self.monotone else {}
        return tuple(also.get(name, way) for name, way in zip(self.features, self.directions, strict=True))

    def booster_params(self, approved_share: float, choice: Trees) -> dict[str, Any]:
        """XGBoost's parameters; one thread, so that equal data give equal bytes."""
        params = {"objective": "binary:logistic", "nthread": 1, "seed": self.seed, "verbosity": 0, **choice.params}
        if self.monotone:
            params["monotone_constraints"] = self.constraints
        if self.balance:
            params["scale_pos_weight"] = (1 - approved_share) / approved_share
        return params


_LIGHT = {"min_child_weight": 0.1, "reg_lambda": 0.1}

_LTI_AND_ACR = Note("LTI and ACR, which the paper computes for its penalties alone, are features here.")

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "default",
            (*RAW_FEATURES, "lti", "acr"),
            (Trees(24, {"max_depth": 3, "learning_rate": 0.5, "tree_method": "exact", "gamma": 5}),),
            monotone=True,
            also_held={"loan_term": 1},
            balance=False,
            notes=(
                _LTI_AND_ACR,
                Note(
                    "Monotone: asking for more, earning less, a lower CIBIL score or fewer assets never raise "
                    "the score."
                ),
                Note(
                    "Nor does a shorter term, which makes the instalment larger. The range of terms counts on both "
                    "sides all the same."
                ),
                Note(
                    "It cannot learn the label's perverse clause: to it these approvals are noise, which costs "
                    "accuracy.",
                    of_public_set=True,
                ),
                Note(
                    "A split has to earn its keep (gamma), or trees would fit that noise with education and "
                    "dependents.",
                    of_public_set=True,
                ),
                Note("Exact split candidates: histograms blur the label's thresholds.", of_public_set=True),
                Note("Few small trees on purpose: every decision computes the exact contribution of every feature."),
            ),
        ),
        Recipe(
            "as-labelled",
            (*RAW_FEATURES, "lti", "acr"),
            (
                Trees(150, {"max_depth": 4, "learning_rate": 0.1, "tree_method": "hist"}),
                Trees(40, {"max_depth": 3, "learning_rate": 0.3, "tree_method": "exact"}),
                Trees(60, {"max_depth": 3, "learning_rate": 0.3, "tree_method": "exact", **_LIGHT}),
                Trees(100, {"max_depth": 3, "learning_rate": 0.2, "tree_method": "exact", **_LIGHT}),
            ),
            monotone=False,
            balance=False,
            notes=(
                Note(
                    "The best imitation of the label, for the study: it is held to no direction, and repeats whatever "
                    "the label rewards."
                ),
                _LTI_AND_ACR,
                Note("Light leaves: few rows are enough for one, and leaves are hardly shrunk."),
                Note("Exact split candidates: histograms blur the label's thresholds.", of_public_set=True),
            ),
        ),
        Recipe(
            "paper",
            RAW_FEATURES,
            (Trees(400, {"max_depth": 8, "learning_rate": 0.03, "subsample": 0.9, "tree_method": "hist"}),),
            monotone=False,
            balance=True,
            notes=(
                Note("The paper's configuration: 400 trees of depth 8, learning rate 0.03, subsample 0.9."),
                Note("Of its two remedies for imbalance, the positive class is weighted; SMOTE is not used."),
                Note(
                    "SMOTE's applicants would lie between encoded categories, and the classes are only 62 to 38.",
                    of_public_set=True,
                ),
                Note("It speaks of twelve dimensions and names nine of the set's eleven columns; all eleven are used."),
                Note(
                    "Not monotone: a higher CIBIL score lowers the probability of some applicants.", of_public_set=True
                ),
            ),
        ),
    )
}
