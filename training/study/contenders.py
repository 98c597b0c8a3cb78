"""Who is compared: the rows of the paper's Table II, ours, and additive models."""

from dataclasses import dataclass

from training.data import LoanData
from training.folds import Design, LoanDesign
from training.learning import learn_by
from training.out_of_fold import Learn
from training.recipes import RAW_FEATURES, RECIPES, Trees
from training.study.learners import boosted, logistic_regression, random_forest, support_vectors

SEED = 20260101

PAPERS_TREES = RECIPES["paper"].choices[0]

OUR_TREES = Trees(200, {"max_depth": 3, "learning_rate": 0.05, "tree_method": "hist"})
"""Of ours on any data set: small steps of shallow trees."""

STUMPS = Trees(600, {"max_depth": 1, "learning_rate": 0.3, "tree_method": "exact"})
"""One column a tree: the log-odds are a sum of one curve a column."""

FEW_STUMPS = Trees(24, {"max_depth": 1, "learning_rate": 0.5, "tree_method": "exact", "gamma": 5})

PAPERS_NAME = "XGBoost, paper's settings"


@dataclass(frozen=True, slots=True)
class Published:
    """A row of the paper's Table II; its precision and recall are said to be weighted by class."""

    accuracy: float
    precision: float
    recall: float


TABLE_II: dict[str, Published] = {
    "logistic regression": Published(0.915, 0.89, 0.90),
    "random forest": Published(0.953, 0.94, 0.95),
    "SVM": Published(0.921, 0.91, 0.91),
    PAPERS_NAME: Published(0.982, 0.98, 0.98),
}
"""By the contender that does the same here."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A way of learning on a design. `told` says in a few words what it is."""

    name: str
    told: str
    design: Design
    learn: Learn


def contenders_on(design: Design, *, quick: bool = False) -> list[Contender]:
    """Those that need to know nothing of a data set."""
    forest = 50 if quick else 300
    return [
        Contender("logistic regression", "scaled columns", design, logistic_regression(SEED)),
        Contender("random forest", f"{forest} trees", design, random_forest(SEED, forest)),
        Contender("SVM", "RBF kernel, scaled columns", design, support_vectors(SEED)),
        Contender(
            PAPERS_NAME,
            "400 trees of depth 8, learning rate 0.03, subsample 0.9, positives weighted",
            design,
            boosted(PAPERS_TREES, SEED, balance=True),
        ),
    ]


def contenders_of(design: Design, *, quick: bool = False) -> list[Contender]:
    """Of any data set."""
    return [
        *contenders_on(design, quick=quick),
        Contender("ours", "200 trees of depth 3, learning rate 0.05", design, boosted(OUR_TREES, SEED)),
        Contender("additive", "600 trees of one split", design, boosted(STUMPS, SEED)),
    ]


def contenders_of_loans(loans: LoanData, *, quick: bool = False) -> list[Contender]:
    """Of the loan layout: the paper's with its eleven columns, ours with LTI and ACR too."""
    raw, ours = LoanDesign(loans, RAW_FEATURES), LoanDesign(loans, RECIPES["default"].features)
    free, held = RECIPES["as-labelled"], RECIPES["default"]
    return [
        *contenders_on(raw, quick=quick),
        Contender("as-labelled", "ours, with LTI and ACR, held to no direction", ours, learn_by(free)),
        Contender("default", "ours, with LTI and ACR, held to a lender's directions", ours, learn_by(held)),
        Contender("additive", "600 trees of one split, with LTI and ACR", ours, boosted(STUMPS, SEED)),
        Contender(
            "additive, held",
            "24 trees of one split, with LTI and ACR, held to a lender's directions",
            ours,
            boosted(FEW_STUMPS, SEED, constraints=held.constraints),
        ),
    ]
