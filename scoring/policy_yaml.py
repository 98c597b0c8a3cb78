"""A policy document as YAML nodes: what the reader of YAML refuses, in the words of who wrote it."""

import re
from typing import Any, NamedTuple, cast

import yaml

from scoring.policy import PolicyError
from scoring.policy_spelling import check_spelling, line_of, shown

MAX_DEPTH = 16
"""A sound policy is four deep; the composer below it is recursive."""


class _Loader(yaml.SafeLoader):
    """Stops at a depth that no policy has, before Python's own stack ends."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if parent is not None and self._depth > MAX_DEPTH:
            raise PolicyError(line_of(parent), f"nested more than {MAX_DEPTH} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Authors(_Loader):
    """Besides takes nothing by which a value could stand elsewhere than where it is used, or be of another kind."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise PolicyError(
                line,
                f"*{shown(str(event.anchor))} is an alias: write the value out; a text with * in front: in quotes",
            )
        if getattr(event, "anchor", None) is not None:
            raise PolicyError(
                line,
                f"&{shown(event.anchor)} is an anchor: write the value out; a text with & in front: in quotes",
            )
        if getattr(event, "tag", None) is not None:
            raise PolicyError(
                line, "a tag (!) before a value: write the value alone; a text with ! in front: in quotes"
            )
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.style is None:
            raise PolicyError(line, "<< merges another mapping: write its names and values out")
        if isinstance(event, yaml.ScalarEvent) and event.style in _QUOTES and _lines(event) > 1:
            raise PolicyError(line, "a text in quotes goes on in the next line: is the quote at its end missing?")
        if isinstance(event, yaml.ScalarEvent) and event.style is None and HARD_SPACE in event.value:
            raise PolicyError(
                line, "a space of a word processor (U+00A0), which YAML takes for a letter: write another"
            )
        return super().compose_node(parent, index)


HARD_SPACE = "\u00a0"
_QUOTES = ("'", '"')


def _lines(event: yaml.ScalarEvent) -> int:
    """How many lines of the document a value takes."""
    start, end = cast("tuple[Any, Any]", (event.start_mark, event.end_mark))
    return len(re.split(r"\r\n|\r|\n", start.buffer[start.pointer : end.pointer]))


class _Fault(NamedTuple):
    """What YAML's reader complains of, what stands in the line (two patterns), and what its author is told.

    `opened`: of the line in which the value began, not of the one where the reader gave up.
    """

    complaint: str
    line: str
    says: str
    opened: bool = False


_COMMENT = r"""^(?:[^'"#]|"[^"]*"|'[^']*')*\s#"""

_FAULTS = (
    _Fault("", "^\\s*[\u2013\u2014]", "a long dash: the sign before a row is the hyphen, -"),
    _Fault(
        "", "\u00a0", "a space of a word processor (U+00A0), which YAML takes for a letter: write another", opened=True
    ),
    _Fault(r"'\\t'", "", "a tab, where YAML takes spaces alone"),
    _Fault("single document", "", "a second document begins (---): a policy is one"),
    _Fault("quoted scalar", "", "a quote that is opened here is never closed", opened=True),
    _Fault("could not find expected ':'", r"^\s*(//|--|;)", "a comment begins with #", opened=True),
    _Fault("could not find expected ':'", "", "a name stands before a colon and a space", opened=True),
    _Fault("'[>]' that cannot start", "", "no sign is written: above: 3 is more than 3, below: 3 less than 3"),
    _Fault("block scalar", "", "a text with > or | in front stands in quotes"),
    _Fault("cannot start any token", "", "a text with such a character in front stands in quotes"),
    _Fault("sequence entries", r":\s+-", "a text with - in front stands in quotes"),
    _Fault(
        "flow mapping",
        _COMMENT,
        "# begins a comment, the rest of the line: a text with # stands in quotes",
        opened=True,
    ),
    _Fault("flow mapping.*on another line", "", "a brace that is opened here is not closed in its line", opened=True),
    _Fault("flow mapping.*got '{'", "", "a text with a brace stands in quotes"),
    _Fault("flow mapping.*got '<scalar>'", "['\"]", 'a quote ends before its text does: write "the applicant\'s"'),
    _Fault("flow mapping.*got", "", "a comma is missing, or a text with a colon is not in quotes"),
    _Fault("mapping values", r":\s.*:(\s|$)", "a text with a colon stands in quotes"),
    _Fault("mapping values", "", "the line before has no colon behind its name, or the two are indented otherwise"),
    _Fault("block end.*found '<scalar>'", r":\s+{", "a text with a brace stands in quotes"),
    _Fault("block end.*found '<scalar>'", r":\s+\[", "a text with [ in front stands in quotes"),
    _Fault("block end.*found '<scalar>'", "['\"]", 'a quote ends before its text does: write "the applicant\'s"'),
    _Fault("block end", r"}\s*[^\s#,}]", "something stands behind the closing brace; a comment begins with #"),
    _Fault("node content", "", "a comma too many, or a bracket that is not closed"),
    _Fault("block end", "", "it is indented otherwise than what stands above it, or a row has no - in front"),
)
"""The first that fits is told."""


def compose(text: str, *, stored: bool) -> yaml.Node:
    """A policy document's root. PolicyError with the line where it is no YAML, or (unless `stored`) misleading YAML."""
    try:
        node = yaml.compose(text, Loader=_Loader if stored else _Authors)
    except yaml.MarkedYAMLError as error:
        raise _fault(error, text.splitlines()) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PolicyError(line, f"not YAML: a character that is not allowed (U+{error.character:04X})") from error
    except yaml.YAMLError as error:
        raise PolicyError(1, "not YAML") from error
    if node is None:
        raise PolicyError(1, "a policy must be a mapping of names to values")
    if not stored:
        check_spelling(node)
    return node


def _fault(error: yaml.MarkedYAMLError, lines: list[str]) -> PolicyError:
    at, opened = (mark.line if mark else 0 for mark in (error.problem_mark or error.context_mark, error.context_mark))
    words = f"{error.context or ''} {error.problem or ''}{' on another line' if at != opened else ''}"
    for row in _FAULTS:
        line = opened if row.opened else at
        if re.search(row.complaint, words) and re.search(row.line, lines[line] if line < len(lines) else ""):
            return PolicyError(line + 1, f"not YAML: {row.says}")
    return PolicyError(at + 1, f"not YAML: {error.problem}")
