"""Where in a JSON text something stands: by its path and its byte, so that a letter can say where without saying what.

Decoders tell what is wrong with a text as a whole. Only a text that was refused is read a second time, here: token by
token and without recursion, up to the fault or to a bound, so that a hostile one costs no more than a large one.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

TOKENS_MOST = 20_000
"""So many are read at most; of a fault behind them no place is told. They take some 50 ms."""
DEEPEST = 100
"""Nesting beyond it is told as too deep; no event of ours comes near."""

_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
        (?P<sign>[][{},:])
      | (?P<text>"[^"\\]*(?:\\.[^"\\]*)*")
      | (?P<number>-?[0-9][0-9.eE+-]*)
      | (?P<constant>NaN|-?Infinity)
      | (?P<word>true|false|null)
    )""",
    re.VERBOSE | re.DOTALL,
)
_SURROGATE = re.compile("[\ud800-\udfff]")

Path = tuple[str | int, ...]


class Token(NamedTuple):
    """A token: its kind (a group of `_TOKEN`, or `name`), its text, how many containers are around it, and of a name
    whether its object has it already.
    """

    kind: str
    text: str
    depth: int
    again: bool = False


class Whereabouts(NamedTuple):
    """A place: the names and indices that lead to it (as found!), and its byte."""

    path: Path
    byte: int


@dataclass(slots=True)
class _Container:
    at: str | int | None
    names: set[str] = field(default_factory=set)


def _read(token: str) -> str:
    """What a text says; of one that no decoder takes, its letters."""
    try:
        said: str = json.loads(token)
    except ValueError:
        return token
    return said


FAULTS: Mapping[str, Callable[[Token], bool]] = {
    "duplicate_key": lambda token: token.again,
    "not_a_number": lambda token: (
        token.kind == "constant"
        or (
            token.kind == "number"
            and token.text.lstrip("-").isdigit()
            and len(token.text) > sys.get_int_max_str_digits()
        )
    ),
    "too_deep": lambda token: token.depth >= DEEPEST and token.text in ("{", "["),
    "lone_surrogate": lambda token: (
        token.kind in ("name", "text") and "\\u" in token.text and _SURROGATE.search(_read(token.text)) is not None
    ),
}
"""A fault that a JSON text may have -> whether a token is it."""


def find(text: str, fault: str) -> Whereabouts | None:
    """Where the first fault of a kind (of `FAULTS`) stands; None where there is none, or too far behind.

    >>> find('{"loan": {"amount": 1, "amount": 2}}', "duplicate_key")
    Whereabouts(path=('loan', 'amount'), byte=23)
    """
    return _walk(text, FAULTS[fault])


def end(text: str) -> Path:
    """The path at the end of a text that breaks off.

    >>> end('{"applicant": {"dependents": 1, "name": "Ren')
    ('applicant', 'name')
    """
    found = _walk(text, lambda token: token.kind == "end")
    return found.path if found else ()


def byte_of(text: str, position: int) -> int:
    """The byte that a character stands at, in UTF-8."""
    return len(text[:position].encode("utf-8", "surrogatepass"))


def _walk(text: str, wanted: Callable[[Token], bool]) -> Whereabouts | None:
    around: list[_Container] = []
    named, position = False, 0
    for _ in range(TOKENS_MOST):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            break
        token = Token(found.lastgroup, found[found.lastgroup], len(around))
        inner = around[-1] if around else None
        if token.kind == "text" and inner is not None and not isinstance(inner.at, int) and not named:
            token = _named(inner, token)
        if wanted(token):
            return Whereabouts(_path(around), byte_of(text, found.start(found.lastgroup)))
        named = token.text == ":" if token.kind == "sign" else named
        _after(around, token)
        position = found.end()
    ended = Token("end", "", len(around))
    return Whereabouts(_path(around), byte_of(text, position)) if wanted(ended) else None


def _named(inner: _Container, token: Token) -> Token:
    """A text that is the name of a field, noted as where its object stands now."""
    name = _read(token.text)
    again = name in inner.names
    inner.at = name
    inner.names.add(name)
    return Token("name", token.text, token.depth, again)


def _after(around: list[_Container], token: Token) -> None:
    match token.text if token.kind == "sign" else "":
        case "{":
            around.append(_Container(None))
        case "[":
            around.append(_Container(0))
        case "}" | "]" if around:
            around.pop()
        case "," if around:
            inner = around[-1]
            inner.at = inner.at + 1 if isinstance(inner.at, int) else None


def _path(around: list[_Container]) -> Path:
    return tuple(container.at for container in around if container.at is not None)
