"""A policy's own reasons: a code and a sentence of the bank's, beside those of `schemas.reasons`.

The sentence is part of the policy's content, so of its id, and goes into every decision that it led to. Nobody else can
check that it is true of the condition beside it: that is its author's to answer for.
"""

import re

from schemas.reasons import OWN
from scoring.policy_spelling import fault_of_line

VALUE = "{value}"
"""Where the applicant's own number goes."""

_CODE = re.compile(rf"{OWN}[a-z0-9][a-z0-9_]{{0,59}}", re.ASCII)


def is_own(code: str) -> bool:
    """Whether a code is meant as a policy's own."""
    return code.startswith(OWN)


def fault_of_code(code: str) -> str | None:
    """What is wrong with a code that is meant as an own one; None where nothing is.

    >>> fault_of_code("own_far_from_branch"), fault_of_code("own_Far")
    (None, "'own_Far' is no code of your own: own_ and up to 60 lower-case letters, digits or '_'")
    """
    if _CODE.fullmatch(code):
        return None
    return f"{code!r} is no code of your own: {OWN} and up to 60 lower-case letters, digits or '_'"


def fault_of_sentence(text: str, *, about_a_number: bool) -> str | None:
    """What is wrong with an own reason's sentence; None where nothing is.

    `{value}` may stand in it once, where its condition looks at a number (`about_a_number`); no other brace may.

    >>> fault_of_sentence("The loan is {value} times a year's income.", about_a_number=True)
    >>> fault_of_sentence("The loan is {amount}.", about_a_number=True)
    "has a brace: expected none but {value}, once, for the applicant's number"
    """
    if fault := fault_of_line(text):
        return fault
    rest = text.replace(VALUE, "", 1)
    if "{" in rest or "}" in rest:
        return f"has a brace: expected none but {VALUE}, once, for the applicant's number"
    if rest != text and not about_a_number:
        return f"has {VALUE}, and its condition looks at no number"
    return None
