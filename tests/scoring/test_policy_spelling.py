"""A policy decides by the number that its author sees, and what YAML would take for another is refused with its line."""

import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoring.features import FEATURES
from scoring.policy import PolicyError
from scoring.policy_document import parse_policy

ROWS = """\
name: small
points: {score: 600, pdo: 20}
bands:
  approve: 0.7
  decline: 0.3
penalties:
  - {code: penalty_lti_high, feature: lti, above: 6, size: 0.35, group: lti}
  - {code: penalty_lti_elevated, feature: lti, above: 4, size: 0.18, group: lti}
rules:
  - code: lti_above_limit
    outcome: decline
    feature: lti
    above: 8
  - {code: thin_file, outcome: refer, missing: cibil_score}
"""


def refusal(text: str) -> str:
    """The one line in which a policy is refused."""
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    said = str(refused.value)
    assert "\n" not in said
    return said


def with_limit(written: str) -> str:
    return ROWS.replace("    above: 8\n", f"    above: {written}\n")


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("8:30", "YAML reads a colon in base 60"),
        ("1:15.5", "YAML reads a colon in base 60"),
        ("-1:00:00", "YAML reads a colon in base 60"),
        ("012", "leading nought"),
        ("0o12", "leading nought"),
        ("00.5", "leading nought"),
        ("0x1F", "base 16"),
        ("0b101", "base 2"),
        ("7_78", "'_' goes between groups"),
        ("1__000", "'_' goes between groups"),
        ("1000_", "'_' goes between groups"),
        ("0,6", "expected a point"),
        ("1,000,000", "expected a point"),
        ("60%", "a share of 60 % is 0.6"),
        ("'8'", "in quotes"),
        ('"8.5"', "in quotes"),
        (".inf", "not finite"),
        ("-.INF", "not finite"),
        (".NaN", "not finite"),
        ("inf", "not finite"),
        ("1e400", "too large"),
        ("1e-400", "kept as 0.0"),
        ("0.30000000000000000004", "kept as 0.3"),
        ("9007199254740993", "kept as 9007199254740992.0"),
        ("eight", "it is none"),
        ("8 years", "no unit is written"),
        ("1.2.3", "it is none"),
        ("\uff18", "it is none"),
        ("[8]", "a list or a mapping"),
        ("{years: 8}", "a list or a mapping"),
    ],
)
def test_what_is_no_plain_decimal_number_is_refused_with_its_line(written, says):
    """Whatever else YAML or a spreadsheet would make of it, the author hears which line, which name and why."""
    said = refusal(with_limit(written))
    assert said.startswith("line 13: 'above' must be a finite number: ")
    assert says in said
    assert len(said) <= 100


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("yes", "a truth value to YAML"),
        ("Off", "a truth value to YAML"),
        ("true", "a truth value to YAML"),
        ("~", "nothing to YAML"),
        ("null", "nothing to YAML"),
        ("", "has no value"),
        ("2026-03-01", "a date to YAML"),
        ("2026-03-01 10:00:00", "a date to YAML"),
    ],
)
@pytest.mark.parametrize(("place", "line"), [("    above: 8", 13), ("name: small", 1), ("    feature: lti", 12)])
def test_a_word_that_yaml_takes_for_something_else_is_refused(place, line, written, says):
    """No name, no code and no number of a policy is a truth value, a date or nothing."""
    key = place.partition(":")[0]
    said = refusal(ROWS.replace(place, f"{key}: {written}"))
    assert said.startswith(f"line {line}: '{key.strip()}' ")
    assert says in said
    assert len(said) <= 100


@pytest.mark.parametrize("written", ['"no"', "'2026-03-01'", "year 2026", "O'Neil & Söhne"])
def test_a_policys_name_may_be_any_word_in_quotes(written):
    """What looks like something else is a word where quotes say so."""
    assert parse_policy(ROWS.replace("small", written)).name == written.strip("\"'")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "above: 6,",
            "above: 6,5,",
            "line 7: '5' has no value; a number has a decimal point and no commas, as 0.7 or 1_000_000",
        ),
        (
            "above: 6,",
            "above: &six 6,",
            "line 7: &six is an anchor: write the value out; a text with & in front: in quotes",
        ),
        ("above: 4", "above: *six", "line 8: *six is an alias: write the value out; a text with * in front: in quotes"),
        ("above: 4", "<<: {above: 4}", "line 8: << merges another mapping: write its names and values out"),
        (
            "above: 4",
            "above: !!float 4",
            "line 8: a tag (!) before a value: write the value alone; a text with ! in front: in quotes",
        ),
        (
            "above: 4",
            "above: !years 4",
            "line 8: a tag (!) before a value: write the value alone; a text with ! in front: in quotes",
        ),
        ("above: 4", "above:\t4", "line 8: not YAML: a tab, where YAML takes spaces alone"),
        ("  decline: 0.3", "\tdecline: 0.3", "line 5: not YAML: a tab, where YAML takes spaces alone"),
        ("rules:", "---\nrules:", "line 9: not YAML: a second document begins (---): a policy is one"),
        ("  decline: 0.3", "  decline: 0.3\n  decline: 0.2", "line 6: 'decline' stands twice in bands"),
        ("size: 0.18", "size: 0.18, size: 0.2", "line 8: 'size' stands twice in a row of penalties"),
        ("small", "sm\0all", "line 1: not YAML: a character that is not allowed (U+0000)"),
        ("rules:", "# \x07\nrules:", "line 9: not YAML: a character that is not allowed (U+0007)"),
        ("small", '"sm\\u202eall"', "line 1: 'name' holds a line break, or a character that nobody sees (U+202E)"),
        ("small", "s" * 201, "line 1: 'name' has 201 characters, expected 1 to 200"),
        ("small", "'small '", "line 1: 'name' begins or ends with a space"),
    ],
)
def test_yaml_that_misleads_is_refused_with_its_line(old, new, says):
    """A policy is what stands there, once, where it is used; nothing of it comes from elsewhere or is unseen."""
    assert old in ROWS
    assert refusal(ROWS.replace(old, new, 1)) == says


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("bands:", "band:", "line 3: 'band' is not known in a policy; did you mean 'bands'?"),
        ("points:", "Points:", "line 2: 'Points' is not known in a policy; did you mean 'points'?"),
        ("pdo: 20", "pod: 20", "line 2: 'pod' is not known in points; did you mean 'pdo'?"),
        ("  decline:", "  declined:", "line 5: 'declined' is not known in bands; did you mean 'decline'?"),
        ("size: 0.18", "siez: 0.18", "line 8: 'siez' is not known in a row of penalties; did you mean 'size'?"),
        ("above: 4", "abvoe: 4", "line 8: 'abvoe' is not known in a row of penalties; did you mean 'above'?"),
        ("missing:", "mising:", "line 14: 'mising' is not known in a row of rules; did you mean 'missing'?"),
        ("missing: cibil_score", "missing: cibil_scor", "no missing known; did you mean 'cibil_score'?"),
        ("feature: lti, above: 4", "feature: lty, above: 4", "line 8: 'lty' is no feature known; did you mean 'lti'?"),
        ("    feature: lti", "    feature: loan_terms", "no feature known; did you mean 'loan_term'?"),
        ("penalty_lti_elevated", "penalty_lti_elevatd", "no code known; did you mean 'penalty_lti_elevated'?"),
        ("outcome: refer", "outcome: refered", "line 14: 'refered' is no outcome known; did you mean 'refer'?"),
        ("missing: cibil_score", "verification: mismach", "no verification known; did you mean 'mismatch'?"),
        (
            "size: 0.18, group: lti",
            "size: 0.18, group: lit",
            "the group 'lti' is this penalty alone; did you mean 'lit'?",
        ),
    ],
)
def test_a_slip_of_the_fingers_is_told_what_was_meant(old, new, says):
    """A key, feature, code, outcome, verification or group one slip away from a known one is named with it."""
    assert old in ROWS
    said = refusal(ROWS.replace(old, new, 1))
    assert says in said
    assert len(said) <= 100


def test_a_name_that_is_near_none_is_told_every_one():
    """The features that exist are listed, the likeliest first."""
    said = refusal(ROWS.replace("missing: cibil_score", "missing: cibil"))
    assert said.startswith("line 14: 'cibil' is no missing known; expected one of cibil_score, ")
    assert set(said.partition("one of ")[2].split(", ")) == {"cibil_score", "dti"}
    said = refusal(ROWS.replace("missing: cibil_score", "feature: cibil, below: 550"))
    assert set(FEATURES) == set(said.partition("one of ")[2].split(", "))
    assert ", or one of your own: own_…" in refusal(ROWS.replace("penalty_lti_elevated", "too_big"))


@pytest.mark.parametrize("start", ["", "\ufeff", "---\n", "%YAML 1.1\n---\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_how_an_editor_saves_a_policy_does_not_matter(start, end):
    """A byte order mark and the ends of lines are no part of the content."""
    assert parse_policy((start + ROWS).replace("\n", end)) == parse_policy(ROWS)


DIGITS = st.text("0123456789_.eE+-:xb, %", min_size=1, max_size=12)
NUMBERS = st.one_of(
    st.decimals(0, 9_999, allow_nan=False, places=6).map(str),
    st.floats(0, 1e9, allow_nan=False).map(repr),
    st.integers(0, 10**20).map(str),
    st.integers(0, 10**9).map(lambda n: f"{n:_}"),
    DIGITS,
)


@given(NUMBERS)
@example("010")
@example("1_000")
@example("6:30")
@example("01e3")
@example("10_00_000.5")
@example("-.5e3")
def test_a_number_that_is_accepted_is_the_decimal_that_was_typed(written):
    """Whatever is typed where a number belongs is that number, exactly, or refused."""
    try:
        policy = parse_policy(with_limit(written))
    except PolicyError:
        return
    kept = policy.rules[0].condition.above
    typed = re.split(r"\s#", written)[0].strip().replace("_", "")
    assert Decimal(repr(kept)) == Decimal(typed)


@given(NUMBERS)
@example("8")
def test_what_an_author_may_write_is_the_same_policy_when_it_is_read_from_the_store(written):
    """An activation names what was checked."""
    try:
        policy = parse_policy(with_limit(written))
    except PolicyError:
        return
    assert parse_policy(with_limit(written), stored=True).policy_id == policy.policy_id


@pytest.mark.parametrize(
    ("old", "new", "value"), [("above: 8", "above: 6:30", 390), ("above: 8", "above: 012", 12), ("small", "no", 8)]
)
def test_what_was_accepted_in_its_time_still_decides(old, new, value):
    """A policy in the store is read as on the day of its activation, else its decisions could not be made again."""
    assert parse_policy(ROWS.replace(old, new), stored=True).rules[0].condition.above == value
