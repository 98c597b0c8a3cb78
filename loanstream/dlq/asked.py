"""Which dead letters are meant: the filters that `dlq list`, `redrive` and `discard` share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loanstream.dlq.letters import Letter
from schemas.causes import CAUSES
from schemas.nearest import nearest
from schemas.problem import WrongOption


@dataclass(frozen=True, slots=True)
class Asked:
    """None, or False, asks for nothing in particular. WrongOption for a cause that there is not."""

    tenant: str | None = None
    cause: str | None = None
    since: datetime | None = None
    application: str | None = None
    waiting: bool = False

    def __post_init__(self) -> None:
        if self.cause is not None and self.cause not in CAUSES:
            near = nearest(self.cause, CAUSES)
            known = f"did you mean {near}?" if near else f"there are {', '.join(CAUSES)}"
            raise WrongOption(f"no cause {self.cause} of dead letters; {known}")

    def means(self, letter: Letter) -> bool:
        """Whether `letter` is one of those."""
        return all(
            fits(letter, asked)
            for name, fits in FILTERS.items()
            if (asked := getattr(self, name)) is not None and asked is not False
        )


EVERY_ONE = Asked()

FILTERS: dict[str, Callable[[Letter, Any], bool]] = {
    "tenant": lambda found, tenant: found.letter.tenant == tenant,
    "cause": lambda found, cause: found.letter.cause == cause,
    "since": lambda found, since: found.letter.at >= since,
    "application": lambda found, application: application in found.application_ids,
    "waiting": lambda found, _: found.state == "waiting",
}
"""A field of `Asked` -> whether a letter fits what it asks."""
