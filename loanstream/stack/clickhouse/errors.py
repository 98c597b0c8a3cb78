"""Errors as ClickHouse's HTTP interface reports them, without the data they talk about."""

import re
from collections.abc import Mapping
from typing import Final

TOO_LARGE: Final = 307
NOT_IMPLEMENTED: Final = 48
SYNTAX_ERROR: Final = 62
READONLY: Final = 164
TOO_MANY_ROWS: Final = 396
PROBE: Final = "loanstream-doctor-"
"""How the ids of those statements begin that the doctor sends to be refused: that they are is no warning."""
BUSY: Final = 202
SESSION_NOT_FOUND: Final = 372
SESSION_IS_LOCKED: Final = 373
BAD_ENCODING: Final = 271
NO_SPACE: Final = 243
CANNOT_WRITE: Final = 75
AUTHENTICATION_FAILED: Final = 516
INTERNAL: Final = 1002

# The HTTP status of an error code, as a ClickHouse server answers it; every other code is a 500.
_STATUSES: Final[Mapping[int, frozenset[int]]] = {
    400: frozenset({6, 26, 27, 33, 36, 38, 40, 41, 42, 43, 44, 53, 62, 69, 70, 72, 117, 271, 372, 373, 456, 457, 469}),
    403: frozenset({164, 291, 497, 516}),
    404: frozenset({16, 46, 47, 50, 56, 60, 73, 81, 115}),
    408: frozenset({159, 209}),
    413: frozenset({307}),
    501: frozenset({48}),
    503: frozenset({202}),
}

# Codes whose text speaks of the statement's structure or of resources. The text of any other code may quote a stored
# or an inserted value, and callers log what they catch: it is withheld.
_STRUCTURAL: Final = frozenset(
    {10, 16, 35, 42, 43, 44, 46, 47, 48, 50, 56, 57, 60, 63, 73, 81, 82, 115, 158, 159, 164, 179, 181, 184, 202, 206}
    | {215, 219, 452, 241, 242, 243, 252, 344, 372, 373, 394, 396, 456, 497, 516}
)
_ENGINE_TEXT: Final = re.compile(r"Code: (\d+)\. DB::Exception: (.*)", re.DOTALL)
_NAME: Final = re.compile(r"\(([A-Z][A-Z_0-9]+)\)\s*$")
_SYNTAX: Final = re.compile(r"failed at position (\d+)")
# Pieces of a data error that name the schema, never a value.
_SCHEMA_PIECES: Final = re.compile(r"Constraint `\w+`|violated at row \d+|\(at row \d+\)")
# From here on the engine repeats the statement, its literals, or paths of this machine.
_ECHO: Final = re.compile(
    r"(:? In scope |[:.,]? ?\(?[Ww]hile (executing|processing|reading)|: \(in file/uri).*", re.DOTALL
)


class EngineError(Exception):
    """A statement failed: `code` is ClickHouse's error number, `text` is safe to log and to send."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}")
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return next((status for status, codes in _STATUSES.items() if self.code in codes), 500)


def from_engine(message: str) -> EngineError:
    """The error a message of the engine reports, with every value it may quote left out."""
    found = _ENGINE_TEXT.search(message)
    if found is None:
        return EngineError(INTERNAL, "the engine failed without an error code (UNKNOWN_EXCEPTION)")
    code, text = int(found.group(1)), found.group(2)
    name = _NAME.search(text)
    return EngineError(code, f"{_safe(code, text)} ({name.group(1) if name else 'UNKNOWN_EXCEPTION'})")


def _safe(code: int, text: str) -> str:
    if code == SYNTAX_ERROR:
        position = _SYNTAX.search(text)
        return f"Syntax error at character {position.group(1)}" if position else "Syntax error"
    if code in _STRUCTURAL:
        return _ECHO.sub("", _NAME.sub("", text)).strip()
    pieces = ", ".join(_SCHEMA_PIECES.findall(text))
    return f"{pieces or 'Bad value'}; the engine's own words may quote data and are withheld"
