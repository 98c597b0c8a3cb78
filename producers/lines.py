"""A file as numbered lines of text, and what is wrong with a line, in words for the one who sent the file."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from schemas.topics import APPLICATION_MAX_BYTES

FOUND_MAX = 60
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Place = Literal["line", "item"]

NO_TEXT: Mapping[bytes, str] = {
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
    b"PK\x03\x04": "a spreadsheet or another zip file; save it as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet; save it as CSV in UTF-8",
    b"\x1f\x8b": "gzip; unpack it first",
    b"\x28\xb5\x2f\xfd": "zstd; unpack it first",
    b"%PDF": "a PDF",
    b"PAR1": "Parquet; write it as CSV or lines of JSON",
}
"""How files begin that are often taken for text -> what they are, and what to do."""

LINE_ENDS = ("lines that end in LF or CRLF", "a CR alone, as old Macs end lines; save it with LF")
"""What is expected, and what is said to have been found, where CR ends lines."""

_NAME = re.compile(r"[\w.-]{1,64}")
_UNDECODED = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with one field of one line (`line` counts from 1), or with the line itself (`field` is None).

    In a file that is one JSON value the `place` is an item of it, since its lines mean nothing. `found` holds what the
    file says: it is for the sender's own terminal, never for a log. A row of a CSV may have more lines, up to `last`.
    `of_file`: the file is none of applications, so that none of its lines is one.
    """

    line: int
    field: str | None
    expected: str
    found: str | None = None
    place: Place = "line"
    last: int | None = None
    of_file: bool = False

    @property
    def lines(self) -> range:
        """The lines that are refused for it: all of its own, and none of a file that was not read."""
        return range(self.line, self.line if self.of_file else (self.last or self.line) + 1)

    def __str__(self) -> str:
        """One line of text.

        >>> str(LineError(3, "cibil_score", "at most 900", "7800"))
        'line 3, cibil_score: expected at most 900, found 7800'
        >>> str(LineError(3, None, "13 values", "12", last=5))
        'lines 3 to 5: expected 13 values, found 12'
        """
        place = (
            f"{self.place}s {self.line} to {self.last}"
            if (self.last or self.line) > self.line
            else f"{self.place} {self.line}"
        )
        place += f", {self.field}" if self.field else ""
        return f"{place}: expected {self.expected}" + (f", found {self.found}" if self.found is not None else "")


class FileRefusedError(Exception):
    """The file cannot be read any further; `error` says from which line on, and why."""

    def __init__(self, error: LineError) -> None:
        super().__init__(str(error))
        self.error = error


def shown(value: object) -> str:
    """A found value as its file writes it, text in quotes, cut to what a terminal's line takes.

    >>> shown("a" * 100)[-4:], shown(12), shown({"b": True}), shown(None)
    ("a'..", '12', '{"b": true}', 'null')
    """
    if isinstance(value, str):
        text = repr(value[: FOUND_MAX + 1])
        return text if len(text) <= FOUND_MAX + 2 else f"{text[:FOUND_MAX]}{text[0]}.."
    text = json.dumps(value, ensure_ascii=False, default=str)
    printable = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text[: FOUND_MAX + 1])
    return printable if len(printable) <= FOUND_MAX else f"{printable[:FOUND_MAX]}.."


def shown_path(parts: Iterable[int | str]) -> str:
    """A path to a field, of which the sender may have named some parts.

    >>> shown_path(("documents", 0, "kind")), shown_path(("extensions", "a b"))
    ('documents.0.kind', "extensions.'a b'")
    """
    return ".".join(str(part) if _NAME.fullmatch(str(part)) else shown(part) for part in parts)


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line with its number and without its end; no line is held that is larger than a record may be.

    What is not UTF-8 in a line stays in it (as `surrogateescape` writes it): see `undecoded`. Raises `FileRefusedError`
    at a line larger than a record, for a file of another kind, and for one without a line.
    """
    number = 0
    with path.open("rb") as file:
        while line := file.readline(APPLICATION_MAX_BYTES + 1):
            number += 1
            if number == 1:
                _check_text(line)
                line = line.removeprefix(BYTE_ORDER_MARK)
            if len(line) > APPLICATION_MAX_BYTES:
                if b"\r" in line:
                    raise FileRefusedError(LineError(number, None, *LINE_ENDS))
                expected = f"at most {APPLICATION_MAX_BYTES} bytes a line"
                raise FileRefusedError(LineError(number, None, expected, "more; nothing from here on was read"))
            yield number, line.decode("utf-8", "surrogateescape").rstrip("\r\n")
    if number == 0:
        raise FileRefusedError(LineError(1, None, "at least one line", "an empty file"))


def _check_text(line: bytes) -> None:
    for beginning, what in NO_TEXT.items():
        if line.startswith(beginning):
            raise FileRefusedError(LineError(1, None, "text in UTF-8", what))
    if 0 in line[:2]:  # every other byte of UTF-16 without its mark
        raise FileRefusedError(LineError(1, None, "text in UTF-8", NO_TEXT[b"\xff\xfe"]))


def undecoded(text: str) -> str | None:
    r"""The first byte of a line, or of a value, that is not UTF-8, in words; None where all of it is.

    >>> undecoded(b"Ren\xe9e".decode("utf-8", "surrogateescape")), undecoded("Renée")
    ("byte 0xe9 at position 4 ('é' in Windows-1252)", None)
    """
    found = _UNDECODED.search(text)
    if found is None:
        return None
    byte = found[0].encode("utf-8", "surrogateescape")
    position = len(text[: found.start()].encode()) + 1
    meant = byte.decode("cp1252", "ignore")
    return f"byte 0x{byte.hex()} at position {position}" + (f" ({meant!r} in Windows-1252)" if meant else "")
