"""The range in which a model has seen a feature, and what of its outside a policy may hold against an applicant."""

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from scoring.features import Direction
from scoring.policy import Condition

_Finite = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class TrainedRange:
    """From `low` to `high` in the training data; `direction` is the one that the model was held to. 0: none, or both
    sides do harm whatever it was (`scoring.features.harmful_side`).
    """

    low: _Finite
    high: _Finite
    direction: Direction

    def __post_init__(self) -> None:
        """Raises ValueError for a range without a value in it."""
        if self.low > self.high:
            raise ValueError("low is above high")

    def beyond(self, name: str) -> tuple[Condition, ...]:
        """Where the feature `name` lies beyond the range on a side that does harm.

        With a direction only one side does. With a gate on the other one, somebody who asks for more, or earns less,
        could come back into the range and be approved.

        >>> TrainedRange(1.5, 4.0, -1).beyond("lti")
        (Condition(kind='beyond', name='lti', above=4.0, below=inf, rate=None),)
        """
        below = Condition("beyond", name, -math.inf, self.low)
        above = Condition("beyond", name, self.high, math.inf)
        return {1: (below,), -1: (above,), 0: (below, above)}[self.direction]
