"""Sentences of principal reasons: what an applicant's value missed, or how it compares with the typical one."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from operator import itemgetter
from typing import Literal, NamedTuple

from schemas.decision import Outcome
from schemas.reasons import REASONS
from scoring.affordability import share_of_income
from scoring.explanation import Wording
from scoring.factor_words import FLAGS, MONEY, REPAYMENT_WORDS, WORDS, Words, apart, both, number
from scoring.features import POSITION
from scoring.policy import Condition, Penalty, Policy, Rule

Side = Literal["above", "below"]


class Told(NamedTuple):
    """A sentence about a value, the value as a plain number, and the bound that it missed."""

    text: str
    value: str | None = None
    bound: str | None = None


Telling = Callable[[float, str], Told]
"""Tells a value, given the application's currency."""

Valued = Callable[[Sequence[float]], float]
"""The value that is told, from one row of the whole table of features."""

_WORDS = WORDS | REPAYMENT_WORDS

_TYPICAL = "of a typical approved application."
_TAKES = "; the score counts it against the application."
_DEDUCTS: dict[Side, str] = {
    "above": "; at most {} is accepted without a deduction.",
    "below": "; at least {} is accepted without a deduction.",
}
_DECIDES: dict[tuple[Outcome, Side], str] = {
    ("decline", "above"): "; more than {} is declined.",
    ("decline", "below"): "; less than {} is declined.",
    ("refer", "above"): "; above {} a person decides.",
    ("refer", "below"): "; below {} a person decides.",
}
_SEEN: dict[Side, str] = {
    "above": "; the model has seen no more than {}: a person decides.",
    "below": "; the model has seen no less than {}: a person decides.",
}


def beside(name: str, typical: float) -> Telling:
    """Tells a feature's value beside the typical approved applicant's."""
    if name in FLAGS:
        return _flag(name, ", unlike a typical approved applicant." if typical in {0.0, 1.0} else _TAKES)
    words = WORDS[name]
    before, after = _cut(words)

    def tell(value: float, currency: str) -> Told:
        if math.isnan(value):
            return Told(f"{words.missing}{_TAKES}")
        texts = both(words.scale, value, typical)
        if texts is None or math.isnan(typical):
            shown = number(value, words.scale.digits)
            return Told(f"{before}{words.scale.person(shown, currency)}{after}{_TAKES}", shown)
        one, other = (words.scale.person(text, currency) for text in texts)
        than = words.more if value > typical else words.less
        return Told(f"{before}{one}{after}, {than} than the {other} {_TYPICAL}", texts[0])

    return tell


def deduction(penalty: Penalty, policy: Policy) -> Telling:
    """Tells a value that a penalty is on, beside the mildest bound of all penalties on its side: within that one there
    is none.
    """
    condition = penalty.condition
    if penalty.text is not None:
        return _own(condition, Wording.of(penalty.code, penalty.text))
    side = _side(condition)
    bounds = [getattr(row.condition, side) for row in policy.penalties if row.condition.name == condition.name]
    mildest = (min if side == "above" else max)(filter(math.isfinite, bounds))
    return _missed(condition.name, side, mildest, _DEDUCTS[side])


def of_rule(rule: Rule) -> tuple[Valued, Telling] | None:
    """What a rule is told by, and the telling; None: as the rule's own sentence says it."""
    condition, own = rule.condition, rule.text
    match condition.kind:
        case "feature" | "affordability":
            value = itemgetter(POSITION[condition.name]) if condition.kind == "feature" else _share(condition)
            if own is not None:
                return value, _own(condition, Wording.of(rule.code, own))
            side = _side(condition)
            return value, _missed(condition.name, side, getattr(condition, side), _DECIDES[rule.outcome, side])
        case "beyond":
            side = _side(condition)
            telling = _missed(condition.name, side, getattr(condition, side), _SEEN[side])
            return itemgetter(POSITION[condition.name]), telling
        case "verification" if own is None and 0 < condition.above < math.inf:
            return itemgetter(POSITION["loan_amount"]), _from_amount(rule.code, condition.above)
        case "income_gap" if own is None:
            return itemgetter(POSITION["annual_income"]), _apart_by(rule.code, condition.above)
        case _:
            return None


def plain(bound: float) -> str:
    """A bound as somebody typed it.

    >>> plain(6.0), plain(0.6), plain(1e6)
    ('6', '0.6', '1000000')
    """
    return f"{Decimal(repr(bound)).normalize():f}"


def _share(condition: Condition) -> Valued:
    return partial(share_of_income, condition)


def _side(condition: Condition) -> Side:
    """The side of its interval that an applicant is told of: the one on which the feature hurts."""
    words = _WORDS.get(condition.name)
    first: Side = "above" if words is None or words.worse >= 0 else "below"
    other: Side = "below" if first == "above" else "above"
    return first if math.isfinite(getattr(condition, first)) else other


def _cut(words: Words) -> tuple[str, str]:
    before, _, after = words.subject.partition("{}")
    return before, after


def _missed(name: str, side: Side, bound: float, ending: str) -> Telling:
    if name in FLAGS:
        return _flag(name, _TAKES)
    words, text = _WORDS[name], plain(bound)
    scale, (before, after) = words.scale, _cut(words)

    @lru_cache(maxsize=64)
    def limit(currency: str) -> tuple[str, str]:
        """The bound as a person reads it, and the sentence's end."""
        said = scale.person(text, currency)
        return said, f"{after}{ending.format(f'{said}{words.unit}')}"

    def tell(value: float, currency: str) -> Told:
        shown = apart(scale, value, text)
        said, tail = limit(currency)
        if shown is None:
            return Told(f"{before}just {side} {said}{tail}", f"just {side} {text}", text)
        return Told(f"{before}{scale.person(shown, currency)}{tail}", shown, text)

    return tell


def _flag(name: str, ending: str) -> Telling:
    told = [Told(f"{said}{ending}", value) for said, value in zip(FLAGS[name], ("no", "yes"), strict=True)]
    return lambda value, _: told[value > 0]


def _own(condition: Condition, wording: Wording) -> Telling:
    """A bank's own sentence, with its value past the bound."""
    name, bound = condition.name, getattr(condition, _side(condition))
    scale, text = _WORDS[name].scale if name in _WORDS else None, plain(bound)

    def tell(value: float, currency: str) -> Told:
        if scale is None:
            return Told(wording.text("yes" if value else "no"), bound=text)
        shown = apart(scale, value, text) or f"{value:.{scale.digits}f}"
        return Told(wording.text(scale.person(shown, currency)), shown, text)

    return tell


def _from_amount(code: str, above: float) -> Telling:
    sentence, text = REASONS[code].sentence, plain(above)
    return lambda value, currency: Told(
        f"{sentence} That holds for loans above {MONEY.person(text, currency)}.", number(value, 2), text
    )


def _apart_by(code: str, above: float) -> Telling:
    sentence, text = Wording.of(code, bound=above).text(""), plain(above)
    return lambda value, _: Told(sentence, number(value, 2), text)
