"""Rules: what decides without points. Declines stand above referrals, referrals above the bands.

Above them all stands the currency: whoever applies in one that the model was not trained on is referred to a person.
Then no decline decides, and no limit in units of money is held against amounts of another unit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from schemas.decision import VALUE_MAX, Outcome
from schemas.verification import ApplicationVerified, VerificationResult
from scoring.affordability import share_of_income
from scoring.bundle import Bundle
from scoring.checks import REASON_OF, inferred_incomes, result_of_extraction
from scoring.conditions import Conditions, Matrix
from scoring.explanation import Row, Wording
from scoring.features import FEATURES, POSITION
from scoring.holders import HOLDER
from scoring.past_bound import past_bound
from scoring.policy import TRAINING_RANGE, Condition, Kind, Policy, Rule
from scoring.recourse import MOVED

HOLDER_NOT_READ = REASON_OF[HOLDER, "unreadable"]

MAX_FINDINGS = 100
"""Rows for what documents show: a decision has room for 200 rows in all."""

BASIS_OF_RESULT: dict[VerificationResult, str] = {
    "verified": "documents_verified",
    "not_provided": "no_documents",
    "unreadable": "documents_unreadable",
    "unavailable": "reader_unavailable",
    "mismatch": "documents_mismatch",
    "suspicious": "documents_suspicious",
}

RULE_OF_DEGRADED: dict[VerificationResult, str] = {
    "suspicious": "documents_suspicious",
    "mismatch": "documents_mismatch",
    "unavailable": "reader_unavailable",
    "unreadable": "documents_unreadable",
}
"""Results that approve under no policy, whatever its rules say."""


TOLD_IN_BASIS = frozenset({"outside_experience"})
"""Rules that say how far the model can be believed: told of a decline, too, that stands without them."""

_OF_DOCUMENTS: frozenset[Kind] = frozenset({"verification", "income_gap", "income_from"})
"""Conditions on what documents say: where they hold, what checks found is told, too."""


_OF_ONE_FEATURE: frozenset[Kind] = frozenset({"feature", "missing", "beyond"})


class Fired(NamedTuple):
    """A rule that applied: its code, the applicant's value, the verification result it looked at, if any, and its place
    among the policy's (`Judge.rules`), where it is one of these.
    """

    code: str
    value: str | None = None
    result: VerificationResult | None = None
    at: int | None = None


class Judge:
    """The rules of one (bundle, policy), and those that hold under every policy."""

    def __init__(self, bundle: Bundle, policy: Policy) -> None:
        self._currency = bundle.currency
        self.rules = [part for rule in policy.rules for part in _parts(rule, bundle)]
        self._always = ["training_range_unknown"] if not_looked_at(bundle, policy) else []
        self._affordability = any(rule.condition.kind == "affordability" for rule in self.rules)
        self._needed = [name for name in bundle.features if name not in bundle.may_be_missing]
        self._needed_columns = [POSITION[name] for name in self._needed]
        self.conditions = Conditions([rule.condition for rule in self.rules])
        self._in_any_currency = [_in_any_currency(rule.condition) for rule in self.rules]
        self._told = [Wording.of(rule.code, rule.text, rule.condition.above) for rule in self.rules]
        self._tellings = [_telling(rule) for rule in self.rules]
        self._wordings = dict[str, Wording]()

    def gates(self, events: Sequence[ApplicationVerified], features: Matrix) -> dict[int, list[Fired]]:
        """For each event about which the model cannot be asked: why."""
        gates: dict[int, list[Fired]] = {}
        for row, event in enumerate(events):
            if event.application.currency != self._currency:
                gates[row] = [Fired("currency_not_modelled", event.application.currency)]
        for row, at in np.argwhere(np.isnan(features[:, self._needed_columns])).tolist():
            code = "thin_file" if self._needed[at] == "cibil_score" else "feature_missing"
            gates.setdefault(row, []).append(Fired(code))
        return gates

    def judge(
        self,
        event: ApplicationVerified,
        features: Sequence[float],
        banded: Outcome,
        gates: Sequence[Fired],
        holding: Sequence[int],
    ) -> tuple[Outcome, list[Row], list[Fired]]:
        """The outcome, given what the bands say and which rules' conditions hold, the rows of whatever decided it
        instead of the score, and what of it were rules.
        """
        refer, decline = list(gates), list[Fired]()
        foreign = event.application.currency != self._currency
        for at in holding:
            rule = self.rules[at]
            if rule.instead_of in {None, banded} and (self._in_any_currency[at] or not foreign):
                (decline if rule.outcome == "decline" else refer).append(self._fired(at, rule, event, features))
        if decline and not foreign:
            return "decline", self._rows(event, decline), decline
        if banded == "approve" and not refer and (code := RULE_OF_DEGRADED.get(event.verification_result)):
            refer.append(Fired(_said(code, event), None, event.verification_result))
        return ("refer", self._rows(event, refer), refer) if refer else (banded, [], [])

    def may_be_moved(self, event: ApplicationVerified, fired: Sequence[Fired]) -> bool:
        """Whether another loan could be approved, as far as the rules that decided tell: none of them, nor what the
        documents show, is about something that the loan does not move.
        """
        if event.verification_result in RULE_OF_DEGRADED:
            return False
        conditions = [None if item.at is None else self.rules[item.at].condition for item in fired]
        return not any(
            one is None or one.kind in _OF_DOCUMENTS or (one.kind in _OF_ONE_FEATURE and one.name not in MOVED)
            for one in conditions
        )

    def hold_back(self, holding: Sequence[int]) -> bool:
        """Whether rules whose conditions hold stand against an approval by the bands."""
        return any(self.rules[at].instead_of in {None, "approve"} for at in holding)

    def basis(self, event: ApplicationVerified, gates: Sequence[Fired] = (), holding: Sequence[int] = ()) -> list[str]:
        """What the decision stood on, as codes of `schemas.reasons.BASIS`; `holding` are the rules whose conditions
        hold, whether they decided or not, where the model was asked.
        """
        result = _said(BASIS_OF_RESULT[event.verification_result], event)
        doubts = _doubts(event) if event.checks else ()
        codes = list(dict.fromkeys([result, *doubts, *self._always]))
        if event.application.cibil_score is None:
            codes.append("thin_file")
        if self._affordability and event.application.monthly_obligations is None:
            codes.append("obligations_missing")
        if holding:
            codes += sorted(TOLD_IN_BASIS.intersection(self.rules[at].code for at in holding))
        return list(dict.fromkeys([*codes, *(gate.code for gate in gates)])) if gates else codes

    def _fired(self, at: int, rule: Rule, event: ApplicationVerified, features: Sequence[float]) -> Fired:
        if (telling := self._tellings[at]) is not None:
            column, tell = telling
            return Fired(rule.code, tell(features[column]), None, at)
        if rule.condition.kind == "affordability":
            share = share_of_income(rule.condition, features)
            return Fired(rule.code, past_bound(rule.condition, FEATURES["dti"].show)(share), None, at)
        if rule.condition.kind in _OF_DOCUMENTS:
            return Fired(_said(rule.code, event), None, event.verification_result, at)
        return Fired(rule.code, None, None, at)

    def _rows(self, event: ApplicationVerified, fired: list[Fired]) -> list[Row]:
        rows: dict[str, Row] = {}
        for item in fired:
            if item.code not in rows:
                rows[item.code] = self._row(item.code, item.value, item.at)
        if len(rows) < len(fired):  # a range gate that found several features beyond
            for item in reversed(fired):
                values = [other.value for other in fired if other.code == item.code]
                rows[item.code] = self._row(item.code, _together(values), item.at)
        # Without a reading nothing was found: no check can have failed.
        if event.extractions and any(item.result for item in fired):
            for code, value in sorted(_findings(event).items())[:MAX_FINDINGS]:
                rows.setdefault(code, self._row(code, value))
        return list(rows.values())

    def _row(self, code: str, value: str | None, at: int | None = None) -> Row:
        # Of a rule whose code tells what its documents are, the code may be another than the rule's own.
        if at is not None and self._told[at].code == code:
            return self._told[at].decisive(value)
        wording = self._wordings.get(code) or self._wordings.setdefault(code, Wording.of(code))
        return wording.decisive(value)


def _in_any_currency(condition: Condition) -> bool:
    """Whether it can be judged in a currency that the model does not know: it compares no amount with a number, and
    asks nothing of the model's training.

    >>> _in_any_currency(Condition("feature", "lti", above=6)), _in_any_currency(Condition("feature", "loan_amount", 9))
    (True, False)
    """
    match condition.kind:
        case "feature":
            return not FEATURES[condition.name].unit.startswith("currency")
        case "verification":  # above nothing is the same in every currency
            return condition.above <= 0
        case "beyond":
            return False
        case _:
            return True


def not_looked_at(bundle: Bundle, policy: Policy) -> tuple[str, ...]:
    """What the policy asks of the training range and the bundle cannot say: features that it states no range of, or
    `TRAINING_RANGE` where it states none at all.
    """
    asked = [name for rule in policy.rules if rule.condition.kind == "beyond" for name in rule.condition.name.split()]
    return tuple(
        name
        for name in dict.fromkeys(asked)
        if name not in bundle.ranges and (name != TRAINING_RANGE or not bundle.ranges)
    )


def _parts(rule: Rule, bundle: Bundle) -> tuple[Rule, ...]:
    """The rule as this bundle understands it: one about the training range is one for each side that does harm."""
    if rule.condition.kind != "beyond":
        return (rule,)
    asked = None if rule.condition.name == TRAINING_RANGE else rule.condition.name.split()
    sides = (
        side for name, seen in bundle.ranges.items() if asked is None or name in asked for side in seen.beyond(name)
    )
    return tuple(replace(rule, condition=side) for side in sides)


def _together(found: Sequence[str | None]) -> str | None:
    """Several values in the place of one: as many as there is room for, and how many more there are.

    >>> _together(["loan_amount 45000000.00", "lti 9", "acr 0.1"])
    'loan_amount 45000000.00, lti 9, acr 0.1'
    """
    values = [value for value in found if value is not None]
    for count in range(len(values), 0, -1):
        left = len(values) - count
        text = ", ".join(values[:count]) + (f" and {left} more" if left else "")
        if len(text) <= VALUE_MAX:
            return text
    return None


def _telling(rule: Rule) -> tuple[int, Callable[[float], str]] | None:
    """The column of the feature that a rule looks at, and how its row tells the applicant's value, if it has one."""
    name = rule.condition.name
    match rule.condition.kind:
        case "feature":
            return POSITION[name], past_bound(rule.condition, FEATURES[name].show)
        case "beyond":
            told = past_bound(rule.condition, FEATURES[name].show)
            return POSITION[name], lambda value: f"{name} {told(value)}"
        case _:
            return None


def _said(code: str, event: ApplicationVerified) -> str:
    """The code whose sentence is true: where all was read but whose a document is, no document "could not be read"."""
    return HOLDER_NOT_READ if code == "documents_unreadable" and _only_holders_unread(event) else code


def _only_holders_unread(event: ApplicationVerified) -> bool:
    read = {extraction.sha256 for extraction in event.extractions if extraction.status == "read"}
    unread = {REASON_OF.get((check.claim, check.result)) for check in event.checks if check.result == "unreadable"}
    return unread == {HOLDER_NOT_READ} and read == {document.sha256 for document in event.application.documents}


def _doubts(event: ApplicationVerified) -> Iterator[str]:
    """What the decision did not stand on: documents known to be the applicant's, a gross income that was seen."""
    holders = (REASON_OF.get((HOLDER, check.result)) for check in event.checks if check.claim == HOLDER)
    yield from sorted({code for code in holders if code})
    if event.verification_result == "verified" and inferred_incomes(event.checks):
        yield "income_from_net_credits"


def _findings(event: ApplicationVerified) -> dict[str, str | None]:
    """Codes of what checks found amiss and of what readers reported, with the applicant's own value where it may be
    shown: no name and nothing from a document.
    """
    found: dict[str, str | None] = {}
    for extraction in event.extractions:
        if result_of_extraction(extraction) != "verified":
            found |= dict.fromkeys([*extraction.findings, *([extraction.reason] if extraction.reason else [])])
    for check in event.checks:
        if code := REASON_OF.get((check.claim, check.result)):
            found[code] = format(event.application.annual_income, ".2f") if code == "income_mismatch" else None
    return found
