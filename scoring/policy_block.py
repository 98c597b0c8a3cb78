"""A policy document as YAML nodes: composed, and its mappings taken entry by entry."""

import math
from collections.abc import Iterable

import yaml

from schemas.nearest import slips
from scoring.near_names import expected_names
from scoring.policy import PolicyError
from scoring.policy_spelling import check_spelling, is_number, line_of, shown, why_no_number

MAX_DEPTH = 16
"""A sound policy is four deep; the composer below it is recursive."""


class Block:
    """A YAML mapping whose entries are taken one by one; what is left over at the end is an error."""

    def __init__(self, node: yaml.Node, what: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            raise PolicyError(line_of(node), f"{what} must be a mapping of names to values")
        self.line = line_of(node)
        self._what = what
        self._nodes: dict[str, yaml.Node] = {}
        self._left: dict[str, int] = {}
        self._asked: dict[str, None] = {}
        for key, value in node.value:
            self._add(key, value)

    def _add(self, key: yaml.Node, value: yaml.Node) -> None:
        if not isinstance(key, yaml.ScalarNode):
            raise PolicyError(line_of(key), f"names in {self._what} must be words")
        if key.value in self._nodes:
            raise PolicyError(line_of(key), f"{shown(key.value)!r} stands twice in {self._what}")
        self._nodes[key.value] = value
        self._left[key.value] = line_of(key)

    def __contains__(self, name: str) -> bool:
        self._asked[name] = None
        return name in self._nodes

    def node(self, name: str) -> yaml.Node:
        """The value of an entry. PolicyError where it is missing."""
        if name not in self:
            raise self.missing(repr(name), [name])
        self._left.pop(name, None)
        return self._nodes[name]

    def missing(self, needed: str, names: Iterable[str]) -> PolicyError:
        """The error where `needed` is not there: by any of the `names`, of which one may be mistyped."""
        known = list(names)
        for typed, line in self._left.items():
            if typed not in self._asked and slips(typed, known):
                return self._unknown(typed, line, known)
        return PolicyError(self.line, f"{self._what} needs {needed}")

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float:
        """An entry that is a finite number from `low` to `high`."""
        node = self.node(name)
        try:
            value = float(yaml.SafeLoader("").construct_yaml_float(node)) if is_number(node) else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            why = why_no_number(node) or "it is none"
            raise PolicyError(line_of(node), f"{name!r} must be a finite number: {why}")
        if not low <= value <= high:
            raise PolicyError(line_of(node), f"{name!r} is {value:g}, expected a number from {low:g} to {high:g}")
        return value

    def word(self, name: str, known: Iterable[str] | None = None, besides: str = "") -> str:
        """An entry that is a word, one of those `known` where they are given; `besides` ends their list."""
        node = self.node(name)
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise PolicyError(line_of(node), f"{name!r} must be a word")
        word = str(node.value)
        if known is not None and word not in (words := list(known)):
            said = expected_names(word, words, besides)
            raise PolicyError(line_of(node), f"{shown(word)!r} is no {name} known; {said}")
        return word

    def words(self, name: str, known: Iterable[str]) -> tuple[str, ...]:
        """An entry that is a list of words, each one of those `known`, and each once."""
        node = self.node(name)
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise PolicyError(line_of(node), f"{name!r} must be a list of words")
        found: list[str] = []
        allowed = list(known)
        for item in node.value:
            if not isinstance(item, yaml.ScalarNode) or item.value not in allowed:
                word = item.value if isinstance(item, yaml.ScalarNode) else "a list"
                raise PolicyError(
                    line_of(item), f"{shown(word)!r} is no feature known; {expected_names(word, allowed)}"
                )
            if item.value in found:
                raise PolicyError(line_of(item), f"{item.value!r} stands twice in {name!r}")
            found.append(item.value)
        return tuple(found)

    def is_list(self, name: str) -> bool:
        """Whether an entry is a list."""
        return isinstance(self._nodes.get(name), yaml.SequenceNode)

    def done(self) -> None:
        """PolicyError where an entry was not asked for."""
        for typed, line in self._left.items():
            raise self._unknown(typed, line, list(self._asked))

    def _unknown(self, typed: str, line: int, names: list[str]) -> PolicyError:
        return PolicyError(line, f"{shown(typed)!r} is not known in {self._what}; {expected_names(typed, names)}")


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
            raise PolicyError(line, f"*{shown(str(event.anchor))} is an alias: write the value out where it is meant")
        if getattr(event, "anchor", None) is not None:
            raise PolicyError(line, f"&{shown(event.anchor)} is an anchor: write each value out where it is meant")
        if getattr(event, "tag", None) is not None:
            raise PolicyError(line, "a tag (!) before a value: write the value alone")
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.style is None:
            raise PolicyError(line, "<< merges another mapping: write its names and values out")
        return super().compose_node(parent, index)


_PROBLEMS = (
    ("'\\t'", "a tab, where YAML takes spaces alone"),
    ("single document", "a second document begins (---): a policy is one"),
    ("got '{'", "a text with a brace stands in quotes"),
)
"""What is in the words of the YAML reader -> what to do."""


def compose(text: str, *, stored: bool) -> yaml.Node:
    """A policy document's root. PolicyError with the line where it is no YAML, or (unless `stored`) misleading YAML."""
    try:
        node = yaml.compose(text, Loader=_Loader if stored else _Authors)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = f"{error.context or ''} {error.problem or ''}"
        said = next((says for words, says in _PROBLEMS if words in found), error.problem)
        raise PolicyError(mark.line + 1 if mark else 1, f"not YAML: {said}") from error
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
