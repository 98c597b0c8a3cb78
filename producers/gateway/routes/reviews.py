"""What was referred to a person: the queue, one review, and its decision."""

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field, ValidationError

from producers.gateway.callers import Caller, caller_with
from producers.gateway.parts import Parts
from producers.gateway.problems import KINDS, MEDIA_TYPE, Fault, ProblemError
from schemas.decision import LoanDecision
from schemas.decode import Undecodable, decode, field_errors
from schemas.operations import LoanOutcome
from schemas.values import SENTENCE_MAX, Event, Text, rfc3339, utc_of_ms
from stores.reviews import PAGE_MOST, Order, Review, State

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])

PAGE = 50

LINE = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
"""A line with something on it."""


class Verdict(Event):
    """What a person decides. `actor` is for a client that asks for itself: its token names no person."""

    decision: Literal["approve", "decline"]
    reason: Annotated[str, Field(max_length=SENTENCE_MAX, pattern=LINE)]
    actor: Text | None = None


class WaitingReview(BaseModel):
    """A review in the queue, with what tells which to take up first."""

    review_id: str = Field(description="The decision's id.", examples=["b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50"])
    application_id: str = Field(description="The bank's own id of the application.", examples=["A-2026-000417"])
    revision: int = Field(description="Of the application; the highest that was decided.", examples=[1])
    accepted_at: str = Field(description="When the broker took the application.", examples=["2026-03-31T10:00:00.123Z"])
    score_final: float | None = Field(description="What the bands judged.", examples=[0.55])
    verification_result: str = Field(description="The worst of documents and checks.", examples=["not_provided"])
    basis: list[str] = Field(description="What the decision stood on, as codes.", examples=[["no_documents"]])
    first_reason: str = Field(description="The reason that weighed most.", examples=["No documents were provided."])


class ReviewPage(BaseModel):
    """Some reviews that wait."""

    reviews: list[WaitingReview]
    next: str | None = Field(description="The cursor of the next page; null where there is none.", examples=[None])


class HumanDecisionTold(BaseModel):
    """What a person decided."""

    at: str = Field(description="When.", examples=["2026-03-31T14:05:00.000Z"])
    decision: str = Field(description="`approve` or `decline`.", examples=["approve"])
    actor: str = Field(description="Who.", examples=["priya.nair"])
    asserted_by: str | None = Field(
        description="The client that names the actor, where no token of the actor's proved it.", examples=[None]
    )
    reason: str = Field(description="Why.", examples=["the employer confirmed the income by letter"])
    place: str = Field(description="The record: topic/partition/offset.", examples=["loan.outcomes.v1.bank-a/3/40"])


class HumanDecisionRecorded(HumanDecisionTold):
    """What a person decided, as its record says it."""

    counts: bool = Field(description="True for the first record of a revision, and for no other.", examples=[True])


class ReviewTold(BaseModel):
    """One review."""

    review_id: str = Field(description="The decision's id.")
    application_id: str = Field(description="The bank's own id of the application.", examples=["A-2026-000417"])
    revision: int = Field(description="Of the application.", examples=[1])
    state: State = Field(description="Whether it can be decided: it waits.", examples=["waiting"])
    superseded_by: int | None = Field(description="A newer revision that was decided since.", examples=[None])
    decision: LoanDecision
    human_decisions: list[HumanDecisionRecorded] = Field(description="In the order of their records.")


class DecisionTaken(HumanDecisionTold):
    """What Kafka has."""

    review_id: str = Field(description="The decision's id.")
    status: str = Field(
        description="Where the review is.", examples=["/v1/reviews/b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50"]
    )


def _documented(status: int, says: str, model: type[BaseModel], *kinds: str) -> dict[int | str, dict[str, Any]]:
    """The answers of a route for its OpenAPI: the good one, and every refusal."""
    titles: dict[int, list[str]] = {}
    for kind in ("no-token", "token-refused", "scope-missing", "keys-unknown", *kinds):
        titles.setdefault(int(KINDS[kind].status), []).append(KINDS[kind].title)
    refusals: dict[int | str, dict[str, Any]] = {
        code: {"description": "; ".join(dict.fromkeys(said)), "content": {MEDIA_TYPE: {}}}
        for code, said in titles.items()
    }
    return {status: {"description": says, "model": model}, **refusals}


ReviewId = Annotated[str, Path(description="The decision's id.")]
Reader = Annotated[Caller, Depends(caller_with("reviews:read"))]
Reviewer = Annotated[Caller, Depends(caller_with("reviews:write"))]


@router.get(
    "",
    response_model=None,
    summary="What waits for a person",
    responses=_documented(
        200,
        "Referred applications without a human decision; `next` is the next page's cursor, null where there is none.",
        ReviewPage,
        "parameter-wrong",
        "unavailable",
    ),
)
async def waiting(
    request: Request,
    caller: Reader,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST, description="At most so many.")] = PAGE,
    order: Annotated[Order, Query(description="By when the application was accepted.")] = "newest",
    after: Annotated[str | None, Query(description="`next` of an earlier page.")] = None,
) -> dict[str, Any]:
    """Decisions `refer` of the highest revision of each application, which no person has decided yet."""
    page = await _parts(request).reviews.waiting(caller.tenant, limit, order, after)
    return page.as_json()


@router.get(
    "/{review_id}",
    response_model=None,
    summary="One review",
    responses=_documented(
        200,
        "The decision with its reasons, basis, verification result and receipt; what persons decided, in the order of "
        "their records: the first counts.",
        ReviewTold,
        "not-found",
        "unavailable",
    ),
)
async def one(request: Request, review_id: ReviewId, caller: Reader) -> dict[str, Any]:
    """One review, decided or not."""
    return (await _review(request, caller, review_id)).as_json()


@router.post(
    "/{review_id}",
    status_code=202,
    response_model=None,
    summary="Decide what was referred",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": Verdict.model_json_schema(),
                    "example": {"decision": "approve", "reason": "the employer confirmed the income"},
                }
            },
        }
    },
    responses=_documented(
        202,
        "Kafka has the decision; the queue shows it a moment later. Where two persons decide at once, the first record "
        "counts: GET says which.",
        DecisionTaken,
        "not-found",
        "not-json",
        "invalid",
        "conflict",
        "unavailable",
    ),
)
async def decide(request: Request, review_id: ReviewId, caller: Reviewer) -> dict[str, Any]:
    """A human decision, with its reason. The reviewer is the token's user; a client that asks for itself names the
    `actor`, and is recorded beside him. A second decision is refused and told who decided when.
    """
    verdict = _verdict(await request.body())
    review = await _review(request, caller, review_id)
    actor, asserted_by = _actor(caller, verdict)
    if review.closed is not None:
        raise ProblemError("conflict", review.closed)
    outcome = _outcome(review, verdict, actor, asserted_by)
    place = await _parts(request).sender.send_outcome(outcome)
    return {
        "review_id": review_id,
        "at": rfc3339(outcome.at),
        "decision": outcome.decision,
        "actor": outcome.actor,
        "asserted_by": outcome.asserted_by,
        "reason": outcome.reason,
        "place": str(place),
        "status": f"{router.prefix}/{review_id}",
    }


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _review(request: Request, caller: Caller, review_id: str) -> Review:
    """Another tenant's is as one that never was."""
    found = await _parts(request).reviews.one(caller.tenant, review_id)
    if found is None:
        raise ProblemError("not-found", "no review has this id")
    return found


def _verdict(body: bytes) -> Verdict:
    try:
        return decode(Verdict, body)
    except Undecodable as found:
        kind = "invalid" if found.cause == "invalid_event" else "not-json"
        faults = [Fault(error.field, error.expected, error.found) for error in found.errors]
        raise ProblemError(kind, "see errors", faults, reason=found.cause) from None


def _actor(caller: Caller, verdict: Verdict) -> tuple[str, str | None]:
    """Who decides, and the client that says so where no token proves it."""
    if caller.user is None:
        if verdict.actor is None or not verdict.actor.strip():
            expected = "who decides: the token is a client's and names no person"
            raise ProblemError("invalid", "see errors", [Fault("actor", expected)])
        return verdict.actor.strip(), caller.client_id
    if verdict.actor not in (None, caller.user):
        raise ProblemError("invalid", "see errors", [Fault("actor", "the token's user, or no actor")])
    return caller.user, None


def _outcome(review: Review, verdict: Verdict, actor: str, asserted_by: str | None) -> LoanOutcome:
    try:
        return LoanOutcome(
            tenant=review.tenant,
            application_id=review.application_id,
            revision=review.revision,
            at=utc_of_ms(time.time_ns() // 1_000_000),
            kind="human_decision",
            decision=verdict.decision,
            actor=actor,
            reason=verdict.reason.strip(),
            asserted_by=asserted_by,
        )
    except ValidationError as error:  # a token's user that no event can name
        faults = [Fault(one.field, one.expected, one.found) for one in field_errors(LoanOutcome, error)]
        raise ProblemError("invalid", "the token's user cannot be recorded", faults) from None
