"""What a start says on a state that decides with something else already."""

import pytest
from control_records import LEAD, put

from registry.in_force import Asked, in_force_note
from stores.artefacts import ArtefactStore, artefact_name

BUNDLE, STANDARD, PAPER = (f"sha256:{digit * 64}" for digit in "123")
NAMES = {BUNDLE: "default", STANDARD: "standard", PAPER: "paper"}.get
ASKED_PAPER, ASKED_STANDARD = Asked("policy", "my paper.yaml", PAPER), Asked("policy", "standard", STANDARD)


FIRST = put(1_700_000_000_000, bundle=BUNDLE, policy=STANDARD)
LATER = 1_700_000_000_000 + 10 * LEAD


def note(history, tenants, *asked, now_ms=LATER):
    return in_force_note(history, tenants, asked, now_ms, NAMES)


def test_a_start_that_asks_for_what_decides_already_hears_nothing():
    """Nothing is said where the options are in force, nor where none was given."""
    assert note([FIRST], ["bank-a", "bank-b"], ASKED_STANDARD, Asked("bundle", "default", BUNDLE)) is None
    assert note([FIRST], ["bank-a", "bank-b"]) is None


def test_a_start_that_asks_for_another_policy_hears_which_one_decides_and_how_to_change_it():
    """One line: what is in force, and the command to be typed, with the name as it was written."""
    assert note([FIRST], ["bank-a"], ASKED_PAPER) == (
        "bank-a is decided with policy standard (222222222222) and bundle default (111111111111); "
        "to change that: loanstream activate policy 'my paper.yaml' --all-tenants --reason '...'"
    )


def test_the_bank_that_differs_is_named():
    """One bank's own activation is no matter of the others; what comes is told."""
    own = put(FIRST.at_ms + 1, "bank-b", None, PAPER)
    coming = put(LATER, "bank-b", "sha256:" + "4" * 64, None)
    said = note([FIRST, own, coming], ["bank-a", "bank-b"], ASKED_STANDARD)
    assert said.startswith(
        "bank-b is decided with policy paper (333333333333) and bundle default (111111111111), then "
    )
    assert "bundle 444444444444 from 2023-11-14T22:15:10.000Z on; to change that: " in said
    assert said.endswith("loanstream activate policy standard --tenant bank-b --reason '...'")


def test_bundle_and_policy_have_a_command_each():
    """Where both are asked for and neither decides; the other banks that are meant are named."""
    said = note([FIRST], ["bank-a", "bank-b"], ASKED_PAPER, Asked("bundle", "paper", PAPER))
    assert " (nor as asked: bank-b); to change that: " in said
    assert " and loanstream activate bundle paper --all-tenants " in said


def test_what_is_coming_as_asked_is_not_asked_for_again():
    """Within the lead of the activation that was asked for the state is on its way."""
    coming = put(LATER - 1, "bank-a", None, PAPER)
    assert note([FIRST, coming], ["bank-a"], ASKED_PAPER) is None


@pytest.mark.parametrize(
    ("file", "content"), [("policy.yaml", b"name: mine\n"), ("manifest.json", b'{"name": "mine"}')]
)
def test_artefacts_are_named_as_they_name_themselves(tmp_path, file, content):
    """A policy or bundle in the store has its name; another has none."""
    ArtefactStore(tmp_path).put(BUNDLE, {file: content})
    named = artefact_name(ArtefactStore(tmp_path))
    assert (named(BUNDLE), named(PAPER)) == ("mine", None)
