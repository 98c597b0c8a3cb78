"""A policy: penalties, rules, bands and points, from a document to a validated value with a content hash."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from schemas.decision import Outcome
from schemas.problem import Problem
from scoring.canonical import canonical_json, sha256

Kind = Literal["feature", "verification", "missing", "income_gap", "income_from", "beyond", "affordability"]

NET_CREDITS = "net_credits"
"""What a condition of kind income_from is about, in a policy."""

TRAINING_RANGE = "training_range"
"""What a condition of kind beyond is about, in a policy."""

INSTALMENT, REPAYMENTS = "instalment", "instalment_and_obligations"
"""What a condition of kind affordability is about, in a policy."""


class PolicyError(Problem):
    """A policy that must not decide; `line` counts from 1, the text says what is wrong and what is expected."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Condition:
    """When a penalty or rule applies: always an open interval, `above` < x < `below`, of something named.

    Of `kind` feature: the feature `name`. Of verification: the loan amount, where the verification result is `name`.
    Of missing: the feature `name` is missing (no bounds). Of income_gap: a check of the income differs by more than
    `above`, either way, with a similarity less than `below` (infinity: whatever it is). Of income_from: `name` (net
    credits) alone speaks of the income, and the claim exceeds it by more than `above`, as a share of the claim. Of
    beyond: features by blanks, or `training_range` for all of the bundle's; a bundle makes one condition of each and
    its harmful side (`scoring.trained_range`). Of affordability: what `name` takes of the income, at a yearly interest
    of `rate` (`scoring.affordability`).
    """

    kind: Kind
    name: str
    above: float = -math.inf
    below: float = math.inf
    rate: float | None = None

    @property
    def looks_at(self) -> tuple[str, ...]:
        """What a reason may say of it, in the words of `ReasonCode.about`.

        >>> Condition("feature", "lti", above=6).looks_at
        ('lti above',)
        """
        match self.kind:
            case "feature":
                ends = (("above", self.above), ("below", self.below))
                return tuple(f"{self.name} {end}" for end, bound in ends if math.isfinite(bound))
            case "beyond":
                return (f"beyond {TRAINING_RANGE}",)
            case "income_gap":
                return (self.kind,)
            case _:
                return (f"{self.kind} {self.name}",)

    def covers(self, other: "Condition") -> bool:
        """Whether this holds wherever the other does."""
        if self.kind != other.kind or self.above > other.above or self.below < other.below:
            return False
        if self.rate is None or other.rate is None:
            return self.name == other.name
        # The dearer loan takes more, and obligations come on top of the instalment.
        return self.rate >= other.rate and self.name in {other.name, REPAYMENTS}


@dataclass(frozen=True, slots=True)
class Penalty:
    """`size` is taken from the score where `condition` holds; of one `group` only the first that applies.

    `text` is the sentence of a code of the policy's own (`scoring.own_reasons`).
    """

    code: str
    condition: Condition
    size: float
    group: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `condition` holds the outcome is `outcome`; with `instead_of` only where the bands said that.

    `text` is the sentence of a code of the policy's own (`scoring.own_reasons`).
    """

    code: str
    condition: Condition
    outcome: Outcome
    instead_of: Outcome | None = None
    text: str | None = None

    def makes_idle(self, other: "Rule") -> bool:
        """Whether the other rule, standing after this one, can never make a difference."""
        stronger = self.outcome in {other.outcome, "decline"}
        wider = self.instead_of is None or self.instead_of == other.instead_of
        return stronger and wider and self.condition.covers(other.condition)


@dataclass(frozen=True, slots=True)
class Bands:
    """A score above `approve` approves, at or below `decline` declines, between them it refers.

    A score has nine decimals: it is rounded to them after calibration and after each penalty, so that what is compared
    here are decimals, each as its nearest float.

    >>> 0.81 - 0.11 > 0.7, Bands(approve=0.7, decline=0.3).outcome(round(0.81 - 0.11, 9))
    (True, 'refer')
    """

    approve: float
    decline: float

    def outcome(self, score: float) -> Outcome:
        """What a score alone would lead to."""
        if score > self.approve:
            return "approve"
        return "decline" if score <= self.decline else "refer"


@dataclass(frozen=True, slots=True)
class Points:
    """`score` points at odds of 1 to 1; `pdo` more points double the odds."""

    score: float
    pdo: float

    @property
    def factor(self) -> float:
        """Points per unit of log-odds."""
        return self.pdo / math.log(2)


@dataclass(frozen=True, slots=True)
class Policy:
    """A validated policy. `policy_id` is the hash of its parsed content: comments and layout do not count.

    `bundle` is the name of the one that it is meant for; None: any. `recourse` is "none" where its decisions
    offer no other loan.
    """

    name: str
    points: Points
    bands: Bands
    penalties: tuple[Penalty, ...]
    rules: tuple[Rule, ...]
    bundle: str | None = None
    recourse: Literal["none"] | None = None

    @property
    def policy_id(self) -> str:
        """The content hash that receipts and activations name."""
        return sha256(canonical_json(_plain(asdict(self))))

    @property
    def features(self) -> tuple[str, ...]:
        """The features that its conditions look at, in order of first use."""
        conditions = [*(p.condition for p in self.penalties), *(r.condition for r in self.rules)]
        return tuple(dict.fromkeys(name for condition in conditions for name in _features_of(condition)))


def _features_of(condition: Condition) -> tuple[str, ...]:
    match condition.kind:
        case "feature" | "missing":
            return (condition.name,)
        case "affordability":
            return OF_AFFORDABILITY
        case _:
            return ()


OF_AFFORDABILITY = ("annual_income", "loan_amount", "loan_term", "dti")
"""The features that an affordability test is made of."""

_ADDED_LATER = frozenset({"text", "rate", "bundle", "recourse"})
"""What stands in the content only where it has a value: a policy without it keeps its id."""


def _plain(value: Any) -> Any:
    """JSON values: an open end of an interval is null."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item is not None or name not in _ADDED_LATER}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isinf(value) else value
