"""What `train` writes of a model for its validator: the figures of that very training, of both kinds of data sets."""

import csv
import dataclasses
import io

import numpy as np
import pytest

from training.configs import NAMES, shipped_specification
from training.data import parse_loans
from training.explain.asked import probabilities
from training.fairness.frontier import Model
from training.folds import LoanDesign
from training.learner.settings import EFFORTS, Setting
from training.recipes import RECIPES, Trees
from training.report import bounds
from training.report.favourable import favourable
from training.report.of_loans import evidence_of_loans
from training.report.of_table import evidence_of_table
from training.report.own_columns import OwnColumns, OwnModel
from training.report.protected import Favour, groups_of, of_column
from training.report.report import page
from training.specification import Target, parse_specification
from training.tabular.data import by_specification
from training.tabular.train import train_table
from training.train import train_loans
from training.typed import Categories, Numbers

DEFAULT = RECIPES["default"]
SMALL = dataclasses.replace(DEFAULT, choices=(Trees(8, DEFAULT.choices[0].params),), repeats=1, folds=3)
EFFORT = dataclasses.replace(
    EFFORTS[0], folds=2, repeats=1, inner=2, parallel_trees=1,
    settings=(Setting("few", {"max_depth": 2, "learning_rate": 0.3}, 15),),
)  # fmt: skip
SPECIFICATION = """
name: made-up
target: {column: deny, positive: ["yes"], negative: ["no"]}
columns:
  income: {kind: number}
  town: {kind: category}
  area: {kind: category}
  colour: {kind: category, protected: true}
  age: {kind: number, protected: true}
"""


def table(rows=360):
    """Who earns little or lives in the third town is denied more often, and colour goes with the town."""
    rng = np.random.default_rng(3)
    town, area = rng.integers(0, 3, rows), rng.integers(0, 20, rows)
    colour = np.where(rng.random(rows) < 0.8, town == 2, rng.random(rows) < 0.5)
    income = np.round(rng.normal(50, 12, rows))
    deny = rng.random(rows) < 1 / (1 + np.exp(0.1 * (income - 44) - 1.5 * (town == 2)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["income", "town", "area", "colour", "age", "deny"])
    for at in range(rows):
        told = "" if at % 9 == 0 else int(income[at])
        of = "red" if colour[at] else "blue"
        writer.writerow([told, f"t{town[at]}", f"a{area[at]}", of, 20 + at % 50, "yes" if deny[at] else "no"])
    return out.getvalue()


@pytest.fixture(scope="module", autouse=True)
def _little():
    """Fewer rows for what explains, and fewer trees trained again: these tests are of what is told."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bounds, "EXPLAINED_LEAST", 60)
        patched.setattr(bounds, "EXPLAINED_MOST", 60)
        patched.setattr("training.explain.surrogate.ROWS", 10)
        patched.setattr("training.explain.importance.SHUFFLES", 2)
        patched.setattr("training.fairness.proxies.SHUFFLES", 20)
        yield


@pytest.fixture(scope="module")
def of_loans(sample_csv):
    """A small training of the loan layout, and its evidence."""
    made = train_loans(parse_loans(sample_csv(300, 7), "loans.csv"), SMALL, "INR")
    return made, evidence_of_loans(made)


@pytest.fixture(scope="module")
def of_table(tmp_path_factory):
    """A small training of another data set, and its evidence."""
    path = tmp_path_factory.mktemp("table") / "mine.csv"
    path.write_text(table())
    trained = train_table(by_specification(path, parse_specification(SPECIFICATION, "mine")), EFFORT)
    return trained, evidence_of_table(trained)


NO_PLOTS = dict.fromkeys(("curves", "scores", "reliability", "swarm", "bars", "losses", "dependences"), "") | {
    "frontiers": {"colour": "", "age": ""}
}


def test_its_figures_are_the_cards(of_loans, of_table):
    """One training, one cross-validation: no figure differs between card and report."""
    made, evidence = of_loans
    assert evidence.figures == made.card.metrics
    assert np.array_equal(evidence.probability, made.p[0])
    trained, evidence = of_table
    for name, one in trained.card["metrics"].items():
        assert dataclasses.asdict(evidence.figures[name]) == one


@pytest.mark.parametrize("kind", ["of_loans", "of_table"])
def test_what_it_says_of_a_training_is_whole_and_the_same_each_time(kind, request):
    """Every section stands or is said to be missing; made again it is equal."""
    made, evidence = request.getfixturevalue(kind)
    said = page(evidence, NO_PLOTS)
    again = (evidence_of_loans if kind == "of_loans" else evidence_of_table)(made)
    assert page(again, NO_PLOTS) == said
    for heading in ("How well it does", "Which way each feature", "Where it is worst", "Not measured", "Rebuild it"):
        assert heading in said
    assert evidence.importance
    assert evidence.dependence
    assert evidence.disagreement
    assert evidence.ablation
    assert "Another year" in evidence.not_measured
    assert evidence.bundle_id in said


def test_a_loan_report_says_what_thin_files_would_get(of_loans):
    """The scores masked tell less, and the policy's rule is named as what holds them back."""
    made, evidence = of_loans
    known, masked = evidence.thin.figures["auc"]
    assert known == made.card.metrics["auc"]
    assert masked.value < known.value - 0.1
    said = page(evidence, NO_PLOTS)
    assert "thin_file" in said
    assert "Every row of the training data has a score" in said
    assert "Whom it favours" in evidence.not_measured


def test_a_model_without_the_score_has_no_thin_files(of_loans):
    """Nothing is masked that it never sees."""
    from training.report.thin_files import thin_files

    made, _ = of_loans
    without = dataclasses.replace(SMALL, features=("annual_income", "lti"))
    assert thin_files(dataclasses.replace(made, recipe=without), made.p[0]) is None


def test_a_category_is_one_column_under_its_own_name(of_table):
    """The encoders' columns are summed: contributions and a constant are the log-odds before calibration."""
    trained, evidence = of_table
    assert evidence.names == ("income", "town", "area")
    own = OwnColumns(trained.data.design)
    model = OwnModel(trained.model, trained.encoders, own)
    straight = trained.model.probabilities(trained.data.design.encoded(trained.encoders, np.arange(360)))
    assert np.allclose(probabilities(model, own.rows), straight)
    margins = trained.model.margins(trained.data.design.encoded(trained.encoders, np.arange(360)))
    assert np.ptp(margins - model.contributions(own.rows).sum(axis=1)) < 1e-4
    assert evidence.levels["town"][-1] == "t2"
    assert "area" not in evidence.levels


def test_protected_columns_have_groups_yardsticks_proxies_and_a_frontier(of_table):
    """Of a number its quarters; of colour what tells it is the town, which the model sees."""
    _, evidence = of_table
    colour, age = evidence.columns
    assert {one.name for one in colour.fairness.groups} == {"red", "blue"}
    assert len(age.fairness.groups) == 4
    assert len(colour.held) == 4
    (told,) = colour.told
    assert told.alone[0].feature == "town"
    assert {"base", "weights", "alternative", "cuts"} == {one.kind for one in colour.frontier}
    assert "deny is no, inferred from the column's name" in evidence.favour


def test_fairness_of_a_refusal_is_that_of_the_label_turned(of_table):
    """`deny` = 1 and `approved` = 1 are one truth: groups, yardsticks and frontier are the same."""
    trained, _ = of_table
    own = OwnColumns(trained.data.design)
    groups, p = groups_of(trained.data.columns["colour"]), np.round(trained.p[0], 6)
    labels = trained.data.labels
    base = Model({"max_depth": 2, "eta": 0.3}, 10)
    refused = of_column("colour", groups, Favour.of(0, p, labels), own, own.names, own.rows, base)

    class Turned(OwnColumns):
        labels = 1 - trained.data.labels

    turned = Favour.of(1, 1 - p, 1 - labels)
    design = Turned(dataclasses_design(trained, 1 - labels))
    approved = of_column("colour", groups, turned, design, own.names, own.rows, base)
    (one,), (other,) = refused.columns, approved.columns
    assert one.fairness == other.fairness
    assert one.held == other.held
    assert one.told == other.told
    for a, b in zip(one.frontier, other.frontier, strict=True):
        assert (a.way, a.kind) == (b.way, b.kind)
        assert a.auc == pytest.approx(b.auc, abs=0.02)
    favoured = {group.name: group.rates["favoured"].value for group in one.fairness.groups}
    assert favoured["red"] < favoured["blue"]


def dataclasses_design(trained, labels):
    from training.design import TableDesign

    design = trained.data.design
    return TableDesign(design.columns, design.specification, labels, design.groups)


FAVOURABLE = [
    ({"column": "deny", "positive": ("1",), "negative": ("0",)}, 0.1, 0),
    ({"column": "loan_status", "positive": ("Charged Off",), "negative": ("Fully Paid",)}, 0.1, 0),
    ({"column": "status", "positive": ("Approved",), "negative": ("Rejected",)}, 0.6, 1),
    ({"column": "SeriousDlqin2yrs", "positive": ("1",), "negative": ("0",)}, 0.07, 0),
    ({"column": "class", "positive": ("bad",), "negative": ("good",)}, 0.3, 0),
    ({"column": "y", "positive": ("1",), "negative": ("0",)}, 0.3, 0),
    ({"column": "y", "positive": ("1",), "negative": ("0",)}, 0.7, 1),
    ({"column": "deny", "positive": ("1",), "negative": ("0",), "favourable": "positive"}, 0.1, 1),
]


@pytest.mark.parametrize(("target", "share", "label"), FAVOURABLE)
def test_what_is_hoped_for_is_known_or_inferred_and_said(target, share, label):
    """Fairness of a refusal taken for an approval would tell the opposite."""
    found, said = favourable(Target(**target), share)
    assert found == label
    assert ("as the specification says" in said) == ("favourable" in target)


@pytest.mark.parametrize("name", NAMES)
def test_shipped_specifications_say_what_is_hoped_for(name):
    """Nothing is inferred of the three public sets."""
    assert parse_specification(shipped_specification(name), name).target.favourable is not None


def test_groups_are_the_values_the_quarters_and_the_rest():
    """Many values are eight groups, and whoever did not say is none."""
    many = Categories(tuple(f"v{at:02}" for at in range(12)), np.array([*range(12), 0, 1, -1]))
    assert len(set(groups_of(many))) == 9
    ages = groups_of(Numbers(np.array([np.nan, *range(20, 60)], float)))
    assert ages[0] == ""
    assert sorted(set(ages[1:])) == ["20 to 29.75", "29.75 to 39.5", "39.5 to 49.25", "49.25 to 59"]


def test_many_rows_are_sampled_by_seed_and_too_many_trees_are_not_grown_again(of_loans):
    """Bounds are of rows and trees, never of a clock; what is left out is said."""
    made, _ = of_loans
    design = LoanDesign(made.loans, SMALL.features)
    few = bounds.Sampled(design, bounds.sample(300, 90))
    assert len(few.labels) == 90
    assert few.everything().shape == (90, len(SMALL.features))
    assert len(bounds.refit_rows(150_000, Model({"max_depth": 6}, 300), 60)) < 2_000
    assert not len(bounds.refit_rows(150_000, Model({"max_depth": 6}, 30_000), 60))
