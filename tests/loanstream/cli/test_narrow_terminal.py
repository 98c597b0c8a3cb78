"""Tables on a terminal of 60 columns."""

import io

import pytest
from rich.console import Console

from loanstream.cli.decisions import decisions_table
from loanstream.terminal import table


def printed(shown, width):
    out = io.StringIO()
    Console(file=out, width=width).print(shown)
    return out.getvalue()


def row(tenant="bank-a", application="example-0001"):
    said = "The loan amount is 2.5 times the annual income."
    words = {"tenant": tenant, "application_id": application, "outcome": "decline", "first_reason": said}
    return words | {
        "revision": 1,
        "conflict": False,
        "human_decision": None,
        "p_calibrated": 0.12344,
        "score_final": 0.1,
    }


@pytest.mark.parametrize("tenants", [("bank-a", "bank-a"), ("bank-a", "bank-b")])
def test_no_outcome_number_or_id_is_broken_on_a_narrow_terminal(tenants):
    """Sentences give way, and columns that `show` tells too; the bank stays, in every row or once above them."""
    text = printed(decisions_table([row(tenant) for tenant in tenants], 60), 60)
    for word in ("decline", "0.1234", "example-0001", "probability", *tenants):
        assert word in text
    assert max(len(line) for line in text.splitlines()) <= 60
    assert "revision" not in text


def test_a_wide_terminal_has_every_column():
    """Nothing is left out where there is room."""
    text = printed(decisions_table([row()], 100), 100)
    assert all(word in text for word in ("tenant", "bank-a", "revision", "score"))


def test_no_decisions_are_an_empty_table():
    """A stack without decisions is no error."""
    assert "The latest 0 decisions" in printed(decisions_table([], 60), 60)


def test_a_long_id_is_broken_rather_than_cut():
    """An id of the greatest length is all there."""
    text = printed(table("", "application", "first reason", rows=[("x" * 64, "because")]), 60)
    assert text.count("x") == 64
