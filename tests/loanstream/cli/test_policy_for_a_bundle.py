"""A policy that names the bundle it is meant for is decided with that one, wherever none is named."""

import json
from importlib import resources

import pytest

from loanstream.install.steps import Wanted
from registry.named import load
from registry.pairs import fault_of_pair, meant_bundle
from schemas.problem import Problem
from scoring.bundle import load_bundle
from scoring.policy import PolicyError
from scoring.policy_document import parse_policy
from scoring.shipped import shipped_bundle_files, shipped_policy_text

MISMATCH = "policy paper is meant for bundle paper, and not for bundle default"


@pytest.fixture
def applications(tmp_path):
    """One application in a file."""
    path = tmp_path / "loans.json"
    path.write_bytes((resources.files("schemas") / "examples" / "loan.application.submitted.json").read_bytes())
    return path


@pytest.fixture
def own(tmp_path):
    """A policy that is meant for a bank's own bundle."""
    path = tmp_path / "own.yaml"
    path.write_text(shipped_policy_text("standard").replace("name: standard\n", "name: own\nbundle: rural-2026\n"))
    return path


def bundle_of(done):
    return json.loads(done.stdout)[0]["receipt"]["bundle_id"]


def test_a_file_is_scored_with_the_policys_bundle(loanstream, applications):
    """`--policy paper` alone gives the paper's decisions; without it, or with a policy for any, the default's."""
    ids = {name: load_bundle(shipped_bundle_files(name)).bundle_id for name in ("default", "paper")}
    for arguments, name in (((), "default"), (("--policy", "standard"), "default"), (("--policy", "paper"), "paper")):
        done = loanstream("score", applications, *arguments, "--json")
        assert (bundle_of(done), done.stderr) == (ids[name], "")


def test_another_bundle_that_is_asked_for_decides_and_is_told(loanstream, applications):
    """What would be decided by any pair may be looked at; nobody takes the answer for the paper's."""
    done = loanstream("score", applications, "--policy", "paper", "--bundle", "default", "--json")
    assert bundle_of(done) == load_bundle(shipped_bundle_files("default")).bundle_id
    assert done.stderr == f"{MISMATCH}; it decides here all the same\n"


def test_two_policies_are_compared_on_the_first_ones_bundle(loanstream, applications):
    """One model under both, or the difference would not be the policies'; whose it is not is told."""
    done = loanstream("score", applications, "--policy", "standard", "--against", "paper", "--json")
    assert f"{MISMATCH}; it decides here all the same\n" in done.stderr
    other = loanstream("score", applications, "--policy", "paper", "--against", "standard", "--json")
    assert MISMATCH not in other.stderr


def test_a_bundle_of_a_banks_own_has_to_be_named(loanstream, applications, own):
    """Where it lies nobody knows."""
    said = loanstream("score", applications, "--policy", own, code=1).stderr
    assert "policy own is meant for bundle rural-2026, which is not shipped: expected --bundle FOLDER" in said


def test_a_first_activation_takes_the_policys_bundle():
    """`up --policy paper` and `install --policy paper` begin with the pair that belongs together."""
    wanted = Wanted(None, None, "paper", actor="tests")
    assert wanted.first == {"bundle": "paper", "policy": "paper"}
    assert wanted.artefact_ids[0] == load_bundle(shipped_bundle_files("paper")).bundle_id
    assert Wanted(None, None, None, actor="tests").first == {"bundle": "default", "policy": "standard"}
    assert Wanted(None, "paper", None, actor="tests").first == {"bundle": "paper", "policy": "standard"}
    with pytest.raises(Problem, match=f"{MISMATCH}: expected --bundle paper, or another policy"):
        _ = Wanted(None, "default", "paper", actor="tests").artefact_ids


def test_a_policy_for_any_bundle_goes_with_each():
    """`standard` names none, so that a bank's own model is decided by it."""
    for bundle in ("default", "paper"):
        loaded, policy = load(bundle, "standard")
        assert (fault_of_pair(loaded, policy), policy.bundle) == (None, None)
    assert meant_bundle(policy) == "default"


def test_the_name_is_part_of_the_policy():
    """With another bundle it is another policy; without one it keeps the id that it always had."""
    text = shipped_policy_text("paper")
    named, other, none = (
        parse_policy(text.replace("bundle: paper\n", line)) for line in ("bundle: paper\n", "bundle: default\n", "")
    )
    assert len({named.policy_id, other.policy_id, none.policy_id}) == 3
    assert (named.bundle, other.bundle, none.bundle) == ("paper", "default", None)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("bundle: [paper]\n", "'bundle' must be one word"),
        ("bundle:\n", "'bundle' has no value"),
        ("bundel: paper\n", "'bundel' is not known in a policy; did you mean 'bundle'?"),
    ],
)
def test_a_slip_in_the_name_is_told_with_its_line(line, says):
    """As for every other key."""
    text = shipped_policy_text("paper")
    with pytest.raises(PolicyError) as refused:
        parse_policy(text.replace("bundle: paper\n", line))
    assert says in str(refused.value)
