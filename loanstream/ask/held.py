"""Whether what the warehouse tells of an application is what was recorded: each row against what cannot be altered with
it, as far as keys and rows are here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from loanstream.ask.activated import UNCHECKED, Activated
from loanstream.ask.evidence import may_be_of, origin_of, place_of, receipt_names
from loanstream.ask.kept import KEPT, altered, altered_application, application_of
from loanstream.ask.origins import WITHOUT, lost_origin, origins_since_ms
from registry.history import InForce
from schemas.problem import Problem
from schemas.values import ms_of_utc
from schemas.verification import ApplicationVerified
from scoring.canonical import application_bytes
from scoring.receipt import ReceiptKey
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.pages import Stored, StoredRows

Keys = Callable[[str], ReceiptKey]
Revision = tuple[str, int]

TABLES = ("applications_log", "verifications_log", "decisions_log", "outcomes_log")

NO_PROOF = "its verified event is not here, and no receipt names it: its claims are not proven"
ANOTHER_MOMENT = "(accepted_at is not that of its verified event)"
NOT_IN_FORCE = "(its bundle and policy were not in force at accepted_at)"
TIMES_ALONE = "proven by its receipt, but for submitted_at and accepted_at, which are in no hash"


@dataclass(slots=True)
class Held:
    """Of one revision: `altered` names rows that do not say what was recorded, and their columns; `unproven` what
    could not be held against anything, and why.
    """

    altered: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)


def held(
    client: Any,
    cipher: ColumnCipher,
    application_id: str,
    tenant: str | None,
    keys: Keys | None,
    history: Callable[[], Activated] | None = None,
) -> Mapping[Revision, Held]:
    """What was found of each revision of an application (of `tenant`, or of every tenant that has one).

    `history` is asked where there is a decision; without it nobody asks whether bundle and policy were in force.
    """
    tables = {table: StoredRows(client, cipher, table) for table in TABLES}
    found: dict[Revision, dict[str, list[Stored]]] = {}
    for table, stored in tables.items():
        for one in stored.of_application(application_id, tenant):
            revision = found.setdefault((one.row["tenant"], one.row["revision"]), {name: [] for name in TABLES})
            revision[table].append(one)
    since_ms, decided = origins_since_ms(client), any(rows["decisions_log"] for rows in found.values())
    in_force = history() if history is not None and decided else None
    return {revision: _Holding(tables, rows, keys, in_force, since_ms).held() for revision, rows in found.items()}


class _Holding:
    def __init__(
        self,
        tables: Mapping[str, StoredRows],
        rows: Mapping[str, Sequence[Stored]],
        keys: Keys | None,
        history: Activated | None,
        origins_since_ms: int,
    ) -> None:
        self._tables, self._rows, self._keys, self._history = tables, rows, keys, history
        self._origins_since_ms = origins_since_ms
        self._found = Held()

    def held(self) -> Held:
        for table in KEPT.keys() & self._rows.keys():
            for one in self._rows[table]:
                self._note(table, one, altered(self._tables[table], one))
                if lost_origin(one.row, self._origins_since_ms):
                    self._found.unproven.append(f"{table} {place_of(one.row)}: {WITHOUT}")
        for one in self._rows["decisions_log"]:
            self._receipt(one)
        for one in self._rows["applications_log"]:
            self._application(one)
        return self._found

    def _note(self, table: str, one: Stored, names: Sequence[str]) -> None:
        if names:
            self._found.altered.append(f"{table} {place_of(one.row)}: {', '.join(names)}")

    def _application(self, one: Stored) -> None:
        verified = self._rows["verifications_log"]
        names = altered_application(self._tables["applications_log"], one, verified, self._origins_since_ms)
        if names is not None:
            self._note("applications_log", one, names)
            return
        proven = self._proven_by_receipt(one)
        if proven is False:
            self._note("applications_log", one, ["(not the application in its receipt)"])
        else:
            why = NO_PROOF if proven is None else TIMES_ALONE
            self._found.unproven.append(f"applications_log {place_of(one.row)}: {why}")

    def _proven_by_receipt(self, one: Stored) -> bool | None:
        """Whether the receipt of the decision on this application's record has its hash; None where none tells."""
        application, place = application_of(one), place_of(one.row)
        for decision in self._rows["decisions_log"]:
            row = decision.row
            key = self._key(row)
            if origin_of(row) == place and key is not None:
                said = None if application is None else key.hash(application_bytes(application))
                return bool(said == row["receipt_input_hmac"])
        return None

    def _receipt(self, one: Stored) -> None:
        """A decision's receipt against the sealed event that it was made from."""
        row, key = one.row, self._key(one.row)
        events = self._events(row)
        if key is None:
            self._found.unproven.append(
                f"decisions_log {place_of(row)}: receipt key {row['receipt_key_id']} is not here, "
                "so its receipt's hashes are not proven"
            )
            self._moment(one, events)
            return
        receipt = {"key_id": row["receipt_key_id"]} | {name: row[f"receipt_{name}"] for name in _HASHES}
        if not events:
            self._found.unproven.append(
                f"decisions_log {place_of(row)}: its verified event is not here, so its receipt's hashes are not proven"
            )
        elif not (named := [event for event in events if receipt_names(receipt, event, key)]):
            self._note("decisions_log", one, ["(its receipt is not of its verified event)"])
        else:
            events = named
        self._moment(one, events)

    def _events(self, row: Mapping[str, Any]) -> list[ApplicationVerified]:
        """The verified events that a decision may have been made from."""
        of_it = may_be_of(origin_of(row), [found.row for found in self._rows["verifications_log"]])
        plain = {place_of(found.row): found.plain for found in self._rows["verifications_log"]}
        return [event for found in of_it if (event := _verified(plain[place_of(found)])) is not None]

    def _moment(self, one: Stored, events: Sequence[ApplicationVerified]) -> None:
        """When the application was accepted, by its sealed event, and whether that was decided by what was in force."""
        row = one.row
        said = ms_of_utc(datetime.fromisoformat(row["accepted_at"]))
        moments = [ms_of_utc(event.accepted_at) for event in events] or [said]
        if said not in moments:
            self._note("decisions_log", one, [ANOTHER_MOMENT])
        if self._history is None:
            return
        if not self._history.knows:
            self._found.unproven.append(f"decisions_log {place_of(row)}: {UNCHECKED}")
            return
        accepted_ms = said if said in moments else moments[0]
        named = InForce(row["receipt_bundle_id"], row["receipt_policy_id"])
        if not self._history.was_in_force(row["tenant"], accepted_ms, named):
            self._note("decisions_log", one, [NOT_IN_FORCE])

    def _key(self, row: Mapping[str, Any]) -> ReceiptKey | None:
        try:
            key = None if self._keys is None else self._keys(row["tenant"])
        except Problem:
            return None
        return key if key is not None and key.key_id == row["receipt_key_id"] else None


_HASHES = ("input_hmac", "evidence_hmac")


def _verified(plain: bytes | None) -> ApplicationVerified | None:
    try:
        return None if plain is None else ApplicationVerified.model_validate_json(plain)
    except ValidationError:
        return None
