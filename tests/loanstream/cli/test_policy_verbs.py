"""A policy's author begins with a document that explains itself, and sees what differs from another."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanstream.cli.policy_difference import differences
from loanstream.cli.policy_sentences import figure
from loanstream.cli.policy_template import template_text
from registry.named import named_policy, policy_text
from schemas.problem import Problem
from scoring.policy_document import _CONDITIONS, parse_policy
from scoring.shipped import POLICIES

WIDE = 100


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fits(text: str) -> bool:
    return all(len(line) <= WIDE for line in text.splitlines())


@pytest.mark.parametrize(("named", "file"), [((), "my-policy.yaml"), (("rural",), "rural.yaml"), (("a.yml",), "a.yml")])
def test_a_new_policy_is_written_and_passes_its_check(loanstream, here, named, file):
    """A name becomes a file in this directory; what was written can be checked, shown and used at once."""
    said = loanstream("policy", "init", *named).stdout
    assert said == f"{file}; next: loanstream policy check {file}\n"
    assert loanstream("policy", "check", file).stdout.startswith("good: sha256:")
    assert named_policy(file).name == Path(file).stem


def test_a_policy_named_like_a_number_is_a_word(loanstream, here):
    """The name is put in quotes."""
    loanstream("policy", "init", "2026")
    assert named_policy("2026.yaml").name == "2026"


def test_no_file_is_ever_written_over(loanstream, here):
    """What an author wrote stays, also behind a link, and one line says so."""
    Path("mine.yaml").write_text("name: mine\n")
    Path("link.yaml").symlink_to("mine.yaml")
    Path("nowhere.yaml").symlink_to("not-there.yaml")
    for named in ("mine", "mine.yaml", "link", "nowhere"):
        done = loanstream("policy", "init", named, code=1)
        assert "is there already, and stays as it is" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert Path("mine.yaml").read_text() == "name: mine\n"
    assert not Path("not-there.yaml").exists()


@pytest.mark.parametrize("named", ["standard", "paper.yaml", "two words", "-", "folder/new"])
def test_a_name_that_cannot_be_used_is_told_in_one_line(loanstream, here, named):
    """A shipped policy's name would go on to mean that one."""
    done = loanstream("policy", "init", "--", named, code=1)
    assert len(done.stderr.splitlines()) == 1
    assert list(here.iterdir()) == []


def test_the_template_explains_every_key():
    """Each name that a policy may hold stands in a comment above the rows that use it, and in a row."""
    comments = "\n".join(re.findall(r"#.*", template_text()))
    rows = re.sub(r"#.*", "", template_text())
    keys = set(re.findall(r"(\w+):", rows))
    assert keys >= {*_CONDITIONS, "loan_above", "difference_above", "similarity_below", "instead_of", "group", "text"}
    unexplained = {key for key in keys if not re.search(rf"\b{key}\b", comments)}
    assert unexplained <= {"name", "points", "bands", "penalties", "rules"}
    assert fits(template_text())


def test_the_template_is_a_sound_policy():
    """It passes the check as it stands."""
    assert parse_policy(template_text()).name == "template"


def test_a_policy_does_not_differ_from_itself(loanstream):
    """Exit code 0, as for two files that differ in comments alone."""
    assert loanstream("policy", "diff", "standard", "standard").stdout.endswith("\nthe same policy\n")


def test_differences_are_sentences_with_both_sides(loanstream, here):
    """Bands, penalties and rules: what one side alone has, and how the two sides differ; exit code 1."""
    text = policy_text("standard").replace("approve: 0.7,", "approve: 0.7000001,").replace("size: 0.35", "size: 0.4")
    text = re.sub(r".*penalty_acr_low.*\n", "", text)
    Path("b.yaml").write_text(
        text.replace("\nrules:", "\nrules:\n  - {code: lti_elevated, outcome: refer, feature: lti, above: 3}")
    )
    said = loanstream("policy", "diff", "standard", "b.yaml", code=1).stdout
    assert fits(said)
    told = " ".join(said.split())
    assert "differs bands: in A approve above 0.7, decline" in told
    assert "in B approve above 0.7000001, decline" in told
    assert (
        "differs penalty_lti_high: in A -0.35 if LTI above 6 (group lti) in B -0.4 if LTI above 6 (group lti)" in told
    )
    assert "A alone penalty_acr_low: -0.08 if ACR below 0.5" in told
    assert "B alone lti_elevated: refer if LTI above 3" in told


def test_differences_are_plain_data_too(loanstream):
    """One JSON value, by part and code, with both ids."""
    found = json.loads(loanstream("policy", "diff", "standard", "paper", "--json", code=1).stdout)
    assert not found["same"]
    assert {found[side]["named"] for side in "ab"} == {"standard", "paper"}
    alone = {row["code"]: (row["a"] is None, row["b"] is None) for row in found["differences"] if row["part"] == "rule"}
    assert alone["income_gap"] == (True, False)
    assert alone["lti_above_limit"] == (False, True)


@pytest.mark.parametrize("name", POLICIES)
@given(data=st.data())
def test_two_policies_differ_exactly_where_their_ids_do(name, data):
    """No change that would decide otherwise goes untold, and each side of what changed reads otherwise."""
    policy = parse_policy(policy_text(name))
    changed = replace(
        policy,
        penalties=tuple(data.draw(st.permutations(policy.penalties))),
        rules=tuple(data.draw(st.permutations(policy.rules)))[: data.draw(st.integers(0, len(policy.rules)))],
        bands=replace(policy.bands, approve=data.draw(st.sampled_from([policy.bands.approve, 0.71, 0.7000000000001]))),
    )
    found = differences(policy, changed)
    assert (found == []) == (policy.policy_id == changed.policy_id)
    assert all(one.a != one.b for one in found)


@given(st.floats(0, 1e13, allow_nan=False))
def test_a_number_is_told_as_it_is(value):
    """Every digit that counts is shown."""
    assert float(figure(value).replace(",", "")) == value


def test_an_error_names_the_file_and_the_line_on_stderr(loanstream, here):
    """Of two policies a person knows which is wrong."""
    Path("wrong.yaml").write_text(policy_text("standard").replace("above: 6,", "above: 6:30,"))
    says = "wrong.yaml: line 14: 'above' must be a finite number: 6:30: YAML reads a colon in base 60\n"
    assert loanstream("policy", "check", "wrong.yaml", code=1).stderr == says
    for verb in (("show", "wrong.yaml"), ("diff", "standard", "wrong.yaml")):
        assert loanstream("policy", *verb, code=1).stderr == f"loanstream: {says}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (policy_text("paper").encode("utf-16"), "UTF-16"),
        (policy_text("paper").encode("utf-16-le"), "U+0000"),
        (b"\xef\xbb\xbf" + policy_text("paper").encode(), None),
        (policy_text("paper").replace("\n", "\r\n").encode(), None),
    ],
    ids=["UTF-16", "UTF-16 without mark", "byte order mark", "CRLF"],
)
def test_how_a_file_is_encoded_is_told_or_does_not_matter(here, content, says):
    """UTF-8 with or without a mark and any end of line is read; UTF-16 is named."""
    Path("p.yaml").write_bytes(content)
    if says is None:
        assert named_policy("p.yaml") == named_policy("paper")
    else:
        with pytest.raises(Problem, match=re.escape(says)):
            named_policy("p.yaml")


def test_an_own_sentence_is_shown_as_it_was_written(loanstream, here):
    """Brackets and colons are no markup."""
    said = "The loan is [/b] :smile: [red]large[/red], we regret."
    text = template_text().replace(
        "The application names {value} dependents, more than this product is meant for.", said
    )
    Path("own.yaml").write_text(text)
    assert said in " ".join(loanstream("policy", "show", "own.yaml").stdout.split())
