"""A bank's policy may bring reasons of its own, and whoever reads a decision reads their code and their sentence."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.readers.reasons import REASONS as READER_REASONS
from schemas.decision import LoanDecision
from schemas.reasons import BASIS, OWN, REASONS
from scoring.decision import Scorer
from scoring.own_reasons import fault_of_code, fault_of_sentence
from scoring.policy import PolicyError
from scoring.policy_document import parse_policy
from scoring.receipt import decision_content

DOCUMENT = """\
name: own
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
penalties:
  - {code: own_family, text: PENALTY, feature: dependents, above: 1, size: 0.1}
rules:
  - {code: own_dear, text: RULE, outcome: refer, feature: lti, above: 2}
  - {code: own_gap, text: "Incomes differ.", outcome: refer, income_gap: {difference_above: 0.2, similarity_below: 0.8}}
"""


def document(penalty: str = "Large: {value}.", rule: str = "A loan of {value} years.") -> str:
    return DOCUMENT.replace("PENALTY", orjson.dumps(penalty).decode()).replace("RULE", orjson.dumps(rule).decode())


@pytest.fixture
def own(bundles) -> Scorer:
    return Scorer(bundles["default"], parse_policy(document()))


def reasons(decision):
    return {row["code"]: row for row in decision["reasons"] if row["code"].startswith(OWN)}


def test_a_decision_carries_an_own_reasons_code_and_sentence(own, decide_one, make_event):
    """A penalty's with its points and a rule's as decisive, each with the applicant's number in its place."""
    decision = decide_one(own, make_event())
    rows = reasons(decision)
    assert rows["own_family"]["text"] == "Large: 2."
    assert rows["own_family"]["points"] < 0
    assert rows["own_dear"]["text"] == "A loan of 2.976 years."
    assert rows["own_dear"]["decisive"]
    assert decision["outcome"] == "refer"
    assert {"code": "own_family", "size": 0.1} in decision["penalties"]


def test_an_own_income_gap_names_what_the_documents_show(own, decide_one, make_event):
    """As beside the registered code: the claim that a document contradicts stands among the reasons."""
    checks = [
        {"claim": "annual_income", "result": "mismatch", "field": "gross_monthly", "difference": 0.9, "similarity": 0.5}
    ]
    extraction = {"sha256": "a" * 64, "kind": "payslip", "status": "read", "reader": "text/1", "lane": "fast"}
    rows = decide_one(own, make_event("mismatch", [extraction], checks))["reasons"]
    assert {"own_gap", "income_mismatch"} <= {row["code"] for row in rows if row["decisive"]}


def test_a_decision_with_own_reasons_is_one_that_consumers_were_promised(own, decide_one, make_event):
    """Codes are open strings with their sentence beside them: nothing of the contract changes."""
    processing = {
        **dict.fromkeys(("verify_started_at", "verify_finished_at"), "2026-03-02T09:30:00.125Z"),
        **dict.fromkeys(("score_started_at", "score_finished_at"), "2026-03-02T09:30:00.125Z"),
        "lane": "fast",
        "verify_worker": "v",
        "score_worker": "s",
        "code_version": "test",
    }
    decision = decide_one(own, make_event()) | {"processing": processing}
    read = LoanDecision.model_validate_json(orjson.dumps(decision))
    assert [row.text for row in read.reasons if row.code == "own_dear"] == ["A loan of 2.976 years."]


def test_a_policy_from_the_store_decides_the_same_bytes(own, bundles, key, events):
    """An own sentence stands in the artefact, so a decision with it is made again bit for bit."""
    again = Scorer(bundles["default"], parse_policy(document(), stored=True))
    first, second = (scorer.decide(list(events.values()), lambda _: key, "test") for scorer in (own, again))
    assert list(map(decision_content, first)) == list(map(decision_content, second))
    assert any(map(reasons, first))


def test_the_sentence_is_part_of_the_policys_id():
    """Another word to applicants is another policy, which has to be activated."""
    policy_id = parse_policy(document()).policy_id
    assert parse_policy("# ours\n" + document()).policy_id == policy_id
    assert parse_policy(document(penalty="Big: {value}.")).policy_id != policy_id
    assert parse_policy(document(rule="A loan of {value} years!")).policy_id != policy_id


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has 0 characters, expected 1 to 200"),
        ("x" * 201, "has 201 characters, expected 1 to 200"),
        ("Too\nfar.", "a line break"),
        ("Too\tfar.", "nobody sees (U+0009)"),
        ("Too \u202efar.", "nobody sees (U+202E)"),
        ("Too \u200bfar.", "nobody sees (U+200B)"),
        ("Too \U000e0041far.", "nobody sees (U+E0041)"),
        ("Too \u2028far.", "nobody sees (U+2028)"),
        (" Too far.", "begins or ends with a space"),
        ("{value} and {value}", "has a brace"),
        ("{amount} is large", "has a brace"),
        ("{value!r}", "has a brace"),
        ("{{value}}", "has a brace"),
        ("{} is large", "has a brace"),
        ("A } alone", "has a brace"),
    ],
)
def test_a_sentence_that_would_not_be_read_as_it_stands_is_refused(text, says):
    """An own sentence is one bounded line of visible characters, with the applicant's number in one place at most."""
    with pytest.raises(PolicyError) as refused:
        parse_policy(document(penalty=text))
    assert str(refused.value).startswith("line 5: 'text' ")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "text", ["कर्ज़ क्षमता से ज़्यादा है।", "ஆண்டு வருமானத்தை விட {value} மடங்கு", "ക്\u200dഷ", "100 % of <income> & more"]
)
def test_a_sentence_may_be_in_any_language(text):
    """What applicants read is what they speak; joiners of Indian scripts are letters, too."""
    assert parse_policy(document(penalty=text)).penalties[0].text == text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("own_family", "own_", "line 5: 'own_' is no code of your own"),
        ("own_family", "own_Family", "line 5: 'own_Family' is no code of your own"),
        ("own_family", "own_" + "x" * 61, "is no code of your own"),
        ("own_family", "own_a.b", "line 5: 'own_a.b' is no code of your own"),
        ("own_family", "thin_file", "line 5: 'thin_file' is no code here: it is one of rules"),
        ("own_family", "penalty_lti_high", "line 5: 'penalty_lti_high' has its own sentence: 'text' goes with a code"),
        ("own_family", "owned_family", "line 5: 'owned_family' is no code known"),
        ("own_gap", "own_family", "line 8: code 'own_family' is used before, in line 5: each row has its own"),
        ('text: "Incomes differ.", ', "", "line 8: a row of rules needs 'text'"),
        ('text: "Incomes', 'txet: "Incomes', "line 8: 'txet' is not known in a row of rules; did you mean 'text'?"),
        ("Incomes differ", "{value} differs", "line 8: 'text' has {value}, and its condition looks at no number"),
        ('"Incomes differ."', "Incomes {value}", "line 8: not YAML: a text with a brace stands in quotes"),
        (
            '"Incomes differ."',
            "Too far, too dear",
            "line 8: 'too dear' has no value; a text with a comma stands in quotes",
        ),
    ],
)
def test_an_own_code_is_known_as_such_and_has_its_sentence(old, new, says):
    """No own code can be taken for a registered one, nor a registered one be given other words."""
    text = document()
    assert old in text
    with pytest.raises(PolicyError) as refused:
        parse_policy(text.replace(old, new, 1))
    assert says in str(refused.value)


def test_no_code_of_ours_begins_as_an_own_one():
    """Whatever the registries and the readers add, no bank's code is among them."""
    assert not [code for code in (*REASONS, *BASIS, *READER_REASONS) if code.startswith(OWN)]


@given(st.text(max_size=210), st.booleans())
def test_whatever_sentence_is_taken_is_what_decisions_say(text, about_a_number):
    """An accepted sentence reaches the applicant unchanged but for the number, and fits the event."""
    if fault_of_sentence(text, about_a_number=about_a_number) is not None:
        return
    policy = parse_policy(document(rule=text)) if about_a_number else None
    assert text.isprintable() or {"\u200c", "\u200d"} & set(text) or not text.isascii()
    assert policy is None or policy.rules[0].text == text


@given(st.from_regex(r"\Aown_[a-z0-9_]{0,70}\Z"))
def test_an_own_code_that_is_taken_fits_the_event(code):
    """Every code of a decision is 1 to 64 characters of one alphabet."""
    accepted = fault_of_code(code) is None
    assert accepted == (4 < len(code) <= 64 and code[4] != "_")


EARLIER = """\
name: group and gap
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
penalties:
  - {code: penalty_lti_high, feature: lti, above: 6, size: 0.35, group: lti}
rules:
  - {code: income_gap, outcome: refer, income_gap: {difference_above: 0.2, similarity_below: 0.8}}
  - {code: no_documents, outcome: refer, verification: not_provided, loan_above: 1e6, instead_of: approve}
"""


def test_a_policy_without_own_reasons_keeps_its_id():
    """The id is the one that commit f6050d3 gave it, before there were own reasons."""
    of_f6050d3 = "sha256:6c35d9c872649134471acce458e8d16692e3aede387b2a83f0f1cf1ebfd3fb64"
    assert parse_policy(EARLIER).policy_id == of_f6050d3
