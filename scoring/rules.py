"""Rules: what decides without points. Declines stand above referrals, referrals above the bands."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from schemas.application import LoanApplication
from schemas.decision import Outcome
from schemas.verification import ApplicationVerified, VerificationResult
from scoring.bundle import Bundle
from scoring.checks import reason_of_check, result_of_extraction
from scoring.explanation import Row, Wording
from scoring.features import FEATURES, POSITION
from scoring.policy import Condition, Kind, Policy, Rule

MAX_FINDINGS = 100
"""Rows for what documents show: a decision has room for 200 rows in all."""

Test = Callable[[ApplicationVerified, Sequence[float]], "Fired | None"]

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


class Fired(NamedTuple):
    """A rule that applied: its code, the applicant's value, and the verification result it looked at, if any."""

    code: str
    value: str | None = None
    result: VerificationResult | None = None


class Judge:
    """The rules of one (bundle, policy), and those that hold under every policy."""

    def __init__(self, bundle: Bundle, policy: Policy) -> None:
        self._currency = bundle.currency
        self._needed = [(name, POSITION[name]) for name in bundle.features if name not in bundle.may_be_missing]
        self._wordings: dict[str, Wording] = {}
        tests = [(rule, _TESTS[rule.condition.kind](rule)) for rule in policy.rules]
        # Per verification result, the rules that can apply to it: most rules look at one result alone.
        self._tests = {
            result: [
                (rule, test)
                for rule, test in tests
                if rule.condition.kind != "verification" or rule.condition.name == result
            ]
            for result in BASIS_OF_RESULT
        }

    def gates(self, application: LoanApplication, features: Sequence[float]) -> list[Fired]:
        """Why the model cannot be asked about an application; mostly empty."""
        fired = []
        if application.currency != self._currency:
            fired.append(Fired("currency_not_modelled", application.currency))
        for name, column in self._needed:
            if features[column] != features[column]:
                fired.append(Fired("thin_file" if name == "cibil_score" else "feature_missing"))
        return fired

    def judge(
        self, event: ApplicationVerified, features: Sequence[float], banded: Outcome, gates: list[Fired]
    ) -> tuple[Outcome, list[Row]]:
        """The outcome, given what the bands say, and the rows of whatever decided it instead of the score."""
        refer, decline = list(gates), list[Fired]()
        for rule, test in self._tests[event.verification_result]:
            found = test(event, features)
            if found is not None and (rule.instead_of is None or rule.instead_of == banded):
                (decline if rule.outcome == "decline" else refer).append(found)
        if decline:
            return "decline", self._rows(event, decline)
        if banded == "approve" and not refer and (code := RULE_OF_DEGRADED.get(event.verification_result)):
            refer.append(Fired(code, None, event.verification_result))
        return ("refer", self._rows(event, refer)) if refer else (banded, [])

    def _rows(self, event: ApplicationVerified, fired: list[Fired]) -> list[Row]:
        rows = {item.code: self._row(item.code, item.value) for item in fired}
        if (event.extractions or event.checks) and any(item.result or item.code == "income_gap" for item in fired):
            for code, value in sorted(_findings(event).items())[:MAX_FINDINGS]:
                rows.setdefault(code, self._row(code, value))
        return list(rows.values())

    def _row(self, code: str, value: str | None) -> Row:
        wording = self._wordings.get(code) or self._wordings.setdefault(code, Wording.of(code))
        return wording.decisive(value)


def basis_of(event: ApplicationVerified, gates: Sequence[Fired]) -> list[str]:
    """What the decision stood on, as codes of `schemas.reasons.BASIS`."""
    codes = [BASIS_OF_RESULT[event.verification_result]]
    if event.application.cibil_score is None:
        codes.append("thin_file")
    return list(dict.fromkeys([*codes, *(gate.code for gate in gates)])) if gates else codes


def _feature_test(rule: Rule) -> Test:
    name, above, below = rule.condition.name, rule.condition.above, rule.condition.below
    column, show = POSITION[name], FEATURES[name].show

    def test(_event: ApplicationVerified, features: Sequence[float]) -> Fired | None:
        value = features[column]
        return Fired(rule.code, show(value)) if above < value < below else None

    return test


def _verification_test(rule: Rule) -> Test:
    above, column = rule.condition.above, POSITION["loan_amount"]

    def test(event: ApplicationVerified, features: Sequence[float]) -> Fired | None:
        return Fired(rule.code, None, event.verification_result) if features[column] > above else None

    return test


def _missing_test(rule: Rule) -> Test:
    column = POSITION[rule.condition.name]

    def test(_event: ApplicationVerified, features: Sequence[float]) -> Fired | None:
        return Fired(rule.code) if features[column] != features[column] else None

    return test


def _income_gap_test(rule: Rule) -> Test:
    def test(event: ApplicationVerified, _features: Sequence[float]) -> Fired | None:
        return Fired(rule.code) if event.checks and _income_gap(rule.condition, event) else None

    return test


_TESTS: dict[Kind, Callable[[Rule], Test]] = {
    "feature": _feature_test,
    "verification": _verification_test,
    "missing": _missing_test,
    "income_gap": _income_gap_test,
}


def _income_gap(condition: Condition, event: ApplicationVerified) -> bool:
    return any(
        check.difference is not None
        and check.similarity is not None
        and abs(check.difference) > condition.above
        and check.similarity < condition.below
        for check in event.checks
        if check.claim == "annual_income"
    )


def _findings(event: ApplicationVerified) -> dict[str, str | None]:
    """Codes of the contradicted claims and of what readers reported, with the applicant's own value where it may be
    shown: no name and nothing from a document.
    """
    found: dict[str, str | None] = {}
    for extraction in event.extractions:
        if result_of_extraction(extraction) != "verified":
            found |= dict.fromkeys([*extraction.findings, *([extraction.reason] if extraction.reason else [])])
    for check in event.checks:
        if check.result == "mismatch" and (code := reason_of_check(check.claim)):
            found[code] = format(event.application.annual_income, ".2f") if code == "income_mismatch" else None
    return found
