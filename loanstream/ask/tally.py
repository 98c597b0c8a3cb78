"""How many decision records there are, and of how many decisions: what reconcile and replay both count by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.records import Partition


@dataclass(frozen=True, slots=True)
class DecisionRecords:
    """`records` are all that were counted; `decisions` the first of each revision of an application; of the others
    `repeats` say the same again, and `conflicting` do not. `conflicts` counts the revisions that have such a one.
    """

    records: int = 0
    decisions: int = 0
    conflicting: int = 0
    conflicts: int = 0

    @property
    def repeats(self) -> int:
        """Records that say what the first one says."""
        return self.records - self.decisions - self.conflicting

    def __str__(self) -> str:
        return (
            f"{self.records} decision records: {self.decisions} decisions, {self.repeats} repeating one, "
            f"{self.conflicting} conflicting with one"
        )


_SQL = """
SELECT count(), countIf(kafka_offset = first_offset), countIf(decided_sha256 != first),
    countIf(kafka_offset = first_offset AND several)
FROM
(
    SELECT kafka_offset, decided_sha256,
        min(kafka_offset) OVER revisions AS first_offset,
        argMin(decided_sha256, kafka_offset) OVER revisions AS first,
        min(decided_sha256) OVER revisions != max(decided_sha256) OVER revisions AS several
    FROM loanstream.decisions_log
    WHERE tenant IN {tenants:Array(String)} AND ({application:String} = '' OR application_id = {application:String})
        AND (empty({places:Array(String)}) OR kafka_offset < {ends:Array(Int64)}[indexOf(
            {places:Array(String)}, concat(kafka_topic, '/', toString(kafka_partition))
        )])
    WINDOW revisions AS (PARTITION BY tenant, application_id, revision)
)
"""
"""Windows follow the table's order: to group by revision would take the memory of all of them."""


def decision_records(
    client: Any, tenants: Sequence[str], application_id: str | None = None, ends: Mapping[Partition, int] | None = None
) -> DecisionRecords:
    """What the warehouse holds of some tenants, or on one application of theirs; with `ends` of what stood before these
    offsets alone, so that it fits what was counted from them.
    """
    if ends is not None and not ends:
        return DecisionRecords()
    places = {f"{topic}/{partition}": end for (topic, partition), end in (ends or {}).items()}
    asked = {"tenants": list(tenants), "application": application_id or ""}
    found = client.query(_SQL, parameters={**asked, "places": list(places), "ends": list(places.values())})
    return DecisionRecords(*map(int, found.first_row))
