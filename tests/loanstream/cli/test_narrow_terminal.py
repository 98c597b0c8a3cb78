"""Tables on a terminal of 60 columns."""

import io

import pytest
from rich.console import Console

from loanstream.cli.decisions import decisions_table
from loanstream.terminal import emit, table


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


LONG = "Why it was not approved, in a sentence that goes on and on, with a path such as /srv/" + "loans/" * 20


def test_a_table_in_a_pipe_takes_100_columns_and_loses_nothing(capsys):
    """Whoever pages or mails what a command prints reads it without scrolling sideways."""
    rows = [(f"application-{number:012}", "decline", LONG, LONG, 0.25) for number in range(3)]
    emit(None, table("title", "application", "outcome", "first reason", "mend", "score", rows=rows), as_json=False)
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= 100
    assert said.count("decline") == 3
    letters = [char for char in said if char.isalnum()]
    assert len(letters) >= 3 * 2 * sum(char.isalnum() for char in LONG)


def test_lines_that_are_laid_out_are_printed_as_they_are(capsys):
    """A path that is longer than a line stays in one piece, to be copied."""
    path = "/srv/" + "loans/" * 20
    emit(None, ("ok  disk", f"    {path}"), as_json=False)
    assert capsys.readouterr().out == f"ok  disk\n    {path}\n"
