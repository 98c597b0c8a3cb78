"""Legal yardsticks as data: what a comparison of groups is held against, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from training.fairness.groups import COMPARISONS, Fairness
from training.figures import Estimate

Result = Literal["met", "missed", "not certain", "too few"]


class Yardstick(BaseModel):
    """One profile: a figure is missed `below`, `above`, or where its interval leaves out nought (`significant`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    source: str
    figure: str
    below: float | None = None
    above: float | None = None
    significant: bool = False
    needs: int

    @model_validator(mode="after")
    def _is_one_question(self) -> "Yardstick":
        if self.figure not in COMPARISONS:
            raise ValueError(f"figure: expected one of {', '.join(COMPARISONS)}")
        if sum([self.below is not None, self.above is not None, self.significant]) != 1:
            raise ValueError("expected exactly one of below, above, significant")
        return self

    def result(self, found: Estimate, rows: int) -> Result:
        """What the figure of a group of so many rows says. A value on the wrong side of the bound is `missed`; one on
        the right side whose interval reaches over is `not certain`.

        >>> four_fifths = Yardstick(about="", source="", figure="impact_ratio", below=0.8, needs=30)
        >>> four_fifths.result(Estimate(0.85, 0.75, 0.95), rows=400)
        'not certain'
        """
        if rows < self.needs:
            return "too few"
        if self.significant:
            return "missed" if found.low > 0 or found.high < 0 else "met"
        if self.below is not None:
            return _side(found.value < self.below, found.low < self.below)
        return _side(found.value > (self.above or 0.0), found.high > (self.above or 0.0))


def _side(value_beyond: bool, interval_beyond: bool) -> Result:
    if value_beyond:
        return "missed"
    return "not certain" if interval_beyond else "met"


@dataclass(frozen=True, slots=True)
class Held:
    """One group held against one yardstick."""

    yardstick: str
    group: str
    reference: str
    found: Estimate
    result: Result


@cache
def yardsticks() -> Mapping[str, Yardstick]:
    """The shipped profiles by name."""
    text = files("training.fairness").joinpath("yardsticks.yaml").read_text(encoding="utf-8")
    return {name: Yardstick.model_validate(row) for name, row in yaml.safe_load(text).items()}


def held_against(column: Fairness, profiles: Mapping[str, Yardstick]) -> list[Held]:
    """Each compared group against each yardstick."""
    sizes = {group.name: group.rows for group in column.groups}
    return [
        Held(name, one.name, one.reference, found, yardstick.result(found, sizes[one.name]))
        for name, yardstick in profiles.items()
        for one in column.compared
        if (found := one.figures.get(yardstick.figure)) is not None
    ]
