"""Whoever asks for a decision's story reads every reason whole."""

from loanstream.ask.story_text import _points, principal_lines

LONG = "The loan is 6.2 times a year's income, and branches in the hills lend at most three times as much to anybody."


def decision(*reasons):
    rows = [{"points": None, "decisive": False, "value": None, **reason} for reason in reasons]
    return {"base_points": 640.0, "final_points": 610.0, "reasons": rows}


def test_an_own_reason_is_told_whole_and_with_its_code():
    """A sentence of the bank's own is as long as it needs, and its code stands in no table to look up."""
    lines = _points(
        decision(
            {"code": "own_hills", "text": LONG, "decisive": True},
            {"code": "own_hills_penalty", "text": LONG, "points": -30.0},
            {"code": "lti_elevated", "text": "Large.", "decisive": True},
        ),
        80,
    )
    said = " ".join(" ".join(lines).split())
    assert f"decided by: {LONG} (own_hills)" in said
    assert "decided by: Large. " in said
    assert max(map(len, lines)) <= 80
    (counted,) = [line for line in lines if "-30.00" in line]
    at = lines.index(counted)
    told = " ".join(" ".join([counted[:60], *lines[at + 1 : -1]]).split())
    assert told == f"{LONG} (own_hills_penalty)"


def test_a_reason_without_words_keeps_its_points():
    """Nothing is left out of what adds up."""
    assert any("-30.00" in line for line in _points(decision({"code": "x", "text": "", "points": -30.0}), 80))


def test_what_an_applicant_is_told_stands_whole_and_numbered():
    """The weightiest first, whole on a narrow screen, then the loan that would have been approved; an approval, or a
    decision of a version that told none, has no such lines.
    """
    told = [{"factor": "loan_burden", "text": LONG}, {"factor": "collateral", "text": "The assets are few."}]
    lines = principal_lines({"principal_reasons": told, "recourse": {"text": "A loan of INR 5 would do."}}, 80)
    assert " ".join(" ".join(lines).split()) == (
        f"Principal reasons 1. {LONG} 2. The assets are few. Recourse: A loan of INR 5 would do."
    )
    assert max(map(len, lines)) <= 80
    assert principal_lines({"principal_reasons": None, "recourse": None}, 80) == principal_lines({}, 80) == []
