"""Recipes: which features and which trees, one row each."""

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
class Recipe:
    """How a model is trained. `monotone`: hold each feature to the direction the table gives it. `balance`: weight
    approvals by rejections / approvals. `notes` go into the card.
    """

    name: str
    features: tuple[str, ...]
    trees: int
    params: dict[str, Any]
    monotone: bool
    balance: bool
    folds: int = 5
    repeats: int = 3
    seed: int = 20260101
    notes: tuple[Note, ...] = field(default=())

    @property
    def directions(self) -> tuple[Direction, ...]:
        """What each feature is held to."""
        return tuple(FEATURES[name].direction if self.monotone else 0 for name in self.features)

    def booster_params(self, approved_share: float) -> dict[str, Any]:
        """XGBoost's parameters; one thread, so that equal data give equal bytes."""
        params = {"objective": "binary:logistic", "nthread": 1, "seed": self.seed, "verbosity": 0, **self.params}
        if self.monotone:
            params["monotone_constraints"] = self.directions
        if self.balance:
            params["scale_pos_weight"] = (1 - approved_share) / approved_share
        return params


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "default",
            (*RAW_FEATURES, "lti", "acr"),
            trees=24,
            params={"max_depth": 3, "learning_rate": 0.5, "tree_method": "exact", "gamma": 5},
            monotone=True,
            balance=False,
            notes=(
                Note("LTI and ACR, which the paper computes for its penalties alone, are features here."),
                Note(
                    "Monotone: asking for more, earning less, a lower CIBIL score or fewer assets never raise "
                    "the score."
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
            "paper",
            RAW_FEATURES,
            trees=400,
            params={"max_depth": 8, "learning_rate": 0.03, "subsample": 0.9, "tree_method": "hist"},
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
