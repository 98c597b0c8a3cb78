"""What was referred to a person: the queue, one review, and its decision."""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field, ValidationError

from producers.gateway.callers import Caller, caller_with
from producers.gateway.parts import Parts
from producers.gateway.problems import KINDS, MEDIA_TYPE, Fault, ProblemError
from schemas.decode import Undecodable, decode, field_errors
from schemas.operations import LoanOutcome
from schemas.values import SENTENCE_MAX, Event, Text, rfc3339, utc_of_ms
from stores.reviews import PAGE_MOST, Order, Review

router = APIRouter(prefix="/v1/reviews", tags=["reviews"])

PAGE = 50

LINE = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0][^\x00-\x1f\x7f-\x9f]*$"
"""A line with something on it."""


class Verdict(Event):
    """What a person decides. `actor` is for a client that asks for itself: its token names no person."""

    decision: Literal["approve", "decline"]
    reason: Annotated[str, Field(max_length=SENTENCE_MAX, pattern=LINE)]
    actor: Text | None = None


_WAITING = {
    "review_id": "b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50",
    "application_id": "A-2026-000417",
    "revision": 1,
    "accepted_at": "2026-03-31T10:00:00.123Z",
    "score_final": 0.55,
    "verification_result": "not_provided",
    "basis": ["no_documents"],
    "first_reason": "No documents were provided.",
}
_HUMAN = {
    "at": "2026-03-31T14:05:00.000Z",
    "decision": "approve",
    "actor": "priya.nair",
    "asserted_by": None,
    "reason": "the employer confirmed the income by letter",
    "place": "loan.outcomes.v1.bank-a/3/40",
    "counts": True,
}
_ONE = {
    "review_id": _WAITING["review_id"],
    "application_id": "A-2026-000417",
    "revision": 1,
    "state": "decided",
    "superseded_by": None,
    "decision": {"outcome": "refer"},
    "human_decisions": [_HUMAN],
}
_TAKEN = {name: _HUMAN[name] for name in ("at", "decision", "actor", "asserted_by", "reason", "place")} | {
    "review_id": _WAITING["review_id"],
    "status": f"/v1/reviews/{_WAITING['review_id']}",
}


def _documented(status: int, says: str, example: Mapping[str, Any], *kinds: str) -> dict[int | str, dict[str, Any]]:
    """The answers of a route for its OpenAPI: the good one with an example, and every refusal."""
    good = {"description": says, "content": {"application/json": {"example": example}}}
    titles: dict[int, list[str]] = {}
    for kind in ("no-token", "scope-missing", "keys-unknown", *kinds):
        titles.setdefault(int(KINDS[kind].status), []).append(KINDS[kind].title)
    refusals: dict[int | str, dict[str, Any]] = {
        code: {"description": "; ".join(dict.fromkeys(said)), "content": {MEDIA_TYPE: {}}}
        for code, said in titles.items()
    }
    return {status: good, **refusals}


ReviewId = Annotated[str, Path(description="The decision's id.")]
Reader = Annotated[Caller, Depends(caller_with("reviews:read"))]
Reviewer = Annotated[Caller, Depends(caller_with("reviews:write"))]


@router.get(
    "",
    summary="What waits for a person",
    responses=_documented(
        200,
        "Referred applications without a human decision; `next` is the next page's cursor, null where there is none.",
        {"reviews": [_WAITING], "next": f"1774951200123-{_WAITING['review_id']}"},
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
    summary="One review",
    responses=_documented(
        200,
        "The decision with its reasons, basis, verification result and receipt; what persons decided, in the order of "
        "their records: the first counts.",
        _ONE,
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
    summary="Decide what was referred",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": Verdict.model_json_schema(),
                    "example": {"decision": "approve", "reason": _HUMAN["reason"]},
                }
            },
        }
    },
    responses=_documented(
        202,
        "Kafka has the decision; the queue shows it a moment later. Where two persons decide at once, the first record "
        "counts: GET says which.",
        _TAKEN,
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
    actor, asserted_by = _actor(caller, verdict)
    review = await _review(request, caller, review_id)
    if review.closed is not None:
        raise ProblemError("conflict", review.closed)
    outcome = _outcome(review, verdict, actor, asserted_by)
    place = await _parts(request).sender.send_outcome(outcome)
    return {
        "review_id": review_id,
        "at": rfc3339(outcome.at),
        "decision": verdict.decision,
        "actor": actor,
        "asserted_by": asserted_by,
        "reason": verdict.reason,
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
            raise ProblemError("invalid", "see errors", [Fault("actor", expected, "nothing")])
        return verdict.actor, caller.client_id
    if verdict.actor not in (None, caller.user):
        raise ProblemError("invalid", "see errors", [Fault("actor", "the token's user, or no actor", "another")])
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
