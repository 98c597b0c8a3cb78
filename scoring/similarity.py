"""Whether two texts name the same person, employer or number."""

from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from scoring.alignment import Alignment, align, between, in_full
from scoring.words import is_initial, words

NAME_MATCH = 84.0
"""From here up two names are the same; measured on hard pairs."""

NAME_NEAR = 70.0
"""From here up to NAME_MATCH a person has to look: a mismatch with the label `near_match`."""

NEAR_MATCH = "near_match"

CLOSE = 75.0
"""One name of several, or initials alone: too little to be the same person, and a person should look."""

ENOUGH = 2
"""Names that agree in full before an initial stands for a third, or a middle name may be left out."""

EQUAL = 100.0

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "shri", "smt", "sri", "kum", "prof"})
_LEGAL_FORMS = frozenset(
    {
        "ltd",
        "limited",
        "pvt",
        "private",
        "inc",
        "incorporated",
        "llp",
        "llc",
        "plc",
        "gmbh",
        "ag",
        "co",
        "company",
        "corp",
    }
)
_FOLD_LOOKALIKES = str.maketrans({"i": "l", "1": "l", "0": "o"})


def person_similarity(claimed: str, found: str) -> float:
    """How alike two persons' names are, 0 to 100: names in full are aligned with names in full, then initials with
    names that they begin, and the weakest pair decides: one differing name is not outvoted by the others.

    An initial stands for a name, or a middle name is left out, where two other names agree in full and no name is left
    over. One name, with its initials or none, has to be equal as a whole. All else that does not contradict is CLOSE: a
    name and an initial are many persons'. Letters that readers confuse (I, l, 1) count as equal.

    >>> person_similarity("Anita R. Iyer", "IYER ANITA RAMESH"), person_similarity("Anita Iyer", "Anita Ramesh Iyer")
    (100.0, 100.0)
    >>> person_similarity("S. Kumar", "Suresh Kumar"), person_similarity("Anita Rao", "Anita R. Sharma")
    (75.0, 75.0)
    >>> person_similarity("Rajesh Sharma", "Suresh Sharma") < 70
    True
    """
    a, b = sorted((_tokens(claimed, _TITLES), _tokens(found, _TITLES)), key=lambda tokens: (len(tokens), tokens))
    if not a:
        return 0.0
    aligned = align(a, b)
    left_a, left_b = aligned.left
    weakest = min((pair.alike for pair in aligned.names), default=100.0)
    if left_a and left_b:
        return min(weakest, max(in_full(a[i], b[j]) for i in left_a for j in left_b))
    return weakest if _says_who(a, b, aligned) else min(weakest, CLOSE)


def organisation_similarity(claimed: str, found: str) -> float:
    """How alike two employers' names are, 0 to 100, whatever their legal forms and order of words.

    >>> organisation_similarity("Meridian Textiles Pvt. Ltd.", "MERIDIAN TEXTILES PRIVATE LIMITED")
    100.0
    """
    a, b = _tokens(claimed, _LEGAL_FORMS), _tokens(found, _LEGAL_FORMS)
    return float(fuzz.token_sort_ratio(" ".join(a), " ".join(b)))


def identifier_similarity(claimed: str, found: str) -> float:
    """How alike two identifiers are, 0 to 100, letters and digits alone; what has none of them is like nothing.

    >>> identifier_similarity("ABCDE-1234-F", "abcde1234f"), identifier_similarity("--", "-")
    (100.0, 0.0)
    """
    a, b = "".join(words(claimed)), "".join(words(found))
    return 100.0 * text_similarity(a, b) if a and b else 0.0


def text_similarity(a: str, b: str) -> float:
    """The paper's S: 1 - Levenshtein distance / length of the longer; 1 for two empty texts.

    >>> round(text_similarity("1250000", "125000"), 3)
    0.857
    """
    return float(Levenshtein.normalized_similarity(a, b))


def _says_who(a: Sequence[str], b: Sequence[str], aligned: Alignment) -> bool:
    """Whether names of which nothing contradicts are enough to be one person's."""
    if len(aligned.names) < ENOUGH:
        # So little has to be equal: S. Kumar is not S. Kumari.
        return [pair.alike for pair in aligned.names] == [EQUAL] and not aligned.guesses and not any(aligned.left)
    pairs = [(pair.a, pair.b) for pair in aligned.names]
    longer = b
    if aligned.left[0]:
        longer, pairs = a, [(j, i) for i, j in pairs]
    names = [position for position, word in enumerate(longer) if not is_initial(word)]
    if set(names) & {*aligned.left[0], *aligned.left[1]}:
        return not aligned.guesses and between([names.index(j) for _, j in sorted(pairs)], len(names))
    return True


def is_near(alike: float, match: float = NAME_MATCH) -> bool:
    """Whether two texts that do not match are so alike that a person has to look."""
    return NAME_NEAR <= alike < match


@lru_cache(maxsize=4096)
def _tokens(text: str, without: frozenset[str]) -> tuple[str, ...]:
    return tuple(token.translate(_FOLD_LOOKALIKES) for token in words(text, without))
