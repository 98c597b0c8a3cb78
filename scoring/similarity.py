"""Whether two texts name the same person, employer or number."""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

CLOSE = 75.0
"""One name of several, or initials alone: too little to be the same person, and a person should look."""

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
_WORD = re.compile(r"\w+")


def person_similarity(claimed: str, found: str) -> float:
    """How alike two persons' names are, 0 to 100: tokens are aligned, initials match the names they begin, and the
    weakest token decides, so that one differing name is not outvoted by the others.

    Letters that readers confuse (I, l, 1) count as equal. At least one name has to stand in full on both sides.

    >>> person_similarity("Anita R. Iyer", "IYER ANITA RAMESH"), person_similarity("A. I.", "Anita Iyer")
    (100.0, 75.0)
    >>> person_similarity("Rajesh Sharma", "Suresh Sharma") < 70
    True
    """
    shorter, longer = sorted((_tokens(claimed, _TITLES), _tokens(found, _TITLES)), key=len)
    if not shorter:
        return 0.0
    left = list(longer)
    weakest, in_full = 100.0, False
    for token in sorted(shorter, key=len, reverse=True):
        best = max(left, key=lambda other: _token_similarity(token, other))
        weakest = min(weakest, _token_similarity(token, best))
        in_full = in_full or min(len(token), len(best)) > 1
        left.remove(best)
    if not in_full or (len(shorter) == 1 and len(longer) > 1):
        return min(weakest, CLOSE)
    return weakest


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
    a, b = _plain(claimed), _plain(found)
    return 100.0 * text_similarity(a, b) if a and b else 0.0


def text_similarity(a: str, b: str) -> float:
    """The paper's S: 1 - Levenshtein distance / length of the longer; 1 for two empty texts.

    >>> round(text_similarity("1250000", "125000"), 3)
    0.857
    """
    return float(Levenshtein.normalized_similarity(a, b))


def _token_similarity(a: str, b: str) -> float:
    if len(a) == 1 or len(b) == 1:
        return 100.0 if a[0] == b[0] else 0.0
    return float(fuzz.ratio(a, b))


@lru_cache(maxsize=4096)
def _tokens(text: str, without: frozenset[str]) -> tuple[str, ...]:
    tokens = [token for token in _WORD.findall(_ascii(text)) if token not in without]
    return tuple(token.translate(_FOLD_LOOKALIKES) for token in tokens)


def _plain(text: str) -> str:
    return "".join(_WORD.findall(_ascii(text))).upper()


def _ascii(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
