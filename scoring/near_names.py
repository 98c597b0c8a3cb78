"""What to say of a name that is not known."""

from collections.abc import Iterable

from rapidfuzz import fuzz

from schemas.nearest import plain, slips


def expected_names(name: str, known: Iterable[str], besides: str = "") -> str:
    """What to say of an unknown name: what it is a slip of, else all that are known, the nearest first, and `besides`.

    >>> expected_names("aprove", ["approve", "decline"]), expected_names("cibil", ["lti", "cibil_score"])
    ("did you mean 'approve'?", 'expected one of cibil_score, lti')
    """
    names = list(known)
    if meant := slips(name, names):
        return f"did you mean {' or '.join(map(repr, meant))}?"
    likely = sorted(names, key=lambda one: -fuzz.ratio(plain(name), plain(one)))
    return f"expected {'one of ' if len(likely) > 1 else ''}{', '.join(likely)}{besides}"
