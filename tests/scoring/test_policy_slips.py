"""What a risk officer mistypes in a policy, and the line that comes back: what was done, and what to write instead."""

import re
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.policy import PolicyError
from scoring.policy_block import NAMES
from scoring.policy_document import parse_policy

TEMPLATE = (resources.files("scoring") / "policies" / "template.yaml").read_text("utf-8")
"""What everybody begins with."""

LIMIT = "  - {code: lti_above_limit, outcome: decline, feature: lti, above: 8}\n"
HERE = TEMPLATE[: TEMPLATE.index(LIMIT)].count("\n") + 2
"""The line behind that row."""


def with_row(row: str) -> str:
    """The template with another row of rules, which begins in the line `HERE`."""
    return TEMPLATE.replace(LIMIT, f"{LIMIT}  - {row}\n")


def with_text(text: str) -> str:
    """The same with a row over several lines, whose text is in its second."""
    return with_row(f"code: own_dear\n    text: {text}\n    outcome: refer\n    feature: lti\n    above: 3")


def line_with(part: str) -> int:
    return TEMPLATE[: TEMPLATE.index(part)].count("\n") + 1


def refusal(text: str) -> str:
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Too dear, see circular #12", "'text' ends before #, which begins a comment: put the text in quotes, or the"),
        ("See circular # 12 of the bank", "'text' ends before #"),
        ("Too dear. # agreed with the board", "'text' ends before #"),
        ("Too dear: above three", "not YAML: a text with a colon stands in quotes"),
        ("'The applicant's income is low'", 'not YAML: a quote ends before its text does: write "the applicant\'s"'),
        ('"Too dear', "not YAML: a quote that is opened here is never closed"),
        ('"Too dear\n      for us"', "a text in quotes goes on in the next line: is the quote at its end missing?"),
        ("{value} times the income", "not YAML: a text with a brace stands in quotes"),
        ("%60 of the income", "not YAML: a text with such a character in front stands in quotes"),
        ("@bank too dear", "not YAML: a text with such a character in front stands in quotes"),
        ("- too dear", "not YAML: a text with - in front stands in quotes"),
        ("> 3 times", "not YAML: a text with > or | in front stands in quotes"),
        ("[draft] too dear", "not YAML: a text with [ in front stands in quotes"),
        ("*Too dear*", "*Too is an alias: write the value out; a text with * in front: in quotes"),
        ("!too dear", "a tag (!) before a value: write the value alone; a text with ! in front: in quotes"),
        (">\n      Too dear", "'text' stands in a block (>): expected one line"),
        ("|\n      Too dear", "'text' stands in a block (|): expected one line"),
        ("\u201cToo dear\u201d", "'text' begins with \u201c, which YAML takes for a letter: write \"...\""),
        ("", "'text' has no value; expected one behind the colon, or no such name"),
    ],
)
def test_a_text_that_would_be_cut_or_not_be_read_is_told_with_its_line(text, says):
    """A sentence for applicants is what stands there, whole, or it is refused where it stands."""
    assert refusal(with_text(text)).startswith(f"line {HERE + 1}: {says}")


@pytest.mark.parametrize("text", ['"See circular # 12"', "'See circular #12' # agreed", "See circular#12", "Too dear"])
def test_a_text_whose_hash_is_no_comment_is_whole(text):
    """In quotes, or within a word, # is a character; behind the quotes a comment."""
    rule = parse_policy(with_text(text)).rules[1]
    assert rule.text == text.removesuffix(" # agreed").strip("\"'")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "{code: own_dear, text: See circular #12, outcome: refer}",
            "not YAML: # begins a comment, the rest of the line",
        ),
        (
            "{code: own_dear, text: Dear: above three, outcome: refer}",
            "not YAML: a comma is missing, or a text with a ",
        ),
        ("{code: own_dear, text: \u201cDear, far\u201d, outcome: refer}", "'text' begins with \u201c"),
        (
            "{code: own_dear, text: Far \u201cor, dear\u201d, outcome: refer}",
            "'dear\u201d' has no value; a text with a comma ",
        ),
        ("{code: thin_file outcome: refer, missing: dti}", "not YAML: a comma is missing, or a text with a colon"),
        ("{code: thin_file; outcome: refer; missing: dti}", "not YAML: a comma is missing, or a text with a colon"),
        (
            "{code: thin_file, outcome: refer, missing: dti",
            "not YAML: a brace that is opened here is not closed in its",
        ),
        (
            "{code:thin_file, outcome: refer, missing: dti}",
            "'code:thin_file' has no value; a name stands before a colon",
        ),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, above: >=3}",
            "not YAML: no sign is written: above: 3 is ",
        ),
        ("{code: lti_elevated, outcome: refer, feature: lti > 3}", "'lti > 3' is no feature known; no sign is written"),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, at_least: 3}",
            "'at_least' is not known in a row of rules; e",
        ),
        (
            "{code: lti_elevated, outcome: refer, feature: loan_to_income}",
            "'loan_to_income' is no feature here: did you m",
        ),
        ("{code: lti_elevated, outcome: refer, feature: [lti, dti]}", "'feature' must be one word"),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, above: 10,00,000}",
            "'00' has no value; a number has a decim",
        ),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, above: 10 lakh}",
            "'above' must be a finite number: 10 lakh: ",
        ),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, above: Rs 500}",
            "'above' must be a finite number: Rs 500: no ",
        ),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, above: 8#x}",
            "'above' must be a finite number: 8#x: a space ",
        ),
        (
            "{code: lti_elevated, outcome: approve, feature: lti, above: 3}",
            "'approve' is no outcome here: only the bands ",
        ),
        (
            "{code: lti_elevated, outcome:, feature: lti, above: 3}",
            "'outcome' has no value; expected one behind the colon",
        ),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, above: 3, size: 1}",
            "'size' is not known in a row of rules; it",
        ),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, above: 3, loan_above: 1}",
            "'loan_above' is not known in a row",
        ),
        (
            "{code: lti_elevated, outcome: refer, feature: lti, above: 3, missing: dti}",
            "a rule needs exactly one of feature",
        ),
        (
            "{code: penalty_cibil_low, outcome: refer, missing: dti}",
            "'penalty_cibil_low' is no code here: it is one of pen",
        ),
        (
            "{code: currency_not_modelled, outcome: refer, missing: dti}",
            "'currency_not_modelled' is no code here: no row m",
        ),
        ("{code: OWN_dear, outcome: refer, missing: dti}", "'OWN_dear' is no code of your own: own_ and up to 60"),
        ("{code: own-dear, outcome: refer, missing: dti}", "'own-dear' is no code of your own: own_ and up to 60"),
        (
            "{code: income_gap, outcome: refer, income_gap: 0.2}",
            "income_gap must be a mapping of names to values, as {diff",
        ),
        (
            "{code: beyond_training_range, outcome: refer, beyond: lti}",
            "'lti' is no beyond known; expected training_range, ",
        ),
        (
            "thin_file",
            "a row of rules must be a mapping of names to values, as {code: thin_file, outcome: refer, missing",
        ),
        ("", "'a row' has no value; a - stands before a row"),
    ],
)
def test_a_row_that_is_mistyped_is_told_with_its_line(row, says):
    """What was done and what is expected, in the line in which the row stands."""
    said = refusal(with_row(row))
    assert said.startswith(f"line {HERE}: {says}")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        (TEMPLATE.partition("\nrules:\n")[2], "", "\nrules:", "'rules' has no value; if there are none: rules: []"),
        ("\nrules:\n", "\nrules: none\nmore:\n", "\nrules:", "'rules' must be a list; if there are none: rules: []"),
        (
            "points:\n  score: 600\n  pdo: 20",
            "points:",
            "\npoints:",
            "'points' has no value; expected score and pdo, in",
        ),
        (
            "  approve: 0.7",
            " approve: 0.7",
            "  approve: 0.7",
            "not YAML: the line before has no colon behind its name, or",
        ),
        (
            "  approve: 0.7",
            "  approve = 0.7",
            "  approve: 0.7",
            "not YAML: the line before has no colon behind its name, or",
        ),
        ("  pdo: 20", "  pdo:20", "  score: 600", "not YAML: a name stands before a colon and a space"),
        (
            LIMIT,
            LIMIT[1:],
            LIMIT[:-1],
            "not YAML: it is indented otherwise than what stands above it, or a row has no -",
        ),
        (LIMIT, LIMIT.replace("- ", "  "), LIMIT[:-1], "not YAML: it is indented otherwise than what stands above"),
        (
            "  decline: 0.3",
            "  refer: 0.5\n  decline: 0.3",
            "  approve: 0.7",
            "'refer' is not known in bands; between the ",
        ),
        (LIMIT, LIMIT + "  // no more\n", LIMIT[:-1], "not YAML: a comment begins with #"),
        (
            LIMIT,
            LIMIT.replace("-", "\u2013"),
            LIMIT[:-1],
            "not YAML: a long dash: the sign before a row is the hyphen, -",
        ),
        ("  pdo: 20", "  pdo:\u00a020", "  pdo: 20", "not YAML: a space of a word processor (U+00A0)"),
        ("  pdo: 20", "\u00a0 pdo: 20", "  pdo: 20", "a space of a word processor (U+00A0)"),
        ("name: template", "name: rural #2", "name: template", "'name' ends before #, which begins a comment"),
    ],
)
def test_a_part_that_is_mistyped_is_told_with_a_line_near_it(old, new, at, says):
    """Where YAML itself gives up a line later, the hint speaks of the line before."""
    assert old in TEMPLATE
    found = re.fullmatch(r"line (\d+): (.*)", refusal(TEMPLATE.replace(old, new, 1)))
    assert found[2].startswith(says)
    assert abs(int(found[1]) - line_with(at)) <= 2


def test_every_name_of_a_policy_is_known_as_one():
    """A name that no part of a policy has is told as such, before what is missing beside it."""
    rows = re.sub(r"#.*|\".*?\"", "", TEMPLATE)
    assert set(re.findall(r"(\w+):", rows)) <= NAMES


@settings(deadline=None, max_examples=2 * settings.default.max_examples)
@given(
    st.integers(0, len(TEMPLATE)),
    st.integers(0, 12),
    st.text("\"'{}[]:,#-*&!|>%@ \n\t\u00a0\u201c0.xe", max_size=4),
)
def test_whatever_is_typed_where_it_is_taken_or_refused_in_one_line(at, away, typed):
    """No slip of an author ends in anything but a policy, or one line that names a line of the document."""
    text = TEMPLATE[:at] + typed + TEMPLATE[at + away :]
    said = "line 1: good"
    try:
        parse_policy(text)
    except PolicyError as error:
        said = str(error)
    found = re.fullmatch(r"line (\d+): [^\n]+", said)
    assert 1 <= int(found[1]) <= text.count("\n") + 2
