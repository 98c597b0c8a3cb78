"""Where a statement ends and its data begins, and in which format its answer is asked for."""

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    rb"""'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|--[^\n]*|/\*.*?\*/|[A-Za-z_]\w*|[()]""",
    re.DOTALL,
)
# The data follows the format's name after blanks and one line end.
_FORMAT_NAME: Final = re.compile(rb"\s+([A-Za-z]\w*)[ \t]*(?:;|\r?\n|$)?")
# Behind the format's name: settings, a semicolon, comments, none with a quote. Possessive and bounded, so that no text
# takes long: the name is looked for at every FORMAT.
_TRAILING_FORMAT: Final = re.compile(
    r"""\bFORMAT\s+([A-Za-z]\w*)\s*+(?:SETTINGS\b[^'"`;]{0,2000}+)?;?\s*+"""
    r"""(?:--[^\n'"`]{0,500}+\s*+|/\*(?:[^*'"`]|\*(?!/)){0,500}+\*/\s*+){0,20}+$""",
    re.IGNORECASE,
)
_HEAD_LIMIT: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT whose rows follow it: the text before and after the place of FROM INFILE, and where the rows start."""

    statement: str
    tail: str
    data_start: int


def split_insert(sql: bytes) -> Insert | None:
    r"""The parts of `INSERT INTO .. [SETTINGS ..] FORMAT name` and its data; None for any other statement.

    >>> split_insert(b"INSERT INTO loans (term) FORMAT CSV\n12\n")
    Insert(statement='INSERT INTO loans (term)', tail='FORMAT CSV', data_start=36)
    >>> split_insert(b"INSERT INTO loans VALUES (12)") is None
    True
    """
    depth, infile_at, words = 0, 0, 0
    for token in _TOKEN.finditer(sql, 0, _HEAD_LIMIT):
        word = token.group().upper()
        if word in (b"(", b")"):
            depth += 1 if word == b"(" else -1
        if depth or word.startswith((b"--", b"/*", b"(", b")")):
            continue
        words += 1
        if (words == 1) != (word == b"INSERT") or word in (b"VALUES", b"SELECT", b"WITH", b"WATCH", b"INFILE"):
            return None
        if word == b"SETTINGS":
            infile_at = token.start()
        # The second and third word are INTO and the table, which may be called format.
        if word == b"FORMAT" and words > 3 and (name := _FORMAT_NAME.match(sql, token.end())):
            infile_at = infile_at or token.start()
            return Insert(sql[:infile_at].decode().rstrip(), sql[infile_at : name.end(1)].decode(), name.end())
    return None


def answer_format(sql: str, default: str) -> str:
    """The format a statement names at its end, otherwise the default.

    >>> answer_format("SELECT 1 FORMAT JSON", "TabSeparated")
    'JSON'
    >>> answer_format("SELECT 1 FORMAT JSON -- a note", "TabSeparated")
    'JSON'
    >>> answer_format("SELECT 'FORMAT JSON -- a note'", "TabSeparated")
    'TabSeparated'
    """
    found = _TRAILING_FORMAT.search(sql)
    return found.group(1) if found else default


def in_format(sql: str, name: str) -> str:
    """The statement with another format, where it names one at its end.

    >>> in_format("SELECT 1 FORMAT Native SETTINGS max_threads = 1", "Buffers")
    'SELECT 1 FORMAT Buffers SETTINGS max_threads = 1'
    """
    found = _TRAILING_FORMAT.search(sql)
    return f"{sql[: found.start(1)]}{name}{sql[found.end(1) :]}" if found else sql


def without_format(sql: str) -> str:
    """The statement without a FORMAT clause at its end.

    >>> without_format("SELECT 1 FORMAT JSON;")
    'SELECT 1'
    """
    return _TRAILING_FORMAT.sub("", sql).rstrip().removesuffix(";").rstrip()
