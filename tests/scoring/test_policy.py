"""Policies: sound ones are read, nonsensical ones refused with the line that is wrong."""

import pytest

from scoring.policy import PolicyError
from scoring.policy_document import parse_policy
from scoring.shipped import POLICIES, shipped_policy_text

SOUND = """\
name: small
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
penalties:
  - {code: penalty_lti_high, feature: lti, above: 6, size: 0.35, group: lti}
  - {code: penalty_cibil_low, feature: cibil_score, below: 600, size: 0.12}
rules:
  - {code: lti_above_limit, outcome: decline, feature: lti, above: 8}
  - {code: thin_file, outcome: refer, missing: cibil_score}
"""


@pytest.mark.parametrize("name", POLICIES)
def test_shipped_policies_are_sound(name):
    """The policies that come with the package are accepted under their own names."""
    assert parse_policy(shipped_policy_text(name)).name == name


def test_a_policy_is_known_by_its_content():
    """Comments, layout and notation do not change a policy's id; a number does."""
    policy_id = parse_policy(SOUND).policy_id
    assert parse_policy("# ours\n" + SOUND.replace("above: 6,", "above: 6.0,")).policy_id == policy_id
    assert parse_policy(SOUND.replace("above: 6,", "above: 5,")).policy_id != policy_id


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("approve: 0.7, decline: 0.3", "approve: 0.3, decline: 0.7", 3, "overlap"),
        ("approve: 0.7", "approve: 1", 3, "below 1"),
        ("approve: 0.7", "approve: 1.2", 3, "from 0 to 1"),
        ("approve: 0.7", "approve: .nan", 3, "finite"),
        ("approve: 0.7", "approve: .inf", 3, "finite"),
        ("approve: 0.7", "approve: high", 3, "finite"),
        ("approve: 0.7", "approve: true", 3, "truth value"),
        ("pdo: 20", "pdo: 0", 2, "from 1 to 50"),
        ("pdo: 20", "pdo: 20, odds: 1", 2, "'odds' is not known"),
        ("name: small", "name: small\nname: other", 2, "twice"),
        ("name: small", "name: small\ncolour: red", 2, "'colour' is not known"),
        ("name: small\n", "", 1, "needs 'name'"),
        ("feature: lti, above: 6", "feature: shoe_size, above: 6", 5, "'shoe_size'"),
        ("penalty_cibil_low", "penalty_mood", 6, "'penalty_mood'"),
        ("penalty_cibil_low", "lti_above_limit", 6, "'lti_above_limit'"),
        (
            "penalty_cibil_low, feature: cibil_score, below: 600",
            "penalty_lti_high, feature: lti, above: 5",
            6,
            "in line 5",
        ),
        ("below: 600", "below: 300", 6, "never apply"),
        ("below: 600", "below: 600, above: 700", 6, "never apply"),
        ("size: 0.12", "size: 0", 6, "from 0.0001 to 1"),
        ("size: 0.12", "weight: 0.12", 6, "'weight' is not known in a row of penalties; expected size"),
        ("outcome: decline", "outcome: approve", 8, "'approve'"),
        (", missing: cibil_score", "", 9, "exactly one of"),
        ("missing: cibil_score", "missing: cibil_score, feature: lti, above: 3", 9, "exactly one of"),
        ("missing: cibil_score", "verification: fine", 9, "'fine'"),
        (
            "thin_file, outcome: refer, missing: cibil_score",
            "lti_elevated, outcome: refer, feature: lti, above: 9",
            9,
            "line 8",
        ),
        ("missing: cibil_score", "missing: cibil_score, instead_of: refer", 9, "'refer'"),
        ("missing: cibil_score", "income_from: gross", 9, "expected net_credits"),
        ("missing: cibil_score", "income_from: net_credits, difference_above: 35", 9, "from 0 to 1"),
        ("missing: cibil_score", "income_from: net_credits", 9, "'income_from net_credits'"),
        ("rules:", "rules: none\nmore:", 7, "list"),
        ("  - {code: thin_file", "  - - {code: thin_file", 9, "mapping"),
        ("  - {code: thin_file", "  - {code thin_file", 9, ""),
        (SOUND, "", 1, "mapping"),
        (SOUND, "[", 1, "YAML"),
        (SOUND, "[" * 30_000, 1, "nested more than 16 deep"),
        ("name: small", "name: small\n" + "".join(f"{' ' * depth}deep:\n" for depth in range(400)), 17, "nested"),
    ],
)
def test_a_nonsensical_policy_is_refused_with_its_line(old, new, line, says):
    """Each nonsense is refused with the line it stands in and what is wrong with it."""
    assert old in SOUND
    with pytest.raises(PolicyError) as refused:
        parse_policy(SOUND.replace(old, new))
    assert refused.value.line == line
    assert says in str(refused.value)


def test_a_penalty_behind_a_wider_one_of_its_group_is_refused():
    """Of a group only the first that applies counts, so a narrower penalty behind a wider one never would."""
    narrower = "  - {code: penalty_lti_elevated, feature: lti, above: 7, size: 0.5, group: lti}\nrules:"
    with pytest.raises(PolicyError, match="line 7: 'penalty_lti_elevated' can never apply: line 5 covers it"):
        parse_policy(SOUND.replace("rules:", narrower))


def test_a_referral_before_a_decline_that_covers_it_is_refused():
    """A decline stands above a referral wherever the two are written."""
    early = "rules:\n  - {code: lti_elevated, outcome: refer, feature: lti, above: 9}"
    with pytest.raises(PolicyError, match="line 8: 'lti_elevated' can never apply: line 9 covers it"):
        parse_policy(SOUND.replace("rules:", early))


@pytest.mark.parametrize(
    ("old", "new", "line", "about"),
    [
        ("feature: cibil_score, below: 600", "feature: lti, above: 2", 6, "cibil_score below"),
        ("feature: cibil_score, below: 600", "feature: cibil_score, above: 600", 6, "cibil_score below"),
        ("missing: cibil_score", "feature: lti, above: 2", 9, "missing cibil_score"),
        ("missing: cibil_score", "verification: not_provided", 9, "missing cibil_score"),
        (
            "missing: cibil_score",
            "income_gap: {difference_above: 0.2, similarity_below: 0.8}",
            9,
            "missing cibil_score",
        ),
        ("thin_file", "no_documents", 9, "verification not_provided"),
        ("{code: thin_file, outcome: refer", "{outcome: refer,\n     code: income_gap", 10, "income_gap"),
    ],
)
def test_a_code_that_speaks_of_something_else_is_refused_with_its_line(old, new, line, about):
    """No reason names a factor that was not used: a loan's size never becomes "the CIBIL score of 2.976 is low"."""
    assert old in SOUND
    with pytest.raises(PolicyError, match=f"^line {line}: .* speaks of '{about}', its condition looks at "):
        parse_policy(SOUND.replace(old, new))


def test_a_code_may_speak_of_one_end_of_an_interval():
    """Between two bounds a loan is above the lower one, and the sentence about that is true."""
    parse_policy(SOUND.replace("above: 6,", "above: 4, below: 6,"))


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("missing: annual_income", "annual_income is never missing"),
        ("missing: education", "education is never missing"),
        ("feature: dependents, above: 1, below: 2", "dependents is never above 1 and below 2 (it goes from 0 to 50"),
        ("feature: education, above: 0.1, below: 0.5", "education is never above 0.1 and below 0.5"),
        ("feature: cibil_score, above: 899.5, below: 899.9", "cibil_score is never above 899.5 and below 899.9"),
        ("feature: annual_income, below: 0.01", "annual_income is never below 0.01"),
        ("feature: bank_assets, above: 10000000000000", "bank_assets is never above 10000000000000"),
        ("feature: lti, above: 1e15", "lti is never above 1e+15"),
        ("verification: not_provided, loan_above: 10000000000000", "loan_amount is never above 10000000000000"),
        ("verification: not_provided, loan_above: 1e13", "loan_amount is never above 10000000000000"),
        ("verification: not_provided, loan_above: 1.0e+13", "loan_amount is never above 10000000000000"),
    ],
)
def test_a_condition_that_holds_for_nobody_is_refused_with_its_line(condition, says):
    """A rule that can never apply is a mistake, and its author hears of it before anybody relies on it."""
    with pytest.raises(PolicyError) as refused:
        parse_policy(f"{SOUND}  - {{code: lti_elevated, outcome: refer, {condition}}}\n")
    assert str(refused.value).startswith(f"line 10: can never apply: {says}")


def test_of_what_may_be_missing_only_that_is_offered():
    """Whoever mistypes a name is not sent to one that the next check refuses."""
    with pytest.raises(PolicyError, match=r"'cibil' is no missing known; expected one of cibil_score, dti$"):
        parse_policy(f"{SOUND}  - {{code: lti_elevated, outcome: refer, missing: cibil}}\n")


@pytest.mark.parametrize("written", ["1e6", "1E6", "1e+6", "1.0e6", "10.e5", "1.0e+6", "1_000_000", "1000000"])
def test_a_number_may_be_written_as_people_write_it(written):
    """YAML 1.1 takes 1e6 for text; a policy means the number."""
    policy = parse_policy(
        f"{SOUND}  - {{code: no_documents, outcome: refer, verification: not_provided, loan_above: {written}}}\n"
    )
    assert policy.rules[-1].condition.above == 1_000_000


@pytest.mark.parametrize("written", ["'1e6'", "1e", "e6", "1e6.5", "1e999", "0x10"])
def test_text_is_no_number(written):
    """What is in quotes, or no number that can be compared with, is refused."""
    with pytest.raises(PolicyError, match="line 5: 'above' must be a finite number"):
        parse_policy(SOUND.replace("above: 6,", f"above: {written},"))
