"""A file as numbered lines of text, and what is wrong with a line, in words for the one who sent the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemas.topics import APPLICATION_MAX_BYTES

FOUND_MAX = 60
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Place = Literal["line", "item"]


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with one field of one line (`line` counts from 1), or with the line itself (`field` is None).

    In a file that is one JSON value the `place` is an item of it, since its lines mean nothing. `found` holds what the
    file says: it is for the sender's own terminal, never for a log.
    """

    line: int
    field: str | None
    expected: str
    found: str | None = None
    place: Place = "line"

    def __str__(self) -> str:
        """One line of text.

        >>> str(LineError(3, "cibil_score", "at most 900", "7800"))
        'line 3, cibil_score: expected at most 900, found 7800'
        """
        place = f"{self.place} {self.line}" + (f", {self.field}" if self.field else "")
        return f"{place}: expected {self.expected}" + (f", found {self.found}" if self.found is not None else "")


class FileRefusedError(Exception):
    """The file cannot be read any further; `error` says from which line on, and why."""

    def __init__(self, error: LineError) -> None:
        super().__init__(str(error))
        self.error = error


def shown(value: object) -> str:
    """A found value in quotes, cut to what a terminal's line takes.

    >>> shown("a" * 100)[-4:], shown(12)
    ("a'..", '12')
    """
    text = repr(value[: FOUND_MAX + 1] if isinstance(value, str) else value)
    return text if len(text) <= FOUND_MAX + 2 else f"{text[:FOUND_MAX]}{text[0]}.."


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line with its number and without its end; no line is held that is larger than a record may be.

    Raises `FileRefusedError` at a line that is not UTF-8 or larger than a record, and for a file without a line.
    """
    number = 0
    with path.open("rb") as file:
        while line := file.readline(APPLICATION_MAX_BYTES + 1):
            number += 1
            if len(line) > APPLICATION_MAX_BYTES:
                raise FileRefusedError(LineError(number, None, f"at most {APPLICATION_MAX_BYTES} bytes a line"))
            try:
                text = line.removeprefix(BYTE_ORDER_MARK if number == 1 else b"").decode("utf-8")
            except UnicodeDecodeError as error:
                found = f"byte 0x{line[error.start]:02x} at position {error.start + 1}"
                raise FileRefusedError(LineError(number, None, "text in UTF-8", found)) from None
            yield number, text.rstrip("\r\n")
    if number == 0:
        raise FileRefusedError(LineError(1, None, "at least one line", "an empty file"))
