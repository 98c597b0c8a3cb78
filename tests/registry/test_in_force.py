"""What a start says on a state that decides with something else already."""

import pytest

from registry.history import InForce
from registry.in_force import in_force_note
from registry.publish import Published
from schemas.operations import ACTIVATION_LEAD_MS, Activation
from stores.artefacts import ArtefactStore, artefact_name

BUNDLE, STANDARD, PAPER = (f"sha256:{digit * 64}" for digit in "123")
NAMES = {BUNDLE: "default", STANDARD: "standard", PAPER: "paper"}.get


def published(at_ms, tenant=None, bundle_id=BUNDLE, policy_id=STANDARD):
    made = Activation(
        activation_id="00000000-0000-4000-8000-000000000000",
        tenant=tenant,
        bundle_id=bundle_id,
        policy_id=policy_id,
        actor="test",
        reason="test",
    )
    return Published(made, at_ms)


FIRST = published(1_700_000_000_000)
LATER = 1_700_000_000_000 + 10 * ACTIVATION_LEAD_MS


def test_a_start_that_asks_for_what_decides_already_hears_nothing():
    """Nothing is said where the options are in force."""
    assert in_force_note([FIRST], ["bank-a", "bank-b"], InForce(BUNDLE, STANDARD), LATER, NAMES) is None


def test_a_start_that_asks_for_another_policy_hears_which_one_decides():
    """The policy and bundle in force are named, since when, and what the options are for."""
    said = in_force_note([FIRST], ["bank-a"], InForce(BUNDLE, PAPER), LATER, NAMES)
    assert said == (
        "bank-a is decided with policy standard and bundle default since 2023-11-14T22:13:20.000Z; "
        "--policy and --bundle are for a state's first activation"
    )


def test_the_bank_that_differs_is_named():
    """One bank's own activation is no matter of the others."""
    own = published(FIRST.at_ms + 1, "bank-b", None, PAPER)
    coming = published(LATER, "bank-b", None, STANDARD)
    said = in_force_note([FIRST, own, coming], ["bank-a", "bank-b"], InForce(BUNDLE, STANDARD), LATER, NAMES)
    assert said.startswith("bank-b is decided with policy paper and bundle default since 2023-11-14T22:13:20.001Z")


@pytest.mark.parametrize(
    ("file", "content"), [("policy.yaml", b"name: mine\n"), ("manifest.json", b'{"name": "mine"}')]
)
def test_artefacts_are_named_as_they_name_themselves(tmp_path, file, content):
    """A policy or bundle in the store has its name; another has none."""
    ArtefactStore(tmp_path).put(BUNDLE, {file: content})
    named = artefact_name(ArtefactStore(tmp_path))
    assert (named(BUNDLE), named(PAPER)) == ("mine", None)
