"""Two names word by word: which word of the one is which of the other, and what is left that nobody claims."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from scoring.words import is_initial

ALIKE = 70.0
"""Two names in full that are less alike are two names, however a reader errs."""


class Pair(NamedTuple):
    """A word of the one name, by its position, with a word of the other, and how alike they are, 0 to 100."""

    a: int
    b: int
    alike: float


class Alignment(NamedTuple):
    """Names that agree in full, initials with names they may stand for, equal initials; and the positions left over."""

    names: tuple[Pair, ...]
    guesses: tuple[Pair, ...]
    initials: tuple[Pair, ...]
    left: tuple[tuple[int, ...], tuple[int, ...]]


def align(a: Sequence[str], b: Sequence[str]) -> Alignment:
    """Names go first: an initial takes no name that stands in full on both sides. Of each kind the most alike go first.

    >>> align(("anita", "rao"), ("anita", "r", "sharma"))[1:]
    ((Pair(a=1, b=1, alike=100.0),), (), ((), (2,)))
    """
    left = list(range(len(a))), list(range(len(b)))
    names, guesses, initials = (tuple(_take(kind, a, b, left)) for kind in (in_full, _guess, _same_initial))
    return Alignment(names, guesses, initials, (tuple(left[0]), tuple(left[1])))


def between(order: Sequence[int], count: int) -> bool:
    """Whether names left over stand between others: middle names, and no surname. `order`: where those that agree stand
    among the `count` names, in the order of the other side. A name may begin with its surname.

    >>> between([0, 2], 3), between([1, 0], 3), between([0, 1], 3)
    (True, True, False)
    """
    turned = [(position - order[0]) % count for position in order]
    return turned == sorted(turned) and turned[-1] == count - 1


def in_full(a: str, b: str) -> float:
    """How alike two words are, 0 to 100; an initial stands for nothing."""
    return 0.0 if is_initial(a) or is_initial(b) else float(fuzz.ratio(a, b))


def _guess(a: str, b: str) -> float:
    """An initial and a name that begins with it."""
    short, long = sorted((a, b), key=len)
    return 100.0 * (is_initial(short) and not is_initial(long) and long.startswith(short))


def _same_initial(a: str, b: str) -> float:
    return 100.0 * (a == b and is_initial(a))


def _take(
    kind: Callable[[str, str], float], a: Sequence[str], b: Sequence[str], left: tuple[list[int], list[int]]
) -> Iterator[Pair]:
    pairs = [pair for i in left[0] for j in left[1] if (pair := Pair(i, j, kind(a[i], b[j]))).alike >= ALIKE]
    for pair in sorted(pairs, key=lambda pair: -pair.alike):
        if pair.a in left[0] and pair.b in left[1]:
            left[0].remove(pair.a)
            left[1].remove(pair.b)
            yield pair
