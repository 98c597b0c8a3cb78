"""The range gate: beyond what a model was trained on nobody is approved without a person."""

import math
from dataclasses import replace

import orjson
import pytest

from scoring.bundle import MANIFEST, load_bundle
from scoring.decision import Scorer
from scoring.policy import Bands, Condition, Points, Policy, PolicyError, Rule
from scoring.policy_document import parse_policy
from scoring.trained_range import TrainedRange

GATE = Rule("beyond_training_range", Condition("beyond", "training_range"), "refer", "approve")
GATED = Policy("gated", Points(600, 20), Bands(approve=0.0, decline=0.0), (), (GATE,))
"""Approves whomever the model gives any chance at all, but for the gate."""


@pytest.fixture(scope="module")
def gated(bundles):
    return Scorer(bundles["default"], GATED)


def decisive(decision):
    return {row["code"]: row["value"] for row in decision["reasons"] if row["decisive"]}


ASSETS = {"residential": 20_000_000, "commercial": 10_000_000, "luxury": 30_000_000, "bank": 10_000_000}


@pytest.mark.parametrize(
    ("changes", "beyond"),
    [
        ({}, None),
        ({"loan": {"amount": 39_500_000}, "annual_income": 20_000_000}, None),
        (
            {"loan": {"amount": "39500000.01"}, "annual_income": 20_000_000},
            "loan_amount 39500000.01",
        ),
        ({"loan": {"amount": 300_000}, "annual_income": 200_000}, None),
        ({"loan": {"amount": 300_000}, "annual_income": "199999.99"}, "annual_income 199999.99"),
        ({"loan": {"amount": 16_000_000}, "annual_income": 4_000_000}, None),
        ({"loan": {"amount": "16000000.01"}, "annual_income": 4_000_000}, "lti 4.0000000025"),
        ({"loan": {"term_years": 20}}, None),
        ({"loan": {"term_years": "20.01"}}, "loan_term 20.01"),
        ({"loan": {"term_years": "1.99"}}, "loan_term 1.99"),
        ({"applicant": {"dependents": 6}}, "dependents 6"),
        ({"assets": {"residential": "-100000.01"}}, "residential_assets -100000.01"),
        ({"assets": {"residential": -100_000}}, None),
        (
            {"loan": {"term_years": 40}, "applicant": {"dependents": 6}, "annual_income": 1_000_000},
            "dependents 6, loan_term 40, lti 12.2",
        ),
    ],
)
def test_an_approval_beyond_the_range_goes_to_a_person(gated, decide_one, make_event, changes, beyond):
    """At the bound itself it is approved; one paisa further a person decides, and is told what is beyond."""
    changes = {"assets": ASSETS} | changes
    changes["assets"] = ASSETS | changes["assets"]
    decision = decide_one(gated, make_event(**changes))
    assert decision["outcome"] == ("approve" if beyond is None else "refer")
    assert decisive(decision) == ({} if beyond is None else {"beyond_training_range": beyond})


def test_more_than_a_reason_has_room_for_is_counted(gated, decide_one, make_event):
    """The applicant's own values, as many as fit; the rest is a number."""
    event = make_event(
        annual_income="0.01",
        loan={"amount": 9_000_000_000_000, "term_years": 40},
        applicant={"dependents": 50},
        assets=dict.fromkeys(ASSETS, -9_000_000_000_000),
    )
    (text,) = decisive(decide_one(gated, event)).values()
    assert text == "dependents 50, annual_income 0.01 and 8 more"
    assert len(text) <= 64


@pytest.mark.parametrize(
    ("direction", "sides"),
    [(1, [(-math.inf, 2.0)]), (-1, [(5.0, math.inf)]), (0, [(-math.inf, 2.0), (5.0, math.inf)])],
)
def test_of_a_feature_with_a_direction_only_the_harmful_side_counts(direction, sides):
    """Where more is better, less is harmful; where nobody knows, both ends are."""
    beyond = TrainedRange(2.0, 5.0, direction).beyond("lti")
    assert [(one.above, one.below) for one in beyond] == sides


def test_a_bundle_from_before_ranges_decides_and_says_so(bundle_files, decide_one, make_event):
    """The gate cannot look where a bundle states no range: nothing is invented, and the basis names it."""
    earlier = Scorer(load_bundle(bundle_files("default-618c3d3a")), GATED)
    decision = decide_one(earlier, make_event(loan={"term_years": 40}))
    assert decision["outcome"] == "approve"
    assert decision["basis"] == ["documents_verified", "training_range_unknown"]
    ungated = Scorer(earlier.bundle, replace(GATED, rules=()))
    assert decide_one(ungated, make_event())["basis"] == ["documents_verified"]


@pytest.mark.parametrize(("asked", "blind"), [("lti dti", ("dti",)), ("lti", ()), ("training_range", ())])
def test_a_rule_about_a_range_that_the_bundle_lacks_is_told(bundles, decide_one, make_event, asked, blind):
    """The rule would never apply, and nobody would see it: the scorer names the feature, the basis says so."""
    rule = replace(GATE, condition=Condition("beyond", asked))
    scorer = Scorer(bundles["default"], replace(GATED, rules=(rule,)))
    assert scorer.not_looked_at == blind
    assert ("training_range_unknown" in decide_one(scorer, make_event())["basis"]) == bool(blind)


def test_a_version_from_before_ranges_can_load_a_bundle_with_them(bundle_files):
    """Ranges stand beside what format 2 has always had, and a manifest without them is as good."""
    files = bundle_files("default")
    manifest = orjson.loads(files[MANIFEST])
    assert set(manifest.pop("ranges")) == {row["name"] for row in manifest["features"]}
    without = load_bundle({**files, MANIFEST: orjson.dumps(manifest)})
    assert without.ranges == {}
    assert without.features == load_bundle(files).features


def test_the_shipped_default_states_the_direction_that_it_was_held_to(bundles):
    """What a gate may hold against an applicant follows from the bundle, not from the code that loads it."""
    ranges = bundles["default"].ranges
    held = {name for name, seen in ranges.items() if seen.direction}
    assert held == set(ranges) - {"dependents", "education", "self_employed", "loan_term"}
    assert {name for name in held if ranges[name].direction == -1} == {"loan_amount", "lti"}
    assert (ranges["lti"].low, ranges["lti"].high) == (1.5, 4.0)


DOCUMENT = """\
name: gated
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
penalties: []
rules:
  - {code: beyond_training_range, outcome: refer, beyond: training_range, instead_of: approve}
"""


def test_a_policy_may_have_a_range_gate():
    """One row, whatever the bundle's features are."""
    assert parse_policy(DOCUMENT).rules == (GATE,)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (", instead_of: approve", "", "'beyond' holds back approvals alone"),
        ("refer", "decline", "'beyond' holds back approvals alone"),
        ("beyond: training_range", "beyond: the_pale", "'the_pale' is no beyond known; expected training_range"),
        ("code: beyond_training_range", "code: lti_elevated", "'lti_elevated' speaks of 'lti above'"),
        ("beyond: training_range", "feature: lti, above: 4", "speaks of 'beyond training_range'"),
    ],
)
def test_a_range_gate_can_do_nothing_but_hold_back_approvals(old, new, says):
    """One that referred whom the score declines would reward whoever leaves the range."""
    assert old in DOCUMENT
    with pytest.raises(PolicyError, match=f"^line 6: .*{says}"):
        parse_policy(DOCUMENT.replace(old, new))


def test_a_policy_may_name_the_features_whose_range_counts(bundles, decide_one, make_event):
    """A gate on loan and income alone does not ask a person about somebody without luxury goods."""
    named = Condition("beyond", "annual_income loan_amount")
    scorer = Scorer(bundles["default"], replace(GATED, rules=(replace(GATE, condition=named),)))
    none = {"assets": ASSETS | {"luxury": 0}}
    assert decide_one(scorer, make_event(**none))["outcome"] == "approve"
    poor = make_event(**none, annual_income="199999.99", loan={"amount": 300_000})
    assert decisive(decide_one(scorer, poor)) == {"beyond_training_range": "annual_income 199999.99"}


@pytest.mark.parametrize(
    ("beyond", "said"),
    [
        ("[lti, acr]", None),
        ("[lti, loan_ammount]", "'loan_ammount' is no feature known; did you mean 'loan_amount'?"),
        ("[lti, lti]", "'lti' stands twice in 'beyond'"),
        ("[]", "'beyond' must be a list of words"),
        ("[[lti]]", "'a list' is no feature known"),
        ("lti", "'lti' is no beyond known; expected training_range, or a list of features"),
    ],
)
def test_a_gate_s_features_are_checked_where_they_stand(policy_text, beyond, said):
    """An author reads which word is wrong, and what was meant."""
    gate = f"  - {{code: beyond_training_range, outcome: refer, instead_of: approve, beyond: {beyond}}}\n"
    text = policy_text("paper").replace("\nrules:\n", "\nrules:\n" + gate)
    if said is None:
        assert [rule.condition.name for rule in parse_policy(text).rules if rule.code == "beyond_training_range"] == [
            "lti acr"
        ]
    else:
        with pytest.raises(PolicyError, match=said.replace("[", r"\[").replace("?", r"\?")):
            parse_policy(text)
