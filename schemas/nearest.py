"""The known names that somebody may have meant."""

from collections.abc import Iterable

from rapidfuzz.distance import OSA

LONGEST = 64
"""A longer word is no slip of the pen; looking for its like would cost whoever reads it."""

LETTERS_A_SLIP = 4
"""A slip of the pen in every four letters that are begun: one in a word of three, two in one of five."""


def slips(word: str, known: Iterable[str]) -> list[str]:
    """Those of `known` that `word` is a slip of: another case, other joints between words, a letter or two wrong.

    Several where it is as near to each.

    >>> slips("LOAN-AMOUNT", ["loan_amount", "loan_term"]), slips("anual_income", ["annual_income"])
    (['loan_amount'], ['annual_income'])
    >>> slips("lit", ["dti", "lti", "acr"]), slips("mood", ["lti"]), slips("favourite_colour", ["loan_amount"])
    (['lti'], [], [])
    """
    if len(word) > LONGEST:
        return []
    typed = plain(word)
    most = -(-len(typed) // LETTERS_A_SLIP)
    away = {name: OSA.distance(typed, plain(name), score_cutoff=most) for name in known}
    least = min(away.values(), default=most + 1)
    return [name for name in away if away[name] == least <= most]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The first name that `word` is a slip of (`slips`).

    >>> nearest("anual_income", ["annual_income", "loan_amount"])
    'annual_income'
    """
    return next(iter(slips(word, known)), None)


def plain(word: str) -> str:
    """A word without what people write in different ways: case, joints, space at its ends.

    >>> plain(" Loan-Amount")
    'loan_amount'
    """
    return "_".join(word.strip().casefold().replace("-", " ").replace("_", " ").replace(".", " ").split())
