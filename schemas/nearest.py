"""The known name that somebody may have meant."""

from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

LONGEST = 64
"""A longer word is no slip of the pen; looking for its like would cost whoever reads it."""

LIKENESS = 0.78


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `word` is a slip of: another case, other joints between words, a letter or two wrong.

    >>> nearest("LOAN-AMOUNT", ["loan_amount", "loan_term"]), nearest("anual_income", ["annual_income"])
    ('loan_amount', 'annual_income')
    >>> nearest("favourite_colour", ["loan_amount"]) is None
    True
    """
    if len(word) > LONGEST:
        return None
    plain = {_plain(name): name for name in known}
    found = process.extractOne(
        _plain(word), list(plain), scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=LIKENESS
    )
    return plain[found[0]] if found else None


def _plain(word: str) -> str:
    return "_".join(word.strip().casefold().replace("-", " ").replace("_", " ").replace(".", " ").split())
