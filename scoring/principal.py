"""Principal reasons: why an application was not approved, one reason for each underlying factor, for the applicant.

What decided without points (a rule, a document) stands first. Where the score held back the approval, its factors
follow, the costliest first. What a factor costs is measured beside a typical approved applicant (`scoring.reference`),
in the model's log-odds before any clip: half of what the applicant would gain with the typical applicant's values in
this factor alone, and half of what the typical applicant would lose with the applicant's. To that comes what the
factor's penalties would take from the typical applicant's score. So no cost depends on where points clip a probability,
a value that changes nothing costs nothing, and one applicant's penalty is worth what another's is.

A factor is told where it costs something, where something in it is worse than the typical applicant's or penalised, and
where it is not trifling beside the costliest.
"""

import math
from collections.abc import Mapping, Sequence
from operator import attrgetter
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
from scoring.telling import Telling, Valued, beside, deduction, of_rule

TRIFLING = 0.1
"""Factors that cost less than this share of the costliest are not principal: they are left out."""

LEFT = 0.01
"""What a penalty leaves at least of a typical score: more than everything cannot be taken."""

DOCUMENTS = "documents"
"""The factor of what a newer reader finds."""

BEHIND = 1e9
"""More than any contribution: what is worse than the typical applicant's is told before what is not."""

_RANK = {code: rank for rank, code in enumerate(FACTORS)}

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]


class HeldBack(NamedTuple):
    """An applicant whom the score does not approve: its features (the whole table's), currency, and the places of the
    penalties that applied.
    """

    features: Sequence[float]
    currency: str
    penalties: Sequence[int]


def factor_of(code: str, condition: Condition) -> str:
    """The factor of a policy's row: of its code where that is registered, else of what its condition looks at."""
    if code in FACTOR_OF:
        return FACTOR_OF[code]
    if condition.kind in {"feature", "missing"}:
        return FACTOR_OF[FEATURES[condition.name].reason]
    return FACTOR_OF.get(_LOOKS.get(condition.kind, ""), BANK_POLICY)


_LOOKS: Mapping[str, str] = {
    "affordability": "debt_to_income",
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


_BY_WORTH = attrgetter("worth")


class _Ruled(NamedTuple):
    """A rule of the policy: its factor, and the value and how it is told; None: as its row says it."""

    code: str
    factor: str
    told_by: tuple[Valued, Telling] | None


class Principal:
    """The principal reasons of one (bundle, policy); `rules` are its judge's, by whose places it names them."""

    def __init__(self, bundle: Bundle, policy: Policy, rules: Sequence[Rule]) -> None:
        self._bundle, self._columns = bundle, bundle.columns
        self._typical = reference_of(bundle, policy.bands.approve)
        self._scale = bundle.a * policy.points.factor
        of_features = [FACTOR_OF[FEATURES[name].reason] for name in bundle.features]
        of_penalties = [factor_of(row.code, row.condition) for row in policy.penalties]
        of_model = {of_features[at] for at in bundle.used}
        self.factors = sorted({*of_model, *of_penalties}, key=_RANK.__getitem__)
        places = {code: number for number, code in enumerate(self.factors)}
        self._members = [[at for at in bundle.used if of_features[at] == factor] for factor in self.factors]
        self._worse = np.array([WORDS[name].worse if name in WORDS else 0 for name in bundle.features])
        values = self._typical.values.tolist()
        self._beside = [beside(name, value) for name, value in zip(bundle.features, values, strict=True)]
        self._penalties = [
            _Penalised(
                places[factor],
                _worth(self._typical.probability, row.size) * policy.points.factor,
                POSITION[row.condition.name],
                deduction(row, policy),
            )
            for row, factor in zip(policy.penalties, of_penalties, strict=True)
        ]
        self._rules = [_Ruled(row.code, factor_of(row.code, row.condition), of_rule(row)) for row in rules]

    def of_scores(self, held_back: Sequence[HeldBack], raw: Raw, values: Matrix) -> list[list[Row]]:
        """The reasons of each score that does not approve, costliest first. `raw` is what the model says of these
        applicants, `values` their features, (n, k), both in the bundle's order.
        """
        if not held_back or not self.factors:
            return [[] for _ in held_back]
        moved = np.round((raw.contributions - self._typical.contributions) * self._scale, 6)
        side = np.sign(values - self._typical.values)
        # Missing, on either side, is worse where the model says so.
        worse = np.where(self._worse == 0, side != 0, side == self._worse) | np.isnan(side)
        costs = self._costs(raw, values, worse)
        due = [(row, self._penalties[at]) for row, one in enumerate(held_back) for at in one.penalties]
        at = ([row for row, _ in due], [penalty.at for _, penalty in due])
        np.subtract.at(costs, at, [penalty.worth for _, penalty in due])
        costs = np.round(costs, 6)
        order = np.argsort(costs, axis=1, kind="stable")[:, :PRINCIPAL_MAX]
        sorted_costs = np.take_along_axis(costs, order, axis=1)
        told = (sorted_costs < 0) & (sorted_costs <= TRIFLING * sorted_costs[:, :1])
        leads = np.column_stack([_lead(members, worse, moved) for members in self._members])
        made = []
        for one, ats, of_factors, these, count, parts in zip(
            held_back,
            order.tolist(),
            leads.tolist(),
            sorted_costs.tolist(),
            told.sum(axis=1).tolist(),
            moved,
            strict=True,
        ):
            first = zip(ats[:count], these, strict=False) if count else [self._least(one, parts)]
            made.append([self._told(one, at, cost, of_factors[at]) for at, cost in first])
        return made

    def _costs(self, raw: Raw, values: Matrix, worse: npt.NDArray[np.bool_]) -> Matrix:
        """What the features of each factor cost in points, (n, factors): nothing where none of them is worse."""
        costs = np.zeros((len(values), len(self.factors)))
        concerned, changed = list[npt.NDArray[np.intp]](), list[Matrix]()
        for members in self._members:
            rows = np.flatnonzero(worse[:, members].any(axis=1))
            mended, spoilt = values[rows], np.tile(self._typical.values, (len(rows), 1))
            mended[:, members], spoilt[:, members] = self._typical.values[members], values[rows][:, members]
            concerned.append(rows)
            changed += [mended, spoilt]
        margins = self._bundle.margins(np.concatenate(changed))
        done = 0
        for at, rows in enumerate(concerned):
            mended, spoilt = (margins[start : start + len(rows)] for start in (done, done + len(rows)))
            costs[rows, at] = (raw.margin[rows] - mended + spoilt - self._typical.margin) / 2 * self._scale
            done += 2 * len(rows)
        return costs

    def _least(self, one: HeldBack, moved: Vector) -> tuple[int, float]:
        """The factor to tell of somebody beside whom the typical applicant is ahead in nothing alone: that of a
        penalty, or else where the exact contributions lie furthest behind.
        """
        if one.penalties:
            penalty = max((self._penalties[at] for at in one.penalties), key=_BY_WORTH)
            return penalty.at, round(-penalty.worth, 6)
        nets = [(round(float(moved[members].sum()), 6), at) for at, members in enumerate(self._members) if members]
        return min(nets)[1], min(nets)[0]

    def _told(self, one: HeldBack, at: int, cost: float, lead: int) -> Row:
        column, telling = self._columns[lead], self._beside[lead]
        for penalty in map(self._penalties.__getitem__, one.penalties):
            if penalty.at == at:
                column, telling = penalty.column, penalty.telling
                break
        return _row(self.factors[at], cost if cost < 0 else None, *telling(one.features[column], one.currency))

    def of_rules(
        self, fired: Sequence[Fired], decisive: Sequence[Row], features: Sequence[float], currency: str
    ) -> list[Row]:
        """The reasons that decided without points: `fired` are the rules behind the first of the `decisive` rows."""
        if not decisive:
            return []
        # The first rows are those of the rules, each code once; then come the findings.
        firsts = fired if len(fired) < 2 else _firsts(fired)
        in_particular = len(decisive) > 1 and any(_is_finding(row["code"]) for row in decisive)
        found: dict[str, Row] = {}
        for number, row in enumerate(decisive):
            code = row["code"]
            if in_particular and code in _GENERAL:
                continue
            at = firsts[number].at if number < len(firsts) else None
            rule = None if at is None else self._rules[at]
            # Of a rule about documents the row may say more than the rule: then it is the row's code that counts.
            factor = FACTOR_OF.get(code, DOCUMENTS) if rule is None or rule.code != code else rule.factor
            if factor in found:
                continue
            if rule is None or rule.told_by is None:
                found[factor] = _row(factor, None, row["text"], row["value"])
            else:
                value, telling = rule.told_by
                found[factor] = _row(factor, None, *telling(value(features), currency))
        return list(found.values())


def together(decided: list[Row], scored: list[Row]) -> list[Row]:
    """What decided, then what the score cost: each factor once, no more than there is room for."""
    if decided and scored:
        named = {row["factor"] for row in decided}
        decided += [row for row in scored if row["factor"] not in named]
    return (decided or scored)[:PRINCIPAL_MAX]


def _firsts(fired: Sequence[Fired]) -> list[Fired]:
    found: dict[str, Fired] = {}
    for item in fired:
        found.setdefault(item.code, item)
    return list(found.values())


def _lead(members: Sequence[int], worse: npt.NDArray[np.bool_], moved: Matrix) -> npt.NDArray[np.intp]:
    """Of some features the one to tell of: the exact contribution furthest behind, first among those that are worse."""
    if not members:
        return np.zeros(len(moved), np.intp)
    behind = np.where(worse[:, members], np.minimum(moved[:, members], 0.0) - BEHIND, moved[:, members])
    found: npt.NDArray[np.intp] = np.array(members)[np.argmin(behind, axis=1)]
    return found


def _row(factor: str, points: float | None, text: str, value: str | None, bound: str | None = None) -> Row:
    return {"factor": factor, "text": text, "points": points, "value": value, "bound": bound}


def _is_finding(code: str) -> bool:
    """Whether a document or a check says it; what a newer reader reports is registered nowhere yet."""
    return not code.startswith(OWN) and (code not in REASONS or REASONS[code].source in {"check", "document"})


def _worth(probability: float, size: float) -> float:
    """The log-odds that a penalty takes from a score of that probability."""
    left = max(probability - size, min(LEFT, probability / 2))
    return math.log(probability / (1 - probability)) - math.log(left / (1 - left))
