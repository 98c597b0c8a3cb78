"""The latest decisions, and their agreement with outcomes recorded elsewhere."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from schemas.problem import Problem
from schemas.public_loans import APPROVED, ID, LABEL, REJECTED
from stores.warehouse.plain import rows

Recorded = Literal["approved", "rejected"]

_COLUMNS = (
    "tenant",
    "application_id",
    "revision",
    "accepted_at",
    "outcome",
    "p_calibrated",
    "score_final",
    "verification_result",
    "basis",
    "decision_id",
    "conflict",
)
_PEOPLE = (
    "SELECT tenant, application_id, revision, toNullable(decision) AS decision, toNullable(actor) AS actor "
    "FROM loanstream.human_decisions"
)
_AGREE = {("approved", "approve"), ("rejected", "decline")}


class NotComparable(Problem):
    """A file that holds no recorded outcomes; the message says what is expected."""


def latest_decisions(client: Any, tenant: str | None, outcome: str | None, limit: int) -> list[dict[str, Any]]:
    """The latest `limit` decisions, newest first, with the principal reason that weighed most, whether the same
    revision was decided in other ways as well (`conflict`), and what a person decided on it, where one did
    (`human_decision`, `human_actor`).
    """
    found = client.query(
        f"SELECT {', '.join(_COLUMNS)}, "  # noqa: S608 - fixed
        "if(empty(principal_reasons), reasons[1].text, principal_reasons[1].text) AS first_reason, "
        "people.decision AS human_decision, people.actor AS human_actor FROM loanstream.decisions "
        f"LEFT JOIN ({_PEOPLE}) AS people USING (tenant, application_id, revision) "
        "WHERE ({tenant:String} = '' OR tenant = {tenant:String}) "
        "AND ({outcome:String} = '' OR outcome = {outcome:String}) "
        "ORDER BY accepted_at DESC, kafka_offset DESC LIMIT {limit:UInt32}",
        parameters={"tenant": tenant or "", "outcome": outcome or "", "limit": limit},
    )
    return rows(found)


@dataclass(slots=True)
class Agreement:
    """How decisions agree with recorded outcomes. `table` counts (recorded, outcome) pairs; `undecided` are rows of the
    file that have no decision.
    """

    table: Counter[tuple[str, str]] = field(default_factory=Counter)
    undecided: int = 0

    @property
    def compared(self) -> int:
        """Approvals and declines that stand beside a recorded outcome; referred applications have no say yet."""
        return sum(count for (_, outcome), count in self.table.items() if outcome != "refer")

    @property
    def referred(self) -> int:
        """Decisions that a person is to make."""
        return sum(count for (_, outcome), count in self.table.items() if outcome == "refer")

    @property
    def agreement(self) -> float | None:
        """The share of approvals and declines that agree; None where there are none."""
        agreeing = sum(count for pair, count in self.table.items() if pair in _AGREE)
        return agreeing / self.compared if self.compared else None

    def as_json(self) -> dict[str, Any]:
        """All of it as one JSON object."""
        table = [
            {"recorded": pair[0], "outcome": pair[1], "count": count} for pair, count in sorted(self.table.items())
        ]
        figures = {"compared": self.compared, "agreement": self.agreement, "referred": self.referred}
        return {**figures, "undecided": self.undecided, "table": table}


def agreement(client: Any, file: Path, tenant: str | None = None, id_prefix: str = "") -> Agreement:
    """Compare decisions (the highest revision of each application) with the `loan_status` column of `file`, a CSV in
    the layout of the public loan-approval set, submitted under `id_prefix`. Raises `NotComparable`.
    """
    try:
        recorded = _recorded_outcomes(file, id_prefix)
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotComparable(f"{file.name} is no CSV in UTF-8") from error
    found = client.query(
        "SELECT application_id, argMax(outcome, revision) FROM loanstream.decisions "
        "WHERE {tenant:String} = '' OR tenant = {tenant:String} GROUP BY tenant, application_id",
        parameters={"tenant": tenant or ""},
    )
    result, seen = Agreement(), set()
    for application_id, outcome in found.result_rows:
        status = recorded.get(application_id)
        if status is not None:
            seen.add(application_id)
            result.table[status, outcome] += 1
    result.undecided = len(recorded.keys() - seen)
    return result


def _recorded_outcomes(file: Path, id_prefix: str) -> dict[str, Recorded]:
    known: dict[str, Recorded] = {APPROVED: "approved", REJECTED: "rejected"}
    recorded: dict[str, Recorded] = {}
    with file.open(encoding="utf-8-sig") as lines:
        reader = csv.reader(lines)
        names = [name.strip() for name in next(reader, [])]
        if ID not in names or LABEL not in names:
            raise NotComparable(f"{file.name} has no columns {ID} and {LABEL} to compare with")
        identity, status = names.index(ID), names.index(LABEL)
        for cells in reader:
            if not cells:
                continue
            said = cells[status].strip().capitalize() if len(cells) > status else ""
            if said not in known:
                raise NotComparable(f"{file.name}, line {reader.line_num}: {LABEL} is {APPROVED} or {REJECTED}")
            recorded[id_prefix + cells[identity].strip()] = known[said]
    return recorded
