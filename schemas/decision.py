"""`loan.decision.made`: the decision on one revision of one application, with every reason for it."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.values import ApplicationId, Code, OwnEvent, Probability, Revision, Sentence, Tenant, Text, Timestamp
from schemas.verification import VerificationResult

Outcome = Literal["approve", "refer", "decline"]
Digest = Annotated[str, Field(pattern=r"^(sha256|hmac-sha256):[0-9a-f]{64}$")]


VALUE_MAX = 64
"""Characters of the applicant's own value in a reason."""


class Penalty(OwnEvent):
    """A policy penalty that applied; `size` was subtracted from the probability."""

    code: Code
    size: Probability


class Thresholds(OwnEvent):
    """Approve above `approve`; decline at or below `decline`; refer between. Equal where a policy knows no referral."""

    approve: Probability
    decline: Probability


class Reason(OwnEvent):
    """One row of the explanation.

    Rows with `points` (model features, penalties, the numerical residual) sum to the distance from `base_points` to
    `final_points`. Rows with `decisive` (rules, document findings) decided without points. `value` is the applicant's
    own, as sent. A `code` that begins with `own_` is of the bank's own policy: its `text` stands in no registry, and
    another bank's policy may use the same code for another.
    """

    code: Code
    text: Sentence
    points: float | None = None
    decisive: bool = False
    value: Annotated[str, Field(max_length=VALUE_MAX)] | None = None


class PrincipalReason(OwnEvent):
    """Why an application was not approved, for the applicant: one underlying factor, told once.

    `points` are what the factor cost: what the model takes for it, beside a typical approved application
    (`scoring.reference`), and what the penalties on it would take from that one's score. None where a rule or a
    document decided. `bound` is the one that `value` missed, where the policy sets one.
    """

    factor: Code
    text: Sentence
    points: float | None = None
    value: Annotated[str, Field(max_length=VALUE_MAX)] | None = None
    bound: Annotated[str, Field(max_length=VALUE_MAX)] | None = None


PRINCIPAL_MAX = 4
"""Principal reasons of one decision. More would tell an applicant less."""


class Recourse(OwnEvent):
    """One change of the applicant's own making that would have led to `outcome`, all else equal."""

    code: Code
    text: Sentence
    value: Annotated[str, Field(max_length=VALUE_MAX)]
    outcome: Outcome


class Receipt(OwnEvent):
    """What the decision was made from. HMACs (under the tenant's receipt key `key_id`) of what belongs to a person;
    plain content hashes of our own artefacts.
    """

    key_id: Text
    input_hmac: Digest
    evidence_hmac: Digest
    features_hmac: Digest
    bundle_id: Digest
    policy_id: Digest
    code_version: Text


class DecisionProcessing(OwnEvent):
    """Who worked on it, when; not part of the decision."""

    lane: Literal["fast", "slow"]
    verify_started_at: Timestamp
    verify_finished_at: Timestamp
    score_started_at: Timestamp
    score_finished_at: Timestamp
    verify_worker: Text
    score_worker: Text
    code_version: Text


class LoanDecision(OwnEvent):
    """The decision. `p_calibrated` is the probability of the label *approved* (not a probability of default);
    `score_final` a policy score: `p_calibrated` less the penalties, never below 0.
    """

    tenant: Tenant
    decision_id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")]
    application_id: ApplicationId
    revision: Revision
    accepted_at: Timestamp
    outcome: Outcome
    p_model: Probability | None
    p_calibrated: Probability | None
    penalties: Annotated[tuple[Penalty, ...], Field(max_length=50)]
    score_final: Probability | None
    thresholds: Thresholds
    base_points: float | None
    final_points: float | None
    principal_reasons: Annotated[tuple[PrincipalReason, ...], Field(max_length=PRINCIPAL_MAX)] | None = None
    reasons: Annotated[tuple[Reason, ...], Field(max_length=200)]
    recourse: Recourse | None = None
    verification_result: VerificationResult
    basis: Annotated[tuple[Code, ...], Field(max_length=50)]
    receipt: Receipt
    processing: DecisionProcessing
