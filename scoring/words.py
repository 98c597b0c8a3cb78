"""The words of a text in any script, so written that the same word is the same string."""

import unicodedata
from collections.abc import Collection

_LEFT_OUT = (*range(1, 7), *range(10, 37), *range(200, 256))
"""Combining classes of what may be left out: accents, and the points of Hebrew and Arabic. Marks of other classes are
letters of their scripts: a vowel, a virama, a nukta, a voiced sound.
"""


def words(text: str, without: Collection[str] = ()) -> tuple[str, ...]:
    """The words in lower case without accents; those `without`, where there are others beside.

    A vowel sign belongs to its word.

    >>> words("Dr. José Núñez", without={"dr"}), len(words("सुनीता शर्मा"))
    (('jose', 'nunez'), 2)
    """
    found = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in _folded(text)).split()
    return tuple(word for word in found if word not in without) or tuple(found)


def is_initial(word: str) -> bool:
    """Whether a word is one letter with its vowel sign. An ideograph is a name.

    >>> is_initial("r"), is_initial("கி"), is_initial("王")
    (True, True, False)
    """
    letters = [char for char in word if not unicodedata.category(char).startswith("M")]
    return len(letters) <= 1 and not unicodedata.name(word[0], "").startswith("CJK")


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in decomposed if not _may_be_left_out(char))


def _may_be_left_out(char: str) -> bool:
    """Besides accents: a joiner, which shapes letters and is none."""
    return unicodedata.combining(char) in _LEFT_OUT or unicodedata.category(char) == "Cf"
