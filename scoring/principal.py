"""Principal reasons: why an application was not approved, one reason for each underlying factor, for the applicant.

What decided without points (a rule, a document) stands first. Where the score held back the approval, its factors
follow, the costliest first. A factor costs the sum of

- what the model takes for its features beside a typical approved applicant (`scoring.reference`): the difference of
  exact contributions, in log-odds before any clip;
- what each of its penalties would take from that applicant's score.

So no cost depends on where points clip a probability, and one applicant's penalty is worth what another's is. A factor
is told where it costs something, where something in it is worse than the typical applicant's or penalised, and where it
is not trifling beside the costliest.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.decision import PRINCIPAL_MAX
from schemas.factors import BANK_POLICY, FACTOR_OF, FACTORS
from schemas.reasons import OWN, REASONS
from scoring.bundle import Bundle, Raw
from scoring.explanation import Row
from scoring.factor_words import WORDS
from scoring.features import FEATURES, POSITION
from scoring.policy import Condition, Policy, Rule
from scoring.reference import reference_of
from scoring.rules import RULE_OF_DEGRADED, Fired
from scoring.telling import Telling, Told, beside, deduction, of_rule

TRIFLING = 0.1
"""Factors that cost less than this share of the costliest are not principal: they are left out."""

LEFT = 0.01
"""What a penalty leaves at least of a typical score: more than everything cannot be taken."""

DOCUMENTS = "documents"
"""The factor of what a newer reader finds."""

_RANK = {code: rank for rank, code in enumerate(FACTORS)}

Matrix = npt.NDArray[np.float64]


class Costs(NamedTuple):
    """By applicant: each factor's cost in points (below 0 it hurts), and the feature that hurts most in it, by its
    place in the bundle, -1 where none does. Columns are `Principal.factors`.
    """

    nets: list[list[float]]
    leads: list[list[int]]


def factor_of(code: str, condition: Condition) -> str:
    """The factor of a policy's row: of its code where that is registered, else of what its condition looks at."""
    if code in FACTOR_OF:
        return FACTOR_OF[code]
    if condition.kind in {"feature", "missing"}:
        return FACTOR_OF[FEATURES[condition.name].reason]
    return FACTOR_OF.get(_LOOKS.get(condition.kind, ""), BANK_POLICY)


_LOOKS: Mapping[str, str] = {
    "verification": "no_documents",
    "income_gap": "income_gap",
    "income_from": "income_from_net_credits",
    "beyond": "beyond_training_range",
}
"""By kind of condition: the registered code that is about the same."""

_GENERAL = frozenset(RULE_OF_DEGRADED.values())
"""Rules that say of documents what a finding beside them says in particular."""


class _Penalised(NamedTuple):
    """A penalty of the policy: its factor's place, its worth in points, its feature's column, and how it is told."""

    at: int
    worth: float
    column: int
    telling: Telling


class _Ruled(NamedTuple):
    """A rule of the policy: its factor, its feature's column, and how it is told; None: as its row says it."""

    factor: str
    column: int
    telling: Telling | None


class Principal:
    """The principal reasons of one (bundle, policy); `rules` are its judge's, by whose places it names them."""

    def __init__(self, bundle: Bundle, policy: Policy, rules: Sequence[Rule]) -> None:
        reference = reference_of(bundle, policy.bands.approve)
        self._factor = policy.points.factor
        self._scale = bundle.a * policy.points.factor
        self._expected, self._values = reference.contributions, reference.values
        of_features = [FACTOR_OF[FEATURES[name].reason] for name in bundle.features]
        of_penalties = [factor_of(row.code, row.condition) for row in policy.penalties]
        self.factors = sorted({*of_features, *of_penalties}, key=_RANK.__getitem__)
        places = {code: number for number, code in enumerate(self.factors)}
        self._members = [[i for i, code in enumerate(of_features) if code == factor] for factor in self.factors]
        self._worse = np.array([WORDS[name].worse if name in WORDS else 0 for name in bundle.features])
        self._columns = bundle.columns
        self._beside = [beside(name, value) for name, value in zip(bundle.features, self._values.tolist(), strict=True)]
        self._penalties = [
            _Penalised(
                places[factor],
                _worth(reference.probability, row.size) * self._factor,
                POSITION[row.condition.name],
                deduction(row, policy),
            )
            for row, factor in zip(policy.penalties, of_penalties, strict=True)
        ]
        self._rules = [_Ruled(factor_of(row.code, row.condition), *of_rule(row)) for row in rules]

    def costs(self, raw: Raw, values: Matrix) -> Costs:
        """What each factor of the model costs each applicant; `values` are the bundle's features, (n, k)."""
        moved = np.round((raw.contributions - self._expected) * self._scale, 6)
        side = np.sign(values - self._values)
        # Missing, on either side, is worse where the model says so.
        hurts = np.where(self._worse == 0, side != 0, side == self._worse) | np.isnan(side)
        harm = np.where(hurts, np.minimum(moved, 0.0), 0.0)
        nets = np.zeros((len(values), len(self.factors)))
        leads = np.full((len(values), len(self.factors)), -1)
        for at, members in enumerate(self._members):
            worst = np.zeros(len(values))
            for member in members:  # one after another: the sum of a row depends on no other row
                nets[:, at] += moved[:, member]
                leads[harm[:, member] < worst, at] = member
                worst = np.minimum(worst, harm[:, member])
        return Costs(np.round(nets, 6).tolist(), leads.tolist())

    def of_score(
        self, features: Sequence[float], currency: str, nets: Sequence[float], leads: Sequence[int], due: Sequence[int]
    ) -> list[Row]:
        """The reasons of a score that does not approve, costliest first. `features` are the whole table's, `nets` and
        `leads` the applicant's of `costs`, `due` the penalties that applied.
        """
        costs, penalised = list(nets), dict[int, _Penalised]()
        for penalty in map(self._penalties.__getitem__, due):
            costs[penalty.at] -= penalty.worth
            penalised.setdefault(penalty.at, penalty)
        told = sorted(
            (round(cost, 6), at) for at, cost in enumerate(costs) if cost < 0 and (leads[at] >= 0 or at in penalised)
        )
        # Whoever the typical applicant is hardly ahead of was held back by penalties, or by what is lowest.
        told = told or [min((round(costs[at], 6), at) for at in penalised or range(len(costs)))]
        least = TRIFLING * told[0][0]
        rows = []
        for cost, at in told[:PRINCIPAL_MAX]:
            if cost <= least or cost >= 0:
                if at in penalised:
                    column, telling = penalised[at].column, penalised[at].telling
                else:
                    lead = leads[at] if leads[at] >= 0 else self._members[at][0]
                    column, telling = self._columns[lead], self._beside[lead]
                rows.append(_row(self.factors[at], cost, telling(features[column], currency)))
        return rows

    def of_rules(
        self, fired: Sequence[Fired], decisive: Sequence[Row], features: Sequence[float], currency: str
    ) -> list[Row]:
        """The reasons that decided without points: `fired` are the rules behind the first of the `decisive` rows."""
        rules = {item.code: self._rules[item.at] for item in reversed(fired) if item.at is not None}
        in_particular = any(_is_finding(row["code"]) for row in decisive)
        found: dict[str, Row] = {}
        for row in decisive:
            code = row["code"]
            if in_particular and code in _GENERAL:
                continue
            rule = rules.get(code) or _Ruled(FACTOR_OF.get(code, DOCUMENTS), 0, None)
            if rule.factor not in found:
                told = Told(row["text"], row["value"])
                if rule.telling is not None:
                    told = rule.telling(features[rule.column], currency)
                found[rule.factor] = _row(rule.factor, None, told)
        return list(found.values())


def together(decided: Sequence[Row], scored: Sequence[Row]) -> list[Row]:
    """What decided, then what the score cost: each factor once, no more than there is room for."""
    named = {row["factor"] for row in decided}
    return [*decided, *(row for row in scored if row["factor"] not in named)][:PRINCIPAL_MAX]


def _row(factor: str, points: float | None, told: Told) -> Row:
    return {"factor": factor, "text": told.text, "points": points, "value": told.value, "bound": told.bound}


def _is_finding(code: str) -> bool:
    """Whether a document or a check says it; what a newer reader reports is registered nowhere yet."""
    return not code.startswith(OWN) and (code not in REASONS or REASONS[code].source in {"check", "document"})


def _worth(probability: float, size: float) -> float:
    """The log-odds that a penalty takes from a score of that probability."""
    left = max(probability - size, min(LEFT, probability / 2))
    return math.log(probability / (1 - probability)) - math.log(left / (1 - left))
