"""One idea of what a slip of the pen is, wherever a name is typed: events, files, policies, the command line."""

import pytest

from loanstream.dlq.asked import Asked
from producers.forms import COLUMNS
from schemas.nearest import LONGEST, nearest, slips
from schemas.problem import Problem
from scoring.features import FEATURES
from scoring.near_names import expected_names


@pytest.mark.parametrize("known", [COLUMNS, FEATURES], ids=["columns", "features"])
def test_every_name_is_found_by_a_slip_of_it(known):
    """A letter left out, a letter too many, two letters turned round, another case: each leads back to the name."""
    for name in known:
        for typed in (name[:2] + name[3:], f"{name}s", name[0] + name[2] + name[1] + name[3:], f" {name.upper()}"):
            assert name in slips(typed, known), typed
            assert nearest(typed, [name]) == name


@pytest.mark.parametrize("word", ["", "shoe_size", "risk", "x" * (LONGEST + 1), "favourite_colour"])
def test_what_is_no_slip_is_told_as_none(word):
    """A name that was never meant is not put into anybody's mouth; a policy's author then reads all that there are."""
    assert slips(word, FEATURES) == []
    assert nearest(word, FEATURES) is None
    assert expected_names(word, FEATURES).startswith("expected one of ")


def test_a_slip_of_two_names_is_told_with_both():
    """Whichever was meant is among them."""
    assert expected_names("cti", ["dti", "lti", "acr"]) == "did you mean 'dti' or 'lti'?"


def test_the_command_line_knows_the_same_slips():
    """A cause of dead letters is looked for as a field is."""
    with pytest.raises(Problem, match="did you mean not_json"):
        Asked(cause="NOT-JSN")
