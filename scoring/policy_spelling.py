"""How a policy's author must write: what YAML would take for something else than what stands there is refused.

YAML 1.1 reads `6:30` in base 60 and makes it 390, `010` in base 8, `no` as a truth value. A policy is read by people
who never heard of that, and must decide by the number that they see. What is in the artefact store was accepted in its
time and is read as it was then (`parse_policy(stored=True)`): these rules ask nothing of it.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeGuard

import yaml

from schemas.values import TEXT_MAX
from scoring.policy import PolicyError

A_ROW = "a row"
"""What a value of a list is called that has no name."""

SHOWN = 40
"""Characters of what stands there that an error repeats."""

_GROUPED = r"[1-9][0-9]{0,2}(_[0-9]{3})+|[1-9][0-9]?(_[0-9]{2})+_[0-9]{3}"
"""1_000_000, or 10_00_000 for ten lakh."""
_DECIMAL = re.compile(rf"[-+]?((0|[1-9][0-9]*|{_GROUPED})(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{{1,3}})?", re.ASCII)

_SCIENTIFIC = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+", re.ASCII)
_NUMBERS = frozenset({"int", "float"})
_NO_VALUES = {
    "bool": "a truth value to YAML: expected a number (yes is 1) or a word in quotes",
    "null": "nothing to YAML: expected a value, or no such name",
    "timestamp": "a date to YAML: expected a number or a word (in quotes)",
}
"""What YAML takes a word for that is none in a policy."""

_CURRENCIES = r"[₹$€£]|rs\.?|inr|rupees"
_MULTIPLES = "lakhs?|lacs?|crores?|cr|k|m|million|thousand|years?|times|x"

_MISWRITTEN = tuple(
    (re.compile(pattern, re.ASCII | re.IGNORECASE), says)
    for pattern, says in (
        (r"[-+]?[0-9][0-9_]*(:[0-9]+)+(\.[0-9_]*)?", "YAML reads a colon in base 60"),
        (r"[-+]?0x[0-9a-f_]*", "YAML reads it in base 16"),
        (r"[-+]?0b[01_]*", "YAML reads it in base 2"),
        (r"[-+]?0o?[0-9_]+(\..*)?", "YAML reads a leading nought in base 8"),
        (r"[-+]?\.?(inf|infinity|nan)", "it is not finite"),
        (r"[-+]?[0-9._ ]*,[0-9._, ]*", "expected a point, and no comma"),
        (r"[-+]?[0-9._]+ *%", "a share of 60 % is 0.6"),
        (r"[-+0-9.e]*_[-+0-9._e]*", "'_' goes between groups: 1_000_000, 10_00_000"),
        (r"[0-9.]+ *(-|to|\.\.) *[0-9.]+", "between two numbers it is above: the one, below: the other"),
        (r"[^#]*[0-9]#.*", "a space stands before a comment's #"),
        (
            rf"(?=.*[^-+0-9.,_ ])({_CURRENCIES})?[-+0-9.,_ ]+({_MULTIPLES})?({_CURRENCIES})?",
            "no unit is written: ten lakh is 10_00_000",
        ),
    )
)
"""Spellings that look like a number -> why it is not the one that was meant."""


_UNSEEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters, the line breaks among them
    "\u00ad\u061c\u115f\u1160\u180e\u2028\u2029\u3164\uffa0"  # soft hyphen, fillers, separators of lines
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"  # no width, or another direction of reading
    "\ufeff\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff"  # marks, halves of characters, private ones
    "\U000e0000-\U0010ffff"  # tags, and private ones again
    "]"
)
"""Ranges, not Unicode's categories: those change with the version of Python. The joiners U+200C and U+200D are let
through, since scripts of India are written with them.
"""


def check_spelling(root: yaml.Node) -> None:
    """Refuse the first value that YAML takes for something else than a reader does. Raises PolicyError."""
    for key, colon, node in _values(root):
        if not node.value and node.style is None:
            raise PolicyError(line_of(node), f"{key!r} has no value; {_why_empty(key, colon=colon)}")
        if node.style is None and (taken := _NO_VALUES.get(_tag(node))):
            raise PolicyError(line_of(node), f"{key!r} is {shown(node.value)}, {taken}")
        if node.style is None and is_number(node) and (why := why_no_number(node)):
            raise PolicyError(line_of(node), f"{key!r} must be a finite number: {why}")
        if fault := _fault_of_words(key, node) or fault_of_line(node.value):
            raise PolicyError(line_of(node), f"{key!r} {fault}")


def _why_empty(key: str, *, colon: bool) -> str:
    """YAML reads {approve: 0,7} as two entries, and {text: too far, too dear} as well; it takes a:b for one name."""
    if colon:
        return EMPTY.get(key, "expected one behind the colon, or no such name")
    if key.isdigit():
        return "a number has a decimal point and no commas, as 0.7 or 1_000_000"
    if {":", "="} & set(key):
        return "a name stands before a colon and a space"
    return "a text with a comma stands in quotes" + (' like "these"' if CURLY & set(key) else "")


EMPTY = {
    "penalties": "if there are none: penalties: []",
    "rules": "if there are none: rules: []",
    "points": "expected score and pdo, in lines below that are indented",
    "bands": "expected approve and decline, in lines below that are indented",
    A_ROW: "a - stands before a row",
}
"""Name without a value -> what is expected."""

CURLY = frozenset("\u201c\u201d\u2018\u2019")
"""Quotes of word processors."""

_COMMENT = re.compile(r"[ \t]+#")


def _behind(node: yaml.ScalarNode) -> str:
    """What stands behind a value in its line."""
    mark: Any = node.end_mark
    return str(mark.buffer[mark.pointer : mark.pointer + SHOWN])


def _fault_of_words(key: str, node: yaml.ScalarNode) -> str | None:
    """What is wrong with how a text is written, where YAML would make another of it than its reader does."""
    if node.style in {"|", ">"}:
        return f"stands in a block ({node.style}): expected one line"
    if node.value[:1] in CURLY:
        return f'begins with {node.value[0]}, which YAML takes for a letter: write "..."'
    if node.style is None and key in {"name", "text"} and _COMMENT.match(_behind(node)):
        return "ends before #, which begins a comment: put the text in quotes, or the comment on its own line"
    return None


def is_number(node: yaml.Node) -> TypeGuard[yaml.ScalarNode]:
    """Whether a node is read as a number. YAML 1.1 takes 1e13 for text (it wants 1.0e+13): whoever writes it without
    quotes means the number.
    """
    if not isinstance(node, yaml.ScalarNode):
        return False
    plain = node.style is None and (_SCIENTIFIC.fullmatch(node.value) or _DECIMAL.fullmatch(node.value))
    return _tag(node) in _NUMBERS or bool(plain)


def why_no_number(node: yaml.Node) -> str | None:
    """Why a scalar is not the decimal number that stands there; None where it is."""
    if not isinstance(node, yaml.ScalarNode):
        return "here is a list or a mapping"
    if node.style is not None:
        return "it stands in quotes" if node.style in "'\"" else "it stands in a block of text"
    if _DECIMAL.fullmatch(node.value):
        return _why_not_kept(node.value.replace("_", ""))
    said = next((says for pattern, says in _MISWRITTEN if pattern.fullmatch(node.value)), "it is none")
    return f"{shown(node.value)}: {said}"


def _why_not_kept(text: str) -> str | None:
    """The nearest binary number, written as short as it can be, is the decimal that was typed."""
    kept = float(text)
    if kept in (float("inf"), float("-inf")):
        return f"{shown(text)}: it is too large"
    return None if Decimal(repr(kept)) == Decimal(text) else f"{shown(text)}: it would be kept as {kept!r}"


def fault_of_line(text: str) -> str | None:
    """What is wrong with a text that has to be one line of visible characters; None where nothing is.

    >>> fault_of_line("In reply to your letter"), fault_of_line(" ")
    (None, 'begins or ends with a space')
    """
    if not 1 <= len(text) <= TEXT_MAX:
        return f"has {len(text)} characters, expected 1 to {TEXT_MAX}"
    if found := _UNSEEN.search(text):
        return f"holds a line break, or a character that nobody sees (U+{ord(found[0]):04X})"
    return "begins or ends with a space" if text != text.strip() else None


def shown(text: str) -> str:
    """What stands there, cut to what a line takes.

    >>> shown("6:30"), shown("9" * 50)[-5:]
    ('6:30', '999..')
    """
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}.."


def line_of(node: yaml.Node) -> int:
    """Where a node begins; the first line is 1."""
    return int(node.start_mark.line) + 1


def _tag(node: yaml.ScalarNode) -> str:
    return str(node.tag).rpartition(":")[2]


def _values(node: yaml.Node, key: str = A_ROW, *, colon: bool = True) -> Iterator[tuple[str, bool, yaml.ScalarNode]]:
    """Every scalar that is a value, with the name it stands under, and whether a colon stands between them."""
    if isinstance(node, yaml.ScalarNode):
        yield key, colon, node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _values(item, key if item.value else A_ROW)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            between = name.end_mark.index < value.start_mark.index
            yield from _values(value, shown(str(name.value)), colon=between)
