"""The decision: its explanation adds up, and it is a pure function of its receipt's inputs."""

import hmac
import re
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decision import LoanDecision
from scoring.checks import verify
from scoring.decision import Scorer
from scoring.features import FEATURES, POSITION, feature_matrix
from scoring.policy_document import parse_policy
from scoring.receipt import decision_content
from scoring.shipped import BUNDLES, POLICIES, shipped_policy_text

PAIRS = [(bundle, policy) for bundle in BUNDLES for policy in POLICIES]
PROCESSING = {
    "lane": "fast",
    "verify_started_at": "2026-03-02T09:30:00.125Z",
    "verify_finished_at": "2026-03-02T09:30:00.125Z",
    "score_started_at": "2026-03-02T09:30:00.125Z",
    "score_finished_at": "2026-03-02T09:30:00.125Z",
    "verify_worker": "verify-0",
    "score_worker": "score-0",
    "code_version": "test",
}

LAX = """
name: lax
points: {{score: 600, pdo: 20}}
bands: {{approve: {approve}, decline: 0.0}}
penalties: []
rules: []
"""
"""A policy without a single penalty or rule."""

money = st.integers(1, 10**8) | st.integers(1, 10**15).map(lambda cents: f"{cents // 100}.{cents % 100:02d}").filter(
    lambda text: float(text) > 0
)
asset = st.integers(-(10**6), 10**8)


@st.composite
def changes(draw):
    return {
        "application_id": draw(st.from_regex(r"[A-Za-z0-9._:-]{1,12}", fullmatch=True)),
        "annual_income": draw(money),
        "loan": {"amount": draw(money), "term_years": draw(st.integers(1, 30))},
        "cibil_score": draw(st.none() | st.integers(300, 900)),
        "monthly_obligations": draw(st.none() | st.integers(0, 10**6)),
        "currency": draw(st.sampled_from(["INR", "INR", "INR", "EUR"])),
        "applicant": {"dependents": draw(st.integers(0, 9)), "self_employed": draw(st.booleans())},
        "assets": {name: draw(asset) for name in ("residential", "commercial", "luxury", "bank")},
        "result": draw(
            st.sampled_from(["verified", "verified", "not_provided", "mismatch", "suspicious", "unreadable"])
        ),
    }


def points_of(decision):
    return [row["points"] for row in decision["reasons"] if row["points"] is not None]


@pytest.mark.parametrize("pair", PAIRS)
@given(batch=st.lists(changes(), min_size=1, max_size=5))
def test_every_explanation_adds_up(scorers, key, make_event, pair, batch):
    """Points of model, penalties and residual sum to the way from base to final score, within a millionth; the
    residual is at most 0.05; decisive rows stand first; the event's schema takes the whole.
    """
    for decision in scorers[pair].decide([make_event(**change) for change in batch], lambda _: key, "test"):
        decisive = [row["decisive"] for row in decision["reasons"]]
        assert decisive == sorted(decisive, reverse=True)
        assert points_of(decision) == sorted(points_of(decision))
        if decision["p_model"] is None:
            assert decision["outcome"] != "approve"
            assert points_of(decision) == []
        else:
            assert abs(sum(points_of(decision)) - (decision["final_points"] - decision["base_points"])) <= 1e-6
            residual = [r["points"] for r in decision["reasons"] if r["code"] == "numerical_residual"]
            assert all(abs(points) <= 0.05 for points in residual)
            taken = sum(penalty["size"] for penalty in decision["penalties"])
            assert decision["score_final"] == pytest.approx(max(0.0, decision["p_calibrated"] - taken), abs=1e-9)
        LoanDecision.model_validate_json(orjson.dumps(decision | {"processing": PROCESSING}))


@given(
    change=changes(),
    more=st.integers(1, 10**7),
    which=st.sampled_from(["cibil", "residential", "commercial", "luxury", "bank"]),
)
def test_a_higher_cibil_score_or_asset_never_lowers_the_score(standard, decide_one, make_event, change, more, which):
    """Under the default bundle, raising the CIBIL score or any asset lowers neither probability nor policy score."""
    change |= {"currency": "INR", "cibil_score": change["cibil_score"] or 500}
    raised = dict(change)
    if which == "cibil":
        raised["cibil_score"] = min(900, change["cibil_score"] + 1 + more % 300)
    else:
        raised["assets"] = {**change["assets"], which: change["assets"][which] + more}
    before, after = (decide_one(standard, make_event(**one)) for one in (change, raised))
    for name in ("p_model", "p_calibrated", "score_final"):
        assert after[name] >= before[name]


def test_a_missing_cibil_score_is_not_zero(standard, paper, decide_one, make_event):
    """Without a CIBIL score the model is not asked and a person decides, under either policy."""
    for scorer in (standard, paper):
        decision = decide_one(scorer, make_event(cibil_score=None))
        assert decision["outcome"] == "refer"
        assert decision["p_calibrated"] is decision["score_final"] is decision["final_points"] is None
        assert decision["basis"] == ["documents_verified", "thin_file"]
        assert [row["code"] for row in decision["reasons"]] == ["thin_file"]


def test_a_bank_may_decline_who_leaves_the_score_out(standard, bundles, decide_one, make_event):
    """Under the default policy a score of 549 is declined and none is referred; an own reason makes both declines."""
    assert [decide_one(standard, make_event(cibil_score=score))["outcome"] for score in (549, None)] == [
        "decline",
        "refer",
    ]
    row = '{code: own_no_score, text: "There is no CIBIL score.", outcome: decline, missing: cibil_score}'
    text = re.sub(r"\{code: thin_file.*\}", row, shipped_policy_text("standard"))
    decision = decide_one(Scorer(bundles["default"], parse_policy(text)), make_event(cibil_score=None))
    assert decision["outcome"] == "decline"
    assert [(row["code"], row["decisive"]) for row in decision["reasons"]] == [("own_no_score", True)]


def test_an_unknown_currency_is_referred(standard, paper, decide_one, make_event):
    """Amounts in a currency the bundle was not trained on are not scored."""
    for scorer in (standard, paper):
        decision = decide_one(scorer, make_event(currency="EUR"))
        assert (decision["outcome"], decision["p_model"]) == ("refer", None)
        assert "currency_not_modelled" in decision["basis"]
        assert decision["reasons"][0]["code"] == "currency_not_modelled"
        assert decision["reasons"][0]["value"] == "EUR"


def test_the_same_application_is_the_same_decision_until_something_is_activated(scorers, decide_one, make_event):
    """Sent again it has its decision's id; under another policy or bundle it is another decision."""
    pairs = [("default", "standard"), ("default", "standard"), ("default", "paper"), ("paper", "standard")]
    first, again, *others = [decide_one(scorers[pair], make_event())["decision_id"] for pair in pairs]
    assert first == again
    assert len({first, *others}) == 3


FOREIGN = """
name: limits
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
penalties:
  - {code: penalty_lti_high, feature: lti, above: 2, size: 0.2}
rules:
  - {code: lti_above_limit, outcome: decline, feature: lti, above: 8}
  - {code: cibil_below_limit, outcome: decline, feature: cibil_score, below: 550}
  - {code: own_dear, text: "The loan is large.", outcome: refer, feature: loan_amount, above: 1_000_000}
  - {code: own_poor, text: "The income is low.", outcome: decline, feature: annual_income, below: 5_000_000}
  - {code: documents_mismatch, outcome: refer, verification: mismatch, loan_above: 500}
  - {code: documents_suspicious, outcome: refer, verification: suspicious, loan_above: 0}
  - {code: documents_unreadable, outcome: refer, verification: unreadable}
  - {code: thin_file, outcome: refer, missing: cibil_score}
  - {code: lti_elevated, outcome: refer, feature: lti, above: 3}
  - {code: beyond_training_range, outcome: refer, instead_of: approve, beyond: training_range}
"""
"""Limits of every kind, all of which `PAST` is past."""

PAST = {"annual_income": 1_000_000, "cibil_score": 400}


@pytest.mark.parametrize(
    ("result", "change", "decisive"),
    [
        ("verified", {"cibil_score": 400}, []),
        ("verified", {}, ["lti_elevated"]),
        ("mismatch", {}, ["lti_elevated"]),
        ("suspicious", {}, ["documents_suspicious", "lti_elevated"]),
        ("unreadable", {}, ["documents_unreadable", "lti_elevated"]),
        ("verified", {"cibil_score": None}, ["thin_file", "lti_elevated"]),
    ],
)
def test_in_an_unknown_currency_only_what_refers_is_told_as_decisive(
    result, change, decisive, bundles, decide_one, make_event
):
    """No limit that declines elsewhere decided, and none in rupees is held against euros; the currency decides, and
    what a person has to look at in every currency.
    """
    applicant = PAST | change
    if not decisive:
        applicant["annual_income"] = 6_000_000
    decision = decide_one(
        Scorer(bundles["default"], parse_policy(FOREIGN)), make_event(result, currency="EUR", **applicant)
    )
    assert (decision["outcome"], decision["score_final"]) == ("refer", None)
    assert sorted(row["code"] for row in decision["reasons"]) == sorted(["currency_not_modelled", *decisive])
    assert all(row["decisive"] for row in decision["reasons"])


def test_in_the_models_currency_the_same_limits_decide(bundles, decide_one, make_event):
    """What is left out in another currency is told where it is judged."""
    decision = decide_one(Scorer(bundles["default"], parse_policy(FOREIGN)), make_event("mismatch", **PAST))
    decisive = {row["code"] for row in decision["reasons"] if row["decisive"]}
    assert decision["outcome"] == "decline"
    assert decisive == {"lti_above_limit", "cibil_below_limit", "own_poor"}


def test_an_unknown_currency_is_referred_whatever_else_is_true(standard, decide_one, make_event):
    """A limit that declines elsewhere decided nothing, and is no reason."""
    decision = decide_one(standard, make_event(currency="EUR", annual_income=1_000_000, cibil_score=420))
    assert decision["outcome"] == "refer"
    assert [row["code"] for row in decision["reasons"]] == ["currency_not_modelled"]


def test_the_receipt_holds_the_features_that_decided(standard, decide_one, make_event, key):
    """The keyed hash is of the names and doubles of the bundle's and the policy's features, and of nothing else."""
    event = make_event(cibil_score=701)
    names = list(dict.fromkeys([*standard.bundle.features, *standard.policy.features]))
    values = [feature_matrix([event.application])[0][POSITION[name]] for name in names]
    vector = orjson.dumps(names) + b"\n" + b"".join(struct.pack(">d", value) for value in values)
    found = decide_one(standard, event)["receipt"]["features_hmac"]
    assert found == "hmac-sha256:" + hmac.digest(key.key, vector, "sha256").hex()
    assert decide_one(standard, make_event(cibil_score=702))["receipt"]["features_hmac"] != found


def test_probabilities_are_rounded_before_the_policy_compares(bundles, key, make_event):
    """At a band's edge the ninth decimal decides, and not what a processor leaves behind it."""
    event = make_event("verified")
    (free,) = Scorer(bundles["default"], parse_policy(LAX.format(approve=0.0))).decide([event], lambda _: key, "test")
    p = free["p_calibrated"]
    assert p == round(p, 9)
    assert free["p_model"] == round(free["p_model"], 9)
    for approve, outcome in ((p - 1e-9, "approve"), (p, "refer"), (p + 1e-9, "refer")):
        scorer = Scorer(bundles["default"], parse_policy(LAX.format(approve=f"{approve:.9f}")))
        (decision,) = scorer.decide([event], lambda _: key, "test")
        assert decision["outcome"] == outcome, approve


@pytest.mark.parametrize(
    ("result", "by_standard", "by_paper"),
    [
        ("verified", "approve", "approve"),
        ("not_provided", "refer", "approve"),
        ("unreadable", "refer", "refer"),
        ("unavailable", "refer", "refer"),
        ("mismatch", "refer", "refer"),
        ("suspicious", "refer", "refer"),
    ],
)
def test_what_documents_say_decides(standard, paper, decide_one, make_event, result, by_standard, by_paper):
    """A good applicant is approved with verified documents; no degraded basis approves."""
    for scorer, outcome in ((standard, by_standard), (paper, by_paper)):
        decision = decide_one(scorer, make_event(result))
        assert decision["outcome"] == outcome
        assert decision["verification_result"] == result
        assert (outcome == "approve") == (not any(row["decisive"] for row in decision["reasons"]))


def test_a_rule_against_approvals_leaves_declines_alone(standard, decide_one, make_event):
    """Missing documents hold back an approval; a score that declines still declines, for its points alone."""
    few = {"residential": 0, "commercial": 0, "luxury": 300_000, "bank": 0}
    decision = decide_one(standard, make_event("not_provided", assets=few))
    assert decision["outcome"] == "decline"
    assert not any(row["decisive"] for row in decision["reasons"])


def test_no_policy_can_let_a_degraded_basis_approve(bundles, decide_one, make_event):
    """A policy without a single rule still refers what its documents put in doubt."""
    scorer = Scorer(bundles["default"], parse_policy(LAX.format(approve=0.0)))
    assert decide_one(scorer, make_event("verified"))["outcome"] == "approve"
    for result in ("unavailable", "unreadable", "mismatch", "suspicious"):
        decision = decide_one(scorer, make_event(result))
        assert decision["outcome"] == "refer"
        assert decision["reasons"][0]["decisive"]


def test_hard_limits_decline_whatever_else_is_true(standard, decide_one, make_event):
    """A loan or its instalment above its limit, or a CIBIL score below the floor, declines, also where something else
    would have referred.
    """
    for change, code in (
        ({"loan": {"amount": 33_000_000, "term_years": 50}}, "lti_above_limit"),
        ({"loan": {"amount": 12_000_000, "term_years": "0.5"}}, "instalment_above_limit"),
        ({"cibil_score": 549}, "cibil_below_limit"),
    ):
        decision = decide_one(standard, make_event("suspicious", **change))
        assert decision["outcome"] == "decline"
        assert code in [row["code"] for row in decision["reasons"] if row["decisive"]]


def test_the_papers_penalties_apply_in_order_and_once_a_group(paper, decide_one, make_event):
    """LTI above 6 costs 0.35 and not 0.18 besides; a low CIBIL score and thin assets cost their own."""
    decision = decide_one(
        paper,
        make_event(
            annual_income=2_000_000,
            cibil_score=590,
            assets={"residential": 0, "commercial": 0, "luxury": 6_000_000, "bank": 0},
        ),
    )
    assert decision["penalties"] == [
        {"code": "penalty_lti_high", "size": 0.35},
        {"code": "penalty_cibil_low", "size": 0.12},
        {"code": "penalty_acr_low", "size": 0.08},
    ]


@pytest.mark.parametrize(
    ("difference", "flagged"),
    [(0.2, False), (0.200001, True), (-0.2, False), (-0.200001, True), (-9.0, True), (0.0, False)],
)
@pytest.mark.parametrize("similarity", [None, 0.0, 0.8, 0.9, 1.0])
def test_the_papers_mismatch_flag_is_its_algorithms(paper, decide_one, make_event, similarity, difference, flagged):
    """Algorithm 1 flags where income and document differ by more than a fifth of the income, either way, however alike
    their digits are. A flag is a referral, also of whom the score would decline.
    """
    check = {"claim": "annual_income", "result": "verified", "field": "gross_annual", "difference": difference}
    check |= {} if similarity is None else {"similarity": similarity}
    for changes, banded in (({}, "approve"), ({"cibil_score": 420}, "decline")):
        decision = decide_one(paper, make_event("verified", checks=[check], **changes))
        assert decision["outcome"] == ("refer" if flagged else banded)
        assert [row["code"] for row in decision["reasons"] if row["decisive"]] == (["income_gap"] if flagged else [])


@pytest.mark.parametrize(("claimed", "a_month"), [(500_000, "416666.67"), (5_000_000, "41666.67")])
def test_a_claim_far_from_the_payslip_is_flagged_either_way(paper, decide_one, make_event, claimed, a_month):
    """Whoever claims a tenth of what the payslip shows is flagged as surely as whoever claims ten times as much; the
    paper's similarity of the digits stands beside it.
    """
    slip = {"sha256": "a" * 64, "kind": "payslip", "status": "read", "reader": "text/1", "lane": "fast", "pages": 1}
    fields = {"holder_name": "Meera Kulkarni", "gross_monthly": a_month}
    slip["fields"] = [{"name": name, "value": value, "confidence": 1, "page": 1} for name, value in fields.items()]
    event = make_event(extractions=[slip], annual_income=claimed, applicant={"name": "Meera Kulkarni"})
    found = verify(event.application, event.extractions)
    checked = event.model_copy(update={"checks": found.checks, "verification_result": found.result})
    decision = decide_one(paper, checked)
    assert decision["outcome"] == "refer"
    assert "income_gap" in [row["code"] for row in decision["reasons"] if row["decisive"]]
    (check,) = [check for check in found.checks if check.claim == "annual_income"]
    assert check.similarity is not None


def test_the_papers_mismatch_flag_compares_gross_with_gross(paper, decide_one, make_event):
    """What a bank statement shows is net: that it is a third below an honest gross income is no flag."""
    check = {"claim": "annual_income", "result": "verified", "similarity": 0.4, "difference": 0.3}
    decision = decide_one(paper, make_event("verified", checks=[check | {"field": "annual_net_income"}]))
    assert decision["outcome"] == "approve"


def test_contradicted_claims_and_findings_are_named_without_names(standard, decide_one, make_event):
    """Each contradicted claim and each finding is a decisive reason; neither a name nor a document's content shows."""
    checks = [
        {"claim": "annual_income", "result": "mismatch", "claimed": "4100000.00", "found": "1234567.00"},
        {"claim": "name", "result": "mismatch", "claimed": "Zelda Canary", "found": "Other Canary"},
    ]
    extraction = {
        "sha256": "a" * 64,
        "kind": "payslip",
        "status": "read",
        "reader": "text/1",
        "lane": "fast",
        "findings": ["arithmetic_break", "finding_of_tomorrow"],
        "fields": [{"name": "holder_name", "value": "Other Canary", "confidence": 1, "page": 1}],
    }
    event = make_event("suspicious", [extraction], checks, applicant={"name": "Zelda Canary", "employer": "Canary Ltd"})
    decision = decide_one(standard, event)
    decisive = {row["code"]: row["value"] for row in decision["reasons"] if row["decisive"]}
    assert decisive == {
        "documents_suspicious": None,
        "arithmetic_break": None,
        "finding_of_tomorrow": None,
        "income_mismatch": "4100000.00",
        "name_mismatch": None,
    }
    text = orjson.dumps(decision).decode()
    assert "Canary" not in text
    assert "1234567" not in text


def test_no_reason_names_a_factor_that_was_not_used(scorers, decide_one, make_event, bundles):
    """Points are given to features of the bundle and penalties of the policy alone, each moving the score."""
    for (bundle, policy), scorer in scorers.items():
        decision = decide_one(scorer, make_event(cibil_score=580))
        allowed = {FEATURES[name].reason for name in bundles[bundle].features}
        allowed |= {penalty.code for penalty in scorer.policy.penalties} | {"numerical_residual"}
        rows = [row for row in decision["reasons"] if not row["decisive"]]
        assert {row["code"] for row in rows} <= allowed
        assert all(row["points"] for row in rows), (bundle, policy)


def batch_of(make_event, count=200):
    return [
        make_event(
            "verified" if i % 3 else "not_provided",
            application_id=f"A-{i}",
            cibil_score=None if i % 17 == 0 else 300 + i * 7 % 601,
            annual_income=200_000 + 97_003 * i,
            loan={"amount": 700_000 + 211_000 * (i % 50), "term_years": 2 + i % 19},
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("pair", [("default", "standard"), ("paper", "paper")])
def test_batches_cuts_and_threads_do_not_change_a_bit(scorers, key, make_event, pair):
    """One by one, in any cut, and from two threads at once: the same bytes."""
    scorer, events = scorers[pair], batch_of(make_event)

    def decide(cut):
        return [orjson.dumps(decision) for decision in scorer.decide(cut, lambda _: key, "test")]

    whole = decide(events)
    assert [decide([event])[0] for event in events] == whole
    for size in (3, 7, 64, 199):
        cuts = [events[start : start + size] for start in range(0, len(events), size)]
        assert [row for cut in cuts for row in decide(cut)] == whole
        with ThreadPoolExecutor(2) as threads:
            assert [row for rows in threads.map(decide, cuts) for row in rows] == whole


IN_A_FRESH_PROCESS = """
import importlib.util, sys, orjson
spec = importlib.util.spec_from_file_location("events", sys.argv[1])
events = importlib.util.module_from_spec(spec)
spec.loader.exec_module(events)
from scoring.bundle import load_bundle
from scoring.decision import Scorer
from scoring.features import FEATURES, POSITION, feature_matrix
from scoring.policy_document import parse_policy
from scoring.receipt import ReceiptKey
from scoring.shipped import shipped_bundle_files, shipped_policy_text
scorer = Scorer(load_bundle(shipped_bundle_files("default")), parse_policy(shipped_policy_text("standard")))
key = ReceiptKey("bank-a.1", bytes(range(32)))
decision = scorer.decide([events.build_event()], lambda _: key, "test")[0]
sys.stdout.buffer.write(orjson.dumps(decision))
"""


def test_a_fresh_process_makes_the_same_bytes(standard, decide_one, make_event):
    """Another process decides the same application with the same bytes."""
    here = orjson.dumps(decide_one(standard, make_event()))
    conftest = Path(__file__).with_name("conftest.py")
    command = [sys.executable, "-c", IN_A_FRESH_PROCESS, str(conftest)]
    there = subprocess.run(command, check=True, capture_output=True).stdout
    assert there == here


def test_ids_are_stable_where_inputs_are_and_differ_where_they_differ(standard, paper, key, make_event):
    """The acceptance time changes neither id nor content; revision, claim, evidence, policy and key do."""
    event = make_event()

    def decided(scorer, one):
        return scorer.decide([one], lambda _: key, "test")[0]

    first = decided(standard, event)
    later = decided(standard, event.model_copy(update={"accepted_at": event.accepted_at.replace(year=2030)}))
    assert (later["decision_id"], decision_content(later)) == (first["decision_id"], decision_content(first))
    assert later["accepted_at"] != first["accepted_at"]
    extraction = {"sha256": "a" * 64, "kind": "other", "status": "read", "reader": "t", "lane": "slow"}
    ids = [
        first["decision_id"],
        decided(standard, make_event(revision=2))["decision_id"],
        decided(standard, make_event(annual_income=4_100_001))["decision_id"],
        decided(standard, make_event("verified", [extraction]))["decision_id"],
        decided(paper, event)["decision_id"],
        standard.decide([event], lambda _: type(key)("other", b"k" * 32), "test")[0]["decision_id"],
    ]
    assert len(set(ids)) == len(ids)


def test_nothing_to_decide(standard, key):
    """An empty batch gives no decisions."""
    assert standard.decide([], lambda _: key, "test") == []
