"""A difference between what was published and what is known, named so that a person can look it up."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from schemas.records import Place

Kind = Literal["lost", "extra", "altered", "duplicated", "undecided", "made_twice"]
"""`lost`, `extra`, `altered`, `duplicated`: a row of the warehouse against its record. `undecided`, `made_twice`: an
application's record against the decisions and dead letters it ended in. Of `rejections` the first four say how what a
bank was told stands against its letters."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`table` is the warehouse's, or the topics' family for an application that ended wrongly; `fields` names the
    columns of an altered row.
    """

    kind: Kind
    table: str
    tenant: str | None
    application_id: str | None
    revision: int | None
    topic: str
    partition: int
    offset: int
    fields: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        """Where the record stands that a row is of, or that ended wrongly."""
        return Place(self.topic, self.partition, self.offset)

    def as_json(self) -> dict[str, Any]:
        """As one JSON object, with the place as `show` and `dlq show` write it."""
        return {**asdict(self), "place": str(self.place)}

    def __str__(self) -> str:
        what = f" in {', '.join(self.fields)}" if self.fields else ""
        whose = f"{self.tenant or '-'} {self.application_id or '-'} revision {self.revision or '-'}"
        return f"{self.kind}{what}: {self.table}, {whose} ({self.place})"
