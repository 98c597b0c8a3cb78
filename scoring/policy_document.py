"""Reading a policy document: YAML in, a Policy out, or one line that says which line is wrong and why."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeGuard, cast, get_args

import yaml

from schemas.decision import Outcome
from schemas.reasons import REASONS
from schemas.verification import VerificationResult
from scoring.features import FEATURES
from scoring.policy import TRAINING_RANGE, Bands, Condition, Penalty, Points, Policy, PolicyError, Rule

MAX_CHARACTERS = 100_000
MAX_DEPTH = 16
"""A sound policy is four deep; the composer below it is recursive."""
MAX_PDO = 50
"""With more, the row `numerical_residual` could pass 0.05 points where a probability is near 0 or 1."""


class _Block:
    """A YAML mapping whose entries are taken one by one; what is left over at the end is an error."""

    def __init__(self, node: yaml.Node, what: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            raise PolicyError(_line(node), f"{what} must be a mapping of names to values")
        self.line = _line(node)
        self._what = what
        self._nodes: dict[str, yaml.Node] = {}
        self._left: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise PolicyError(_line(key), f"names in {what} must be words")
            if key.value in self._nodes:
                raise PolicyError(_line(key), f"{key.value!r} stands twice in {what}")
            self._nodes[key.value] = value
            self._left[key.value] = _line(key)

    def __contains__(self, name: str) -> bool:
        return name in self._nodes

    def node(self, name: str) -> yaml.Node:
        if name not in self._nodes:
            raise PolicyError(self.line, f"{self._what} needs {name!r}")
        self._left.pop(name, None)
        return self._nodes[name]

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float:
        node = self.node(name)
        try:
            value = float(yaml.SafeLoader("").construct_yaml_float(node)) if _is_number(node) else math.nan
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise PolicyError(_line(node), f"{name!r} must be a finite number")
        if not low <= value <= high:
            raise PolicyError(_line(node), f"{name!r} is {value:g}, expected a number from {low:g} to {high:g}")
        return value

    def word(self, name: str, known: Iterable[str] | None = None) -> str:
        node = self.node(name)
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise PolicyError(_line(node), f"{name!r} must be a word")
        if known is not None and node.value not in (words := list(known)):
            raise PolicyError(_line(node), f"{node.value!r} is no {name} known; expected one of {', '.join(words)}")
        return str(node.value)

    def done(self) -> None:
        for name, line in self._left.items():
            raise PolicyError(line, f"{name!r} is not known in {self._what}")


_SCIENTIFIC = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+", re.ASCII)


def _is_number(node: yaml.Node) -> TypeGuard[yaml.ScalarNode]:
    """YAML 1.1 takes 1e13 for text (it wants 1.0e+13): whoever writes it without quotes means the number."""
    if not isinstance(node, yaml.ScalarNode):
        return False
    tag = node.tag.rsplit(":", 1)[-1]
    return tag in {"float", "int"} or (node.style is None and _SCIENTIFIC.fullmatch(node.value) is not None)


class _At(NamedTuple):
    line: int
    row: Any


def parse_policy(text: str) -> Policy:
    """The policy in a YAML document.

    Raises PolicyError (with its line) for anything that is not a sound policy: unknown names, features or reason codes,
    codes that speak of something else, numbers that are not finite or out of range, overlapping bands, penalties or
    rules that can never apply, duplicates.
    """
    if len(text) > MAX_CHARACTERS:
        raise PolicyError(1, f"a policy has at most {MAX_CHARACTERS} characters")
    document = _Block(_compose(text), "a policy")
    name = document.word("name")
    points = _points(_Block(document.node("points"), "points"))
    bands = _bands(_Block(document.node("bands"), "bands"))
    penalties = [_At(b.line, _penalty(b)) for b in _rows(document, "penalties")]
    rules = [_At(b.line, _rule(b)) for b in _rows(document, "rules")]
    document.done()
    _once(penalties)
    _once(rules)
    _all_reachable(
        penalties, lambda a, b: a.group is not None and a.group == b.group and a.condition.covers(b.condition)
    )
    _all_reachable(rules, lambda a, b: a.makes_idle(b))
    _all_reachable(rules[::-1], lambda a, b: a.outcome == "decline" and b.outcome == "refer" and a.makes_idle(b))
    return Policy(name, points, bands, tuple(p.row for p in penalties), tuple(r.row for r in rules))


class _Loader(yaml.SafeLoader):
    """Stops at a depth that no policy has, before Python's own stack ends."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if parent is not None and self._depth > MAX_DEPTH:
            raise PolicyError(_line(parent), f"nested more than {MAX_DEPTH} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _compose(text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PolicyError(mark.line + 1 if mark else 1, f"not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise PolicyError(1, "not YAML") from error
    if node is None:
        raise PolicyError(1, "a policy must be a mapping of names to values")
    return node


def _rows(document: _Block, name: str) -> list[_Block]:
    node = document.node(name)
    if not isinstance(node, yaml.SequenceNode):
        raise PolicyError(_line(node), f"{name!r} must be a list")
    return [_Block(item, f"a row of {name}") for item in node.value]


def _points(block: _Block) -> Points:
    points = Points(block.number("score", -10_000, 10_000), block.number("pdo", 1, MAX_PDO))
    block.done()
    return points


def _bands(block: _Block) -> Bands:
    bands = Bands(block.number("approve", 0, 1), block.number("decline", 0, 1))
    block.done()
    if bands.decline > bands.approve:
        raise PolicyError(
            block.line,
            f"the bands overlap: scores from {bands.approve:g} to {bands.decline:g} would be approved and declined; "
            "'decline' must not be above 'approve'",
        )
    if bands.approve >= 1:
        raise PolicyError(block.line, "no score is above 1: 'approve' must be below 1")
    return bands


def _penalty(block: _Block) -> Penalty:
    code = block.word("code", _codes("penalty"))
    condition = _feature_condition(block)
    _speaks_of(block, code, condition)
    size = block.number("size", 0.0001, 1)
    group = block.word("group") if "group" in block else None
    block.done()
    return Penalty(code, condition, size, group)


def _rule(block: _Block) -> Rule:
    code = block.word("code", _codes("rule"))
    outcome = cast("Outcome", block.word("outcome", ("refer", "decline")))
    kinds = [kind for kind in _CONDITIONS if kind in block]
    if len(kinds) != 1:
        raise PolicyError(block.line, f"a rule needs exactly one of {', '.join(_CONDITIONS)}")
    condition = _CONDITIONS[kinds[0]](block)
    _speaks_of(block, code, condition)
    instead_of = cast("Outcome", block.word("instead_of", ("approve", "decline"))) if "instead_of" in block else None
    block.done()
    if instead_of == outcome:
        raise PolicyError(block.line, f"the rule can never apply: it replaces {outcome!r} by itself")
    if condition.kind == "beyond" and (outcome, instead_of) != ("refer", "approve"):
        raise PolicyError(
            block.line, "'beyond' holds back approvals alone: expected outcome: refer, instead_of: approve"
        )
    return Rule(code, condition, outcome, instead_of)


def _feature_condition(block: _Block) -> Condition:
    name = block.word("feature", FEATURES)
    if "above" not in block and "below" not in block:
        raise PolicyError(block.line, "needs 'above' or 'below'")
    above = block.number("above") if "above" in block else -math.inf
    below = block.number("below") if "below" in block else math.inf
    _can_hold(block, name, above, below)
    return Condition("feature", name, above, below)


def _verification_condition(block: _Block) -> Condition:
    name = block.word("verification", get_args(VerificationResult))
    above = block.number("loan_above", 0) if "loan_above" in block else -math.inf
    _can_hold(block, "loan_amount", above, math.inf)
    return Condition("verification", name, above)


def _missing_condition(block: _Block) -> Condition:
    name = block.word("missing", FEATURES)
    if not FEATURES[name].values.may_be_missing:
        raise PolicyError(block.line, f"can never apply: {name} is never missing")
    return Condition("missing", name)


def _can_hold(block: _Block, name: str, above: float, below: float) -> None:
    values = FEATURES[name].values
    if not values.any_between(above, below):
        ends = " and ".join(
            f"{end} {bound:.15g}" for end, bound in (("above", above), ("below", below)) if math.isfinite(bound)
        )
        raise PolicyError(block.line, f"can never apply: {name} is never {ends} (it goes {values})")


def _income_gap_condition(block: _Block) -> Condition:
    gap = _Block(block.node("income_gap"), "income_gap")
    condition = Condition(
        "income_gap", "annual_income", gap.number("difference_above", 0), gap.number("similarity_below", 0.0001, 1)
    )
    gap.done()
    return condition


def _beyond_condition(block: _Block) -> Condition:
    return Condition("beyond", block.word("beyond", (TRAINING_RANGE,)))


_CONDITIONS: dict[str, Callable[[_Block], Condition]] = {
    "feature": _feature_condition,
    "verification": _verification_condition,
    "missing": _missing_condition,
    "income_gap": _income_gap_condition,
    "beyond": _beyond_condition,
}


def _codes(source: str) -> list[str]:
    return [row.code for row in REASONS.values() if row.source == source]


def _speaks_of(block: _Block, code: str, condition: Condition) -> None:
    """A code's sentence must be true of what its condition looks at: no reason names a factor that was not used."""
    about = REASONS[code].about
    if about not in condition.looks_at:
        seen = " and ".join(map(repr, condition.looks_at))
        raise PolicyError(_line(block.node("code")), f"{code!r} speaks of {about!r}, its condition looks at {seen}")


def _once(rows: list[_At]) -> None:
    seen: dict[str, int] = {}
    for line, row in rows:
        if row.code in seen:
            raise PolicyError(line, f"code {row.code!r} is used before, in line {seen[row.code]}: each row has its own")
        seen[row.code] = line


def _all_reachable(rows: list[_At], makes_idle: Callable[[Any, Any], bool]) -> None:
    for index, later in enumerate(rows):
        for earlier in rows[:index]:
            if makes_idle(earlier.row, later.row):
                raise PolicyError(later.line, f"{later.row.code!r} can never apply: line {earlier.line} covers it")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
