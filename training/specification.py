"""What the columns of a data set are: a YAML document that a person reviews, read strictly."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from schemas.problem import Problem
from training.intake.dates import FORMATS
from training.intake.missing import MISSING
from training.intake.numbers import NOTATIONS

Kind = Literal["number", "category", "date", "identifier", "ignored"]
Encoding = Literal["one_hot", "target", "label"]


class SpecificationError(Problem):
    """A specification that cannot be used, or data that are not as it says; the text names the place."""


def _text(value: Any) -> Any:
    """YAML reads `1` as a number and `yes` as a truth; cells are text."""
    if isinstance(value, bool):
        # Pydantic makes a message of a ValueError alone.
        raise ValueError(  # noqa: TRY004
            "expected a quoted text: YAML takes this word for true or false"
        )
    return str(value) if isinstance(value, int | float) else value


Cell = Annotated[str, BeforeValidator(_text)]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Column(_Said):
    """One column. `kind`: a number, a category, a date; an identifier and an ignored column teach nothing.

    `protected`: never a feature, whatever the kind; fairness is measured by it. `low` and `high` are bounds that no
    cell may leave. `missing`: cells that stand for a missing value here, beside the document's. `words`: what a cell
    is that is no number, or no date: refused, or missing. `encoding`: of a category, where another is wanted than its
    number of values would give. `levels`: the values that a category may have, where others are to be refused.
    """

    kind: Kind
    protected: bool = False
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    missing: tuple[Cell, ...] = ()
    words: Literal["refuse", "missing"] = "refuse"
    notation: str = "plain"
    formats: tuple[str, ...] = ()
    encoding: Encoding | None = None
    levels: tuple[Cell, ...] = ()
    why: str | None = None

    @field_validator("notation")
    @classmethod
    def _known_notation(cls, name: str) -> str:
        if name not in NOTATIONS:
            raise ValueError(f"expected {', '.join(NOTATIONS)}")
        return name

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [one for one in formats if one not in FORMATS]:
            raise ValueError(f"{unknown[0]}: expected one of {', '.join(FORMATS)}")
        return formats

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        for name, kinds in _ONLY_OF.items():
            if getattr(self, name) not in {None, ()} and self.kind not in kinds:
                raise ValueError(f"{name}: only of a column of kind {' or '.join(kinds)}")
        if self.kind == "date" and not self.formats:
            raise ValueError("formats: a date needs the formats it is written in")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low: expected at most high")
        return self

    @property
    def is_feature(self) -> bool:
        """Whether a model may see it."""
        return not self.protected and self.kind in {"number", "category", "date"}


_ONLY_OF: Mapping[str, tuple[Kind, ...]] = {
    "low": ("number",),
    "high": ("number",),
    "formats": ("date",),
    "encoding": ("category",),
    "levels": ("category",),
}
"""Keys that only columns of some kinds have."""


class Derived(_Said):
    """A column made of others: the sum of some, or that sum by the sum of others. All are features of kind number."""

    sum: Annotated[tuple[str, ...], Field(min_length=1)]
    by: tuple[str, ...] = ()


class Target(_Said):
    """What is to be told: a column, the values that are positive, and those that are negative. Upper and lower case do
    not differ where `any_case`. `favourable`: which of both an applicant hopes for; fairness is told of it. A row
    without one of the values is refused, or left out.
    """

    column: str
    positive: Annotated[tuple[Cell, ...], Field(min_length=1)]
    negative: Annotated[tuple[Cell, ...], Field(min_length=1)]
    any_case: bool = False
    unlabelled: Literal["refuse", "leave_out"] = "refuse"
    other: Literal["refuse", "leave_out"] = "refuse"
    meaning: str | None = None
    favourable: Literal["positive", "negative"] | None = None

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if both := set(map(self.spelled, self.positive)) & set(map(self.spelled, self.negative)):
            raise ValueError(f"{min(both)}: both positive and negative")
        return self

    def spelled(self, cell: str) -> str:
        """A cell as its value is compared: 1.0 is 1."""
        return spelled_label(cell, any_case=self.any_case)


class Specification(_Said):
    """A data set's columns, in the order in which models see them, and its target.

    `time`: the column by which rows are in order of time; a model does not see it. `missing`: cells that stand for a
    missing value in every column.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
    file: str | None = None
    currency: str | None = None
    source: str | None = None
    notes: tuple[str, ...] = ()
    missing: tuple[Cell, ...] = MISSING
    target: Target
    time: str | None = None
    columns: Annotated[dict[str, Column], Field(min_length=1)]
    derived: dict[str, Derived] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names(self) -> Self:
        if self.target.column in self.columns:
            raise ValueError(f"columns: {self.target.column} is the target, and no column beside it")
        if self.time is not None and self.columns.get(self.time, _NO_DATE).kind not in {"date", "number"}:
            raise ValueError(f"time: expected a column of kind date or number, and {self.time} is none")
        for name, derived in self.derived.items():
            if name in self.columns or name == self.target.column:
                raise ValueError(f"derived: {name} is a column already")
            for part in (*derived.sum, *derived.by):
                if part not in self.features or self.columns[part].kind != "number":
                    raise ValueError(f"derived.{name}: {part} is no feature of kind number")
        if not self.features:
            raise ValueError("columns: none may be seen by a model: expected a number, a category or a date")
        return self

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of the file that a model may see."""
        return tuple(name for name, column in self.columns.items() if column.is_feature and name != self.time)

    @property
    def model_features(self) -> tuple[str, ...]:
        """What a model sees: those columns, and what is made of them."""
        return (*self.features, *self.derived)

    @property
    def protected(self) -> tuple[str, ...]:
        """The columns that fairness is measured by."""
        return tuple(name for name, column in self.columns.items() if column.protected)


_NO_DATE = Column(kind="ignored")


def spelled_label(cell: str, *, any_case: bool) -> str:
    """A value of the target as it is compared: space within and around does not count, numbers are equal as numbers.

    >>> spelled_label(" Charged  Off", any_case=True), spelled_label("1.0", any_case=False)
    ('charged off', '1')
    """
    bare = " ".join(cell.split())
    try:
        number = float(bare)
    except ValueError:
        return bare.casefold() if any_case else bare
    return f"{number:g}"


def parse_specification(text: str, source: str) -> Specification:
    """The specification in a YAML text. Raises SpecificationError with the place and what is expected there."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f": line {mark.line + 1}" if mark is not None else ""
        raise SpecificationError(f"{source}{where}: no YAML") from None
    if not isinstance(content, dict):
        raise SpecificationError(f"{source}: expected a mapping with name, target and columns")
    try:
        # Lists of YAML are tuples here; all else is as strict as it stands.
        return Specification.model_validate(_frozen(content))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(map(str, wrong["loc"]))
        said = wrong["msg"].removeprefix("Value error, ")
        raise SpecificationError(f"{source}: {at}: {said}" if at else f"{source}: {said}") from None


def specification_yaml(specification: Specification, head: str = "") -> str:
    """The document for people: what is as by default is left out. `head`: lines of comment above it."""
    content = specification.model_dump(exclude_defaults=True, mode="json")
    comment = "".join(f"# {line}\n" for line in head.splitlines())
    return comment + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=116)


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(one) for one in value)
    if isinstance(value, dict):
        return {str(name): _frozen(one) for name, one in value.items()}
    return value
