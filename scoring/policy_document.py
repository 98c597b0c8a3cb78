"""Reading a policy document: YAML in, a Policy out, or one line that says which line is wrong and why."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, cast, get_args

import yaml

from schemas.decision import Outcome
from schemas.nearest import plain, slips
from schemas.reasons import MODEL_ALONE, OWN, REASONS
from schemas.verification import VerificationResult
from scoring.features import FEATURES
from scoring.own_reasons import fault_of_code, fault_of_sentence, is_own
from scoring.policy import (
    INSTALMENT,
    NET_CREDITS,
    REPAYMENTS,
    TRAINING_RANGE,
    Bands,
    Condition,
    Penalty,
    Points,
    Policy,
    PolicyError,
    Rule,
)
from scoring.policy_block import Block
from scoring.policy_sense import SHARE_MOST, YOUR_OWN, fault_of_order, fault_of_row
from scoring.policy_spelling import EMPTY, line_of, shown
from scoring.policy_yaml import compose

MAX_CHARACTERS = 100_000
MAX_PDO = 50
"""With more, the row `numerical_residual` could pass 0.05 points where a probability is near 0 or 1."""


NO_RECOURSE = ("none",)
"""What `recourse` of a policy may be: without the line, decisions offer another loan where one would be approved."""


class _At(NamedTuple):
    line: int
    row: Any


def parse_policy(text: str, *, stored: bool = False) -> Policy:
    """The policy in a YAML document.

    Raises PolicyError (with its line) for anything that is not a sound policy: unknown names, features or reason codes,
    codes that speak of something else, numbers that are not finite or out of range, overlapping bands, penalties or
    rules that can never apply, duplicates; for spellings that YAML takes for something else than a reader does; and for
    rows that always apply or do not do what their sentence says (`scoring.policy_sense`). These two alone are let
    through in what is `stored`: it was accepted in its time. Whatever an author may write is the same policy, stored or
    not.
    """
    if len(text) > MAX_CHARACTERS:
        raise PolicyError(1, f"a policy has at most {MAX_CHARACTERS} characters")
    document = Block(compose(text, stored=stored), "a policy")
    name = document.word("name")
    bundle = document.word("bundle") if "bundle" in document else None
    points = _points(Block(document.node("points"), "points"))
    bands = _bands(Block(document.node("bands"), "bands"))
    penalties = [_At(b.line, _penalty(b)) for b in _rows(document, "penalties")]
    rules = [_At(b.line, _rule(b)) for b in _rows(document, "rules")]
    recourse = document.word("recourse", NO_RECOURSE) if "recourse" in document else None
    document.done()
    _once(penalties)
    _once(rules)
    _once([row for row in (*penalties, *rules) if is_own(row.row.code)])
    if not stored:
        _groups_of_more(penalties)
    _all_reachable(
        penalties, lambda a, b: a.group is not None and a.group == b.group and a.condition.covers(b.condition)
    )
    _all_reachable(rules, lambda a, b: a.makes_idle(b))
    _all_reachable(rules[::-1], lambda a, b: a.outcome == "decline" and b.outcome == "refer" and a.makes_idle(b))
    if not stored:
        _make_sense([*penalties, *rules])
    rows = tuple(p.row for p in penalties), tuple(r.row for r in rules)
    return Policy(name, points, bands, *rows, bundle, cast("Literal['none'] | None", recourse))


def _rows(document: Block, name: str) -> list[Block]:
    node = document.node(name)
    if not isinstance(node, yaml.SequenceNode):
        raise PolicyError(line_of(node), f"{name!r} must be a list; {EMPTY[name]}")
    return [Block(item, f"a row of {name}") for item in node.value]


def _points(block: Block) -> Points:
    points = Points(block.number("score", -10_000, 10_000), block.number("pdo", 1, MAX_PDO))
    block.done()
    return points


def _bands(block: Block) -> Bands:
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


def _penalty(block: Block) -> Penalty:
    code = _code(block, "penalty")
    condition = _feature_condition(block)
    text = _text(block, code, condition)
    size = block.number("size", 0.0001, 1)
    group = block.word("group") if "group" in block else None
    block.done()
    return Penalty(code, condition, size, group, text)


def _rule(block: Block) -> Rule:
    code = _code(block, "rule")
    outcome = cast("Outcome", block.word("outcome", ("refer", "decline"), elsewhere=_NO_RULE))
    kinds = [kind for kind in _CONDITIONS if kind in block]
    if not kinds:
        raise block.missing(f"exactly one of {', '.join(_CONDITIONS)}", _CONDITIONS)
    if len(kinds) != 1:
        found = " and ".join(map(repr, kinds))
        raise PolicyError(block.line, f"a rule needs exactly one of {', '.join(_CONDITIONS)}, here are {found}")
    condition = _CONDITIONS[kinds[0]](block)
    text = _text(block, code, condition)
    instead_of = cast("Outcome", block.word("instead_of", ("approve", "decline"))) if "instead_of" in block else None
    block.done()
    if instead_of == outcome:
        raise PolicyError(block.line, f"the rule can never apply: it replaces {outcome!r} by itself")
    if condition.kind == "beyond" and (outcome, instead_of) != ("refer", "approve"):
        raise PolicyError(
            block.line, "'beyond' holds back approvals alone: expected outcome: refer, instead_of: approve"
        )
    return Rule(code, condition, outcome, instead_of, text)


def _feature_condition(block: Block) -> Condition:
    name = block.word("feature", FEATURES, elsewhere=_OTHER_FEATURES)
    if "above" not in block and "below" not in block:
        raise block.missing("'above' or 'below'", ["above", "below"])
    above = block.number("above") if "above" in block else -math.inf
    below = block.number("below") if "below" in block else math.inf
    _can_hold(block, name, above, below)
    return Condition("feature", name, above, below)


def _verification_condition(block: Block) -> Condition:
    name = block.word("verification", get_args(VerificationResult), elsewhere=_OTHER_RESULTS)
    above = block.number("loan_above", 0) if "loan_above" in block else -math.inf
    _can_hold(block, "loan_amount", above, math.inf)
    return Condition("verification", name, above)


def _missing_condition(block: Block) -> Condition:
    always = [name for name in FEATURES if not FEATURES[name].values.may_be_missing]
    if block.is_one_of("missing", always):
        raise PolicyError(block.line, f"can never apply: {block.word('missing')} is never missing")
    return Condition("missing", block.word("missing", [name for name in FEATURES if name not in always]))


def _can_hold(block: Block, name: str, above: float, below: float) -> None:
    values = FEATURES[name].values
    if not values.any_between(above, below):
        ends = " and ".join(
            f"{end} {bound:.15g}" for end, bound in (("above", above), ("below", below)) if math.isfinite(bound)
        )
        raise PolicyError(block.line, f"can never apply: {name} is never {ends} (it goes {values})")


def _income_gap_condition(block: Block) -> Condition:
    gap = Block(block.node("income_gap"), "income_gap")
    above = gap.number("difference_above", 0)
    below = gap.number("similarity_below", 0.0001, 1) if "similarity_below" in gap else math.inf
    gap.done()
    return Condition("income_gap", "annual_income", above, below)


def _affordability_condition(block: Block) -> Condition:
    test = Block(block.node("affordability"), "affordability")
    name = test.word("of", (INSTALMENT, REPAYMENTS))
    rate, above = test.number("rate", 0, 1), test.number("share_above", 0.01, SHARE_MOST)
    test.done()
    return Condition("affordability", name, above, rate=rate)


def _income_from_condition(block: Block) -> Condition:
    name = block.word("income_from", (NET_CREDITS,))
    return Condition(
        "income_from", name, block.number("difference_above", 0, 1) if "difference_above" in block else -math.inf
    )


def _beyond_condition(block: Block) -> Condition:
    if block.is_list("beyond"):
        return Condition("beyond", " ".join(block.words("beyond", FEATURES)))
    return Condition("beyond", block.word("beyond", (TRAINING_RANGE,), besides=", or a list of features: [lti, acr]"))


_OTHER_FEATURES = {row.reason: f"did you mean {name!r}?" for name, row in FEATURES.items() if name != row.reason} | {
    "foir": "did you mean 'dti'?",
    "ltv": "no value of a security is known; 'acr' is the declared assets by the loan, 'lti' the loan by the income",
}
_OTHER_RESULTS = {
    row.code: f"did you mean {row.about.partition(' ')[2]!r}?"
    for row in REASONS.values()
    if row.about is not None and row.about.startswith("verification ")
}
"""What else people call a feature or a result -> what to say."""
_NO_RULE = {"approve": "only the bands approve; expected refer or decline"}


_CONDITIONS: dict[str, Callable[[Block], Condition]] = {
    "feature": _feature_condition,
    "verification": _verification_condition,
    "missing": _missing_condition,
    "income_gap": _income_gap_condition,
    "income_from": _income_from_condition,
    "beyond": _beyond_condition,
    "affordability": _affordability_condition,
}


def _code(block: Block, source: str) -> str:
    """A registered code of the row's kind, or one of the policy's own."""
    node = block.node("code")
    if not isinstance(node, yaml.ScalarNode) or not (is_own(node.value) or is_own(plain(node.value))):
        return block.word("code", _CODES[source], besides=f", or one of your own: {OWN}…", elsewhere=_OTHER_CODES)
    if fault := fault_of_code(node.value):
        raise PolicyError(line_of(node), fault)
    return block.word("code")


_ABOUT_NUMBERS = frozenset({"feature", "beyond", "affordability"})

_CODES = {
    source: [row.code for row in REASONS.values() if row.source == source and row.about != MODEL_ALONE]
    for source in ("penalty", "rule")
}
"""The codes that a row of each kind may have."""

_ELSEWHERE = {"penalty": "it is one of penalties", "rule": "it is one of rules"}
_OTHER_CODES = {
    row.code: "no row may have it, it is told under every policy"
    if row.about in {None, MODEL_ALONE}
    else _ELSEWHERE[row.source]
    for row in REASONS.values()
}
"""What a registered code is where it is none of a row's kind."""


def _text(block: Block, code: str, condition: Condition) -> str | None:
    """The sentence of an own code. A registered one has its sentence, which must be true of the condition: no reason
    names a factor that was not used.
    """
    at = line_of(block.node("code"))
    if is_own(code):
        text = block.word("text")
        if fault := fault_of_sentence(text, about_a_number=condition.kind in _ABOUT_NUMBERS):
            raise PolicyError(line_of(block.node("text")), f"'text' {fault}")
        return text
    if "text" in block:
        raise PolicyError(at, f"{code!r} has its own sentence: 'text' goes with a code of your own, {OWN}…")
    about = REASONS[code].about
    if about not in condition.looks_at:
        seen = " and ".join(map(repr, condition.looks_at))
        raise PolicyError(at, f"{code!r} speaks of {about!r}, its condition looks at {seen}; or {YOUR_OWN}")
    return None


def _once(rows: list[_At]) -> None:
    seen: dict[str, int] = {}
    for line, row in rows:
        if row.code in seen:
            raise PolicyError(line, f"code {row.code!r} is used before, in line {seen[row.code]}: each row has its own")
        seen[row.code] = line


def _groups_of_more(rows: list[_At]) -> None:
    """A group of one does nothing; where another's name is near, it is a slip."""
    sizes = Counter(row.group for _, row in rows if row.group is not None)
    for line, row in rows:
        others = [group for group in sizes if group != row.group]
        if sizes[row.group] == 1 and (meant := slips(row.group, others)):
            raise PolicyError(line, f"the group {shown(row.group)!r} is this penalty alone; did you mean {meant[0]!r}?")


def _make_sense(rows: list[_At]) -> None:
    for line, row in rows:
        if fault := fault_of_row(row) or fault_of_order(row, (other.row for other in rows)):
            raise PolicyError(line, fault)


def _all_reachable(rows: list[_At], makes_idle: Callable[[Any, Any], bool]) -> None:
    for index, later in enumerate(rows):
        for earlier in rows[:index]:
            if makes_idle(earlier.row, later.row):
                raise PolicyError(later.line, f"{later.row.code!r} can never apply: line {earlier.line} covers it")
