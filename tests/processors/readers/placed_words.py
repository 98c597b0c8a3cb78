"""Words at places of a page, without a PDF."""

from collections.abc import Iterable

from processors.readers.text.text_layer import Line, Word, group_lines


def words(text: str, x: float, y: float, *, right: bool = False) -> list[Word]:
    """Courier at 6 points a character, starting (or ending) at `x`, `y` points from the top."""
    left = x - 6 * len(text) if right else x
    result = []
    for word in text.split():
        result.append(Word(word, left, left + 6 * len(word), y, y + 10))
        left += 6 * len(word) + 6
    return result


def lines_of(placed: Iterable[list[Word]]) -> list[Line]:
    """The lines of page 1 that they make."""
    return group_lines(1, [word for some in placed for word in some])
