"""Whether the loans that outcomes tell of were approved, by the warehouse: repayment is of approved ones alone."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal, Self, get_args

from clickhouse_connect.driver.exceptions import ClickHouseError

from loanstream.problem import describe_problem
from schemas.operations import LoanOutcome
from schemas.problem import Problem

Standing = Literal["approved", "not_approved", "unknown"]
"""What counts for a revision is what a person decided, else the service's decision: the first record of either.
`unknown`: no decision on that revision is known here, or none yet."""

Revision = tuple[str, int]
"""An application's id, and its revision."""

ASKED_MOST = 300
"""Outcomes of one question: its ids stand in the address that is asked."""

# Of the logs, since a filter on a view would come after the view has sorted all of its log.
_MACHINE = """
SELECT application_id, revision, argMin(outcome, kafka_offset) FROM loanstream.decisions_log
WHERE tenant = {tenant:String} AND application_id IN {ids:Array(String)}
GROUP BY application_id, revision
"""
_PEOPLE = """
SELECT application_id, revision, argMin(decision, (kafka_offset, kafka_partition)) FROM loanstream.outcomes_log
WHERE tenant = {tenant:String} AND application_id IN {ids:Array(String)} AND kind = 'human_decision'
GROUP BY application_id, revision
"""


def decided(client: Any, tenant: str, ids: Iterable[str]) -> dict[Revision, str]:
    """What counts for each decided revision of these applications: approve, refer or decline."""
    asked = {"tenant": tenant, "ids": sorted(set(ids))}
    found: dict[Revision, str] = {}
    for question in (_MACHINE, _PEOPLE):
        rows = client.query(question, parameters=asked).result_rows
        found |= {(application_id, revision): outcome for application_id, revision, outcome in rows}
    return found


class Approvals:
    """Counts a tenant's outcomes by how their loans stand, some hundred at a time; `named` are the others.

    An outcome needs no warehouse: where it cannot be asked, it is not asked again, and `away` says why.
    """

    def __init__(self, connect: Callable[[], Any], tenant: str) -> None:
        self._connect, self._tenant = connect, tenant
        self._client: Any = None
        self._waiting: list[Revision] = []
        self._counts: Counter[Standing] = Counter()
        self.named: dict[Standing, dict[Revision, None]] = {"not_approved": {}, "unknown": {}}
        self.away: str | None = None

    def __enter__(self) -> Self:
        self._asking(self._begin)
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def note(self, outcome: LoanOutcome) -> None:
        """Count one more."""
        self._waiting.append((outcome.application_id, outcome.revision))
        if len(self._waiting) >= ASKED_MOST:
            self.settle()

    def settle(self) -> None:
        """Count those that wait."""
        waiting, self._waiting = self._waiting, []
        if waiting and self.away is None:
            self._asking(lambda: self._settle(waiting))

    @property
    def counts(self) -> dict[Standing, int] | None:
        """Outcomes by how their loans stand; None where the warehouse did not tell all of it."""
        return None if self.away is not None else {standing: self._counts[standing] for standing in get_args(Standing)}

    def _begin(self) -> None:
        self._client = self._connect()

    def _settle(self, waiting: list[Revision]) -> None:
        known = decided(self._client, self._tenant, (name for name, _ in waiting))
        for revision in waiting:
            outcome = known.get(revision)
            standing: Standing = (
                "unknown" if outcome is None else "approved" if outcome == "approve" else "not_approved"
            )
            self._counts[standing] += 1
            if standing in self.named:
                self.named[standing][revision] = None

    def _asking(self, ask: Callable[[], None]) -> None:
        try:
            ask()
        except (ClickHouseError, Problem) as error:
            self.away = describe_problem(error)
