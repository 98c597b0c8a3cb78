"""The decision: one pure function from verified applications to decisions, the same for one and for a million."""

import math
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from schemas.decision import Outcome
from schemas.values import Timestamp
from schemas.verification import ApplicationVerified
from scoring.bundle import Bundle, Raw, sigmoid
from scoring.canonical import NO_EVIDENCE, application_bytes, evidence_bytes, feature_rows
from scoring.explanation import Explainer, Row
from scoring.features import POSITION, feature_matrix
from scoring.penalties import Penalties
from scoring.policy import Policy
from scoring.principal import HeldBack, Principal, together
from scoring.receipt import ReceiptKey, decision_id
from scoring.recourse import changed, changes, offer
from scoring.rules import Fired, Judge, not_looked_at

_write_time = TypeAdapter(Timestamp).serializer.to_python

_HARMFUL_FIRST = itemgetter("points")


class Scored(NamedTuple):
    """What the model says of one applicant; `model_points` are those of each feature that it looks at."""

    p_model: float
    p_calibrated: float
    base_points: float
    model_points: list[float]


class Verdict(NamedTuple):
    """What of a decision follows from model and policy. Without the model's word there is no number in it.

    `fired` are the rules that decided, `decisive` their rows of the explanation; `held_back` the places of the
    penalties that applied, None unless the score alone does not approve; `asked` says whether the model was.
    """

    outcome: Outcome
    fired: Sequence[Fired]
    decisive: list[Row]
    reasons: list[Row]
    basis: list[str]
    p_model: float | None = None
    p_calibrated: float | None = None
    penalties: Sequence[Row] = ()
    score_final: float | None = None
    base_points: float | None = None
    final_points: float | None = None
    held_back: Sequence[int] | None = None
    asked: bool = False


class Scorer:
    """A bundle and a policy, ready to decide. Holds no state: safe to call from several threads at once."""

    def __init__(self, bundle: Bundle, policy: Policy) -> None:
        self.bundle = bundle
        self.policy = policy
        self._policy_id = policy.policy_id
        self._columns = bundle.columns
        self._names = list(dict.fromkeys([*bundle.features, *policy.features]))
        self._used = [POSITION[name] for name in self._names]
        self._explainer = Explainer(bundle, policy.points)
        self._penalties = Penalties(policy, self._explainer)
        self._judge = Judge(bundle, policy)
        self._principal = Principal(bundle, policy, self._judge.rules)
        approve = policy.bands.approve
        self._least_log_odds = math.log(approve / (1 - approve)) - 1e-6 if approve else -math.inf
        self._thresholds = {"approve": policy.bands.approve, "decline": policy.bands.decline}

    def decide(
        self, events: Sequence[ApplicationVerified], keys: Callable[[str], ReceiptKey], code_version: str
    ) -> list[dict[str, Any]]:
        """The decisions on verified applications: dicts ready for JSON, `LoanDecision` without `processing`.

        `keys` gives a tenant's receipt key. Each decision depends on its own event alone, not on its company in the
        batch. Raises what `keys` raises.
        """
        if not events:
            return []
        applications = [event.application for event in events]
        features = feature_matrix(applications)
        vectors = feature_rows(self._names, features[:, self._used])
        key_of = {tenant: keys(tenant) for tenant in {application.tenant for application in applications}}
        # Step by step over the batch, not event by event: short loops stay in the processor's caches.
        no_evidence = {tenant: key.hash(NO_EVIDENCE) for tenant, key in key_of.items()}
        receipts = [
            self._receipt(event, key_of[tenant], no_evidence[tenant], vector, code_version)
            for event, vector in zip(events, vectors, strict=True)
            for tenant in (event.application.tenant,)
        ]
        raw = self.bundle.raw(features[:, self._columns])
        rows = features.tolist()
        judged = self._judged(events, features, rows, raw)
        principal_reasons = self._principal_reasons(events, features, rows, raw, judged)
        offers = self._offers(events, judged) if self.policy.recourse is None else {}
        # The broker stamps a whole batch of a producer's with one time.
        times = {at: _write_time(at, mode="json") for at in {event.accepted_at for event in events}}
        return [
            self._decision(event, times[event.accepted_at], one, why, offers.get(row), receipt)
            for row, (event, one, why, receipt) in enumerate(
                zip(events, judged, principal_reasons, receipts, strict=True)
            )
        ]

    @property
    def not_looked_at(self) -> tuple[str, ...]:
        """What the policy asks of the training range and the bundle cannot say."""
        return not_looked_at(self.bundle, self.policy)

    def _score(self, raw: Raw) -> list[Scored]:
        a, b = self.bundle.a, self.bundle.b
        # math.exp row by row, not numpy's: its vector code may round another way than its tail.
        margins = raw.margin.tolist()
        p_model = np.round([sigmoid(m) for m in margins], 9).tolist()
        p_calibrated = np.round([sigmoid(a * m + b) for m in margins], 9).tolist()
        explainer = self._explainer
        parts = zip(p_model, p_calibrated, explainer.base_points(raw), explainer.model_points(raw), strict=True)
        return [Scored(*part) for part in parts]

    def _judged(
        self,
        events: Sequence[ApplicationVerified],
        features: npt.NDArray[np.float64],
        rows: Sequence[list[float]],
        raw: Raw,
    ) -> list[Verdict]:
        gates = self._judge.gates(events, features)
        rules = self._judge.conditions.holding(events, features)
        penalties = self._penalties.conditions.holding(events, features)
        return [
            self._unscored(event, values, gates[row], rules.get(row, ()))
            if row in gates
            else self._scored(event, values, scored, rules.get(row, ()), penalties.get(row, ()))
            for row, (event, values, scored) in enumerate(zip(events, rows, self._score(raw), strict=True))
        ]

    def _principal_reasons(
        self,
        events: Sequence[ApplicationVerified],
        features: npt.NDArray[np.float64],
        rows: Sequence[list[float]],
        raw: Raw,
        judged: Sequence[Verdict],
    ) -> list[list[Row] | None]:
        """For each that is not approved: why, factor by factor."""
        principal = self._principal
        currencies = [event.application.currency for event in events]
        at = [row for row, one in enumerate(judged) if one.held_back is not None]
        of_scores = principal.of_scores(
            [HeldBack(rows[row], currencies[row], judged[row].held_back or ()) for row in at],
            Raw(raw.margin[at], raw.contributions[at], raw.bias[at]),
            features[np.ix_(at, self._columns)],
        )
        by_score = dict(zip(at, of_scores, strict=True))
        return [
            None
            if one.outcome == "approve"
            else together(principal.of_rules(one.fired, one.decisive, values, currency), by_score.get(row, []))
            for row, (one, values, currency) in enumerate(zip(judged, rows, currencies, strict=True))
        ]

    def _offers(self, events: Sequence[ApplicationVerified], judged: Sequence[Verdict]) -> dict[int, Row]:
        """By application the smallest change with which it is approved: found by floats, then decided as a whole."""
        at = [
            row
            for row, (event, one) in enumerate(zip(events, judged, strict=True))
            if one.asked and one.outcome != "approve" and self._judge.may_be_moved(event, one.fired)
        ]
        if not at:
            return {}
        found = changes([events[row] for row in at], self._approves)
        tried = [(row, change) for row, those in zip(at, found, strict=True) for change in those]
        if not tried:
            return {}
        others = [changed(events[row], change) for row, change in tried]
        features = feature_matrix([other.application for other in others])
        smallest: dict[int, int] = {}
        for number, ((row, _), likely) in enumerate(zip(tried, self._approves(others, features), strict=True)):
            if likely:
                smallest.setdefault(row, number)
        if not smallest:
            return {}
        numbers = list(smallest.values())
        chosen = features[numbers]
        verdicts = self._judged(
            [others[number] for number in numbers], chosen, chosen.tolist(), self.bundle.raw(chosen[:, self._columns])
        )
        return {
            row: offer(tried[number][1], events[row].application.currency)
            for (row, number), verdict in zip(smallest.items(), verdicts, strict=True)
            if verdict.outcome == "approve"
        }

    def _approves(self, events: Sequence[ApplicationVerified], features: npt.NDArray[np.float64]) -> list[bool]:
        """Whether applications would be approved with `features`. Where these are not their own, next to a bound of the
        policy the answer may be that of its other side: there the application's own numbers decide.
        """
        if not events:
            return []
        log_odds = self.bundle.a * self.bundle.margins(features[:, self._columns]) + self.bundle.b
        answers = [False] * len(events)
        # Penalties and rules only take away: whom the model alone would not approve needs no more looking at.
        at = np.flatnonzero(log_odds > self._least_log_odds).tolist()
        chosen, of_them = [events[row] for row in at], features[at]
        rules = self._judge.conditions.holding(chosen, of_them)
        penalties = self._penalties.conditions.holding(chosen, of_them)
        for number, (row, log_odd) in enumerate(zip(at, log_odds[at].tolist(), strict=True)):
            score = self._penalties.left(round(sigmoid(log_odd), 9), penalties.get(number, ()))
            answers[row] = score > self.policy.bands.approve and not self._judge.hold_back(rules.get(number, ()))
        return answers

    def _decision(
        self,
        event: ApplicationVerified,
        accepted_at: str,
        verdict: Verdict,
        principal_reasons: list[Row] | None,
        recourse: Row | None,
        receipt: dict[str, str],
    ) -> dict[str, Any]:
        application = event.application
        return {
            "tenant": application.tenant,
            "decision_id": decision_id(
                application.tenant,
                application.application_id,
                application.revision,
                receipt["input_hmac"],
                receipt["evidence_hmac"],
                receipt["bundle_id"],
                receipt["policy_id"],
            ),
            "application_id": application.application_id,
            "revision": application.revision,
            "accepted_at": accepted_at,
            "outcome": verdict.outcome,
            "p_model": verdict.p_model,
            "p_calibrated": verdict.p_calibrated,
            "penalties": verdict.penalties,
            "score_final": verdict.score_final,
            "thresholds": self._thresholds,
            "base_points": verdict.base_points,
            "final_points": verdict.final_points,
            "principal_reasons": principal_reasons,
            "reasons": verdict.reasons,
            "recourse": recourse,
            "verification_result": event.verification_result,
            "basis": verdict.basis,
            "receipt": receipt,
        }

    def _receipt(
        self, event: ApplicationVerified, key: ReceiptKey, no_evidence: str, vector: bytes, code_version: str
    ) -> dict[str, str]:
        evidence = evidence_bytes(event.application, event.extractions)
        return {
            "key_id": key.key_id,
            "input_hmac": key.hash(application_bytes(event.application)),
            "evidence_hmac": no_evidence if evidence is NO_EVIDENCE else key.hash(evidence),
            "features_hmac": key.hash(vector),
            "bundle_id": self.bundle.bundle_id,
            "policy_id": self._policy_id,
            "code_version": code_version,
        }

    def _unscored(
        self, event: ApplicationVerified, features: list[float], gates: list[Fired], rules: Sequence[int]
    ) -> Verdict:
        """The model was not asked: no probability and no points, and never an approval."""
        outcome, decisive, fired = self._judge.judge(event, features, "refer", gates, rules)
        return Verdict(outcome, fired, decisive, decisive, self._judge.basis(event, gates))

    def _scored(
        self,
        event: ApplicationVerified,
        features: list[float],
        scored: Scored,
        rules: Sequence[int],
        penalties_due: Sequence[int],
    ) -> Verdict:
        score, penalties, rows, applied = self._penalties.apply(scored.p_calibrated, features, penalties_due)
        banded = self.policy.bands.outcome(score)
        outcome, decisive, fired = self._judge.judge(event, features, banded, (), rules)
        rows += self._explainer.feature_rows(features, scored.model_points)
        final = self._explainer.final_points(score)
        rows += self._explainer.residual_row(scored.base_points, final, rows)
        rows.sort(key=_HARMFUL_FIRST)
        return Verdict(
            outcome,
            fired,
            decisive,
            decisive + rows,
            self._judge.basis(event, (), rules),
            scored.p_model,
            scored.p_calibrated,
            penalties,
            score,
            scored.base_points,
            final,
            None if banded == "approve" else applied,
            asked=True,
        )
