"""What a mistyped name may have been meant for."""

from collections.abc import Iterable

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

LONGEST = 64
"""Characters that are compared; nothing in a policy has a longer name."""


def slips(name: str, known: Iterable[str]) -> list[str]:
    """The known names that a slip or two of the fingers would make of this: one in a short word, more in a long one.

    >>> slips("lit", ["dti", "lti", "acr"]), slips("Aprove", ["approve"]), slips("mood", ["lti"])
    (['lti'], ['approve'], [])
    """
    away = {one: OSA.distance(_plain(name), _plain(one)) for one in known}
    least = min(away.values(), default=0)
    return [one for one in away if away[one] == least <= max(1, len(name) // 3)]


def expected_names(name: str, known: Iterable[str], besides: str = "") -> str:
    """What to say of an unknown name: what it is a slip of, else all that are known, the nearest first, and `besides`.

    >>> expected_names("aprove", ["approve", "decline"]), expected_names("cibil", ["lti", "cibil_score"])
    ("did you mean 'approve'?", 'expected one of cibil_score, lti')
    """
    names = list(known)
    if meant := slips(name, names):
        return f"did you mean {' or '.join(map(repr, meant))}?"
    nearest = sorted(names, key=lambda one: -fuzz.ratio(_plain(name), _plain(one)))
    return f"expected one of {', '.join(nearest)}{besides}"


def _plain(name: str) -> str:
    return name[:LONGEST].casefold().replace("_", " ").replace("-", " ")
