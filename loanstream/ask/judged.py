"""What today's code finds in the documents of an event: the pure checks alone, over what was read of them then."""

from typing import NamedTuple

from schemas.verification import ApplicationVerified
from scoring.checks import verify


class Judged(NamedTuple):
    """The event with today's checks and result; `names` are the result, where that is another, and the claims whose
    checks are.
    """

    today: ApplicationVerified
    names: tuple[str, ...]


def judged_otherwise(event: ApplicationVerified) -> Judged | None:
    """How an event's extractions are judged today; None where as they were then."""
    found = verify(event.application, event.extractions)
    if found == (event.checks, event.verification_result):
        return None
    changed = [one for one in found.checks if one not in event.checks]
    changed += [one for one in event.checks if one not in found.checks]
    result = ["verification_result"] if found.result != event.verification_result else []
    names = (*result, *dict.fromkeys(f"check of {one.claim}" for one in changed)) or ("order of checks",)
    today = {"checks": found.checks, "verification_result": found.result}
    return Judged(event.model_copy(update=today), names)
