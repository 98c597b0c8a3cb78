"""The decision: one pure function from verified applications to decisions, the same for one and for a million."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from schemas.decision import Outcome
from schemas.values import Timestamp
from schemas.verification import ApplicationVerified
from scoring.bundle import Bundle, sigmoid
from scoring.canonical import NO_EVIDENCE, application_bytes, evidence_bytes, feature_rows
from scoring.explanation import Explainer, Row
from scoring.features import POSITION, feature_matrix
from scoring.penalties import Penalties
from scoring.policy import Policy
from scoring.principal import Principal, together
from scoring.receipt import ReceiptKey, decision_id
from scoring.rules import Fired, Judge, not_looked_at

_write_time = TypeAdapter(Timestamp).serializer.to_python

_HARMFUL_FIRST = itemgetter("points")


class Scored(NamedTuple):
    """What the model says of one applicant; `model_points` are those of each feature of the bundle, `nets` and `leads`
    those of `scoring.principal.Costs`.
    """

    p_model: float
    p_calibrated: float
    base_points: float
    model_points: list[float]
    nets: list[float]
    leads: list[int]


class Verdict(NamedTuple):
    """What of a decision follows from model and policy. Without the model's word there is no number in it."""

    outcome: Outcome
    principal_reasons: list[Row] | None
    reasons: list[Row]
    basis: list[str]
    p_model: float | None = None
    p_calibrated: float | None = None
    penalties: Sequence[Row] = ()
    score_final: float | None = None
    base_points: float | None = None
    final_points: float | None = None


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
        verdicts = self._verdicts(events, features)
        # The broker stamps a whole batch of a producer's with one time.
        times = {at: _write_time(at, mode="json") for at in {event.accepted_at for event in events}}
        return [
            self._decision(event, times[event.accepted_at], verdict, receipt)
            for event, verdict, receipt in zip(events, verdicts, receipts, strict=True)
        ]

    @property
    def not_looked_at(self) -> tuple[str, ...]:
        """What the policy asks of the training range and the bundle cannot say."""
        return not_looked_at(self.bundle, self.policy)

    def _score(self, features: npt.NDArray[np.float64]) -> list[Scored]:
        values = features[:, self._columns]
        raw = self.bundle.raw(values)
        a, b = self.bundle.a, self.bundle.b
        # math.exp row by row, not numpy's: its vector code may round another way than its tail.
        margins = raw.margin.tolist()
        p_model = np.round([sigmoid(m) for m in margins], 9).tolist()
        p_calibrated = np.round([sigmoid(a * m + b) for m in margins], 9).tolist()
        points = self._explainer.base_points(raw), self._explainer.model_points(raw)
        costs = self._principal.costs(raw, values)
        return [Scored(*part) for part in zip(p_model, p_calibrated, *points, *costs, strict=True)]

    def _verdicts(self, events: Sequence[ApplicationVerified], features: npt.NDArray[np.float64]) -> list[Verdict]:
        gates = self._judge.gates(events, features)
        rules = self._judge.conditions.holding(events, features)
        penalties = self._penalties.conditions.holding(events, features)
        return [
            self._unscored(event, values, gates[row], rules.get(row, ()))
            if row in gates
            else self._scored(event, values, scored, rules.get(row, ()), penalties.get(row, ()))
            for row, (event, values, scored) in enumerate(
                zip(events, features.tolist(), self._score(features), strict=True)
            )
        ]

    def _decision(
        self, event: ApplicationVerified, accepted_at: str, verdict: Verdict, receipt: dict[str, str]
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
            "principal_reasons": verdict.principal_reasons,
            "reasons": verdict.reasons,
            "recourse": None,
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
        told = self._principal.of_rules(fired, decisive, features, event.application.currency)
        return Verdict(outcome, together(told, ()), decisive, self._judge.basis(event, gates))

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
        told: list[Row] | None = None
        if outcome != "approve":
            currency, principal = event.application.currency, self._principal
            of_score = (features, currency, scored.nets, scored.leads, applied)
            told = together(
                principal.of_rules(fired, decisive, features, currency) if decisive else (),
                principal.of_score(*of_score) if banded != "approve" else (),
            )
        return Verdict(
            outcome,
            told,
            decisive + rows,
            self._judge.basis(event),
            scored.p_model,
            scored.p_calibrated,
            penalties,
            score,
            scored.base_points,
            final,
        )
