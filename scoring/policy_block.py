"""A policy document's mappings, taken entry by entry."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import yaml

from schemas.nearest import slips
from scoring.near_names import expected_names
from scoring.policy import PolicyError
from scoring.policy_spelling import EMPTY, is_number, line_of, shown, why_no_number

EXAMPLES = {
    "a row of penalties": "{code: penalty_cibil_low, feature: cibil_score, below: 600, size: 0.12}",
    "a row of rules": "{code: thin_file, outcome: refer, missing: cibil_score}",
    "points": "{score: 600, pdo: 20}",
    "bands": "{approve: 0.7, decline: 0.3}",
    "income_gap": "{difference_above: 0.2}",
    "affordability": "{of: instalment, rate: 0.1, share_above: 0.6}",
}
"""What must be a mapping -> one."""

HOMES = {
    **dict.fromkeys(("size", "group"), "it belongs to a penalty"),
    **dict.fromkeys(("outcome", "instead_of"), "it belongs to a rule"),
    **dict.fromkeys(("verification", "missing", "income_from", "beyond"), "it belongs to a rule, alone"),
    "loan_above": "it belongs to a rule with 'verification'",
    "difference_above": "it belongs to a rule, in 'income_gap' or beside 'income_from'",
    "similarity_below": "it belongs to a rule, in 'income_gap'",
    **dict.fromkeys(("of", "rate", "share_above"), "it belongs to a rule, in 'affordability'"),
    "bundle": "it stands beside 'name', for the whole policy",
    "refer": "between the two bands a person decides",
}
"""Names that are known somewhere else in a policy -> where."""

NAMES = frozenset({*HOMES, "name", "penalties", "rules", *EXAMPLES, "score", "pdo", "approve", "decline"}) | {
    *("code", "text", "feature", "above", "below")
}
"""Every name that may stand before a colon."""


SIGNS = frozenset("<>=")
NO_SIGN = "no sign is written: the name alone, and beside it above: or below:"


class Block:
    """A YAML mapping whose entries are taken one by one; what is left over at the end is an error."""

    def __init__(self, node: yaml.Node, what: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            example = f", as {EXAMPLES[what]}" if what in EXAMPLES else ""
            raise PolicyError(line_of(node), f"{what} must be a mapping of names to values{example}")
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
            raise self.missing(f"{name!r}{f'; {EMPTY[name]}' if name in EMPTY else ''}", [name])
        self._left.pop(name, None)
        return self._nodes[name]

    def missing(self, needed: str, names: Iterable[str]) -> PolicyError:
        """The error where `needed` is not there: by any of the `names`, of which one may be mistyped."""
        known = list(names)
        for typed, line in self._left.items():
            if typed not in self._asked and (typed not in NAMES or slips(typed, known)):
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

    def word(
        self,
        name: str,
        known: Iterable[str] | None = None,
        besides: str = "",
        elsewhere: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """An entry that is a word, one of those `known` where they are given; `besides` ends their list. `elsewhere`
        says of words that are none of them what they are.
        """
        node = self.node(name)
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise PolicyError(line_of(node), f"{name!r} must be one word")
        word = str(node.value)
        if known is not None and word not in (words := list(known)):
            if word in elsewhere:
                raise PolicyError(line_of(node), f"{word!r} is no {name} here: {elsewhere[word]}")
            said = NO_SIGN if SIGNS & set(word) else expected_names(word, words, besides)
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

    def is_one_of(self, name: str, words: Iterable[str]) -> bool:
        """Whether an entry is one of these words."""
        node = self.node(name)
        return isinstance(node, yaml.ScalarNode) and node.value in words

    def is_list(self, name: str) -> bool:
        """Whether an entry is a list."""
        return isinstance(self._nodes.get(name), yaml.SequenceNode)

    def done(self) -> None:
        """PolicyError where an entry was not asked for."""
        for typed, line in self._left.items():
            raise self._unknown(typed, line, list(self._asked))

    def _unknown(self, typed: str, line: int, names: list[str]) -> PolicyError:
        said = HOMES[typed] if typed in HOMES else expected_names(typed, names)
        return PolicyError(line, f"{shown(typed)!r} is not known in {self._what}; {said}")
