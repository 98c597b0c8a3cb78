"""Makes decisions again from what their receipts name, and compares them bit for bit."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from loanstream.ask.activated import Activated, activated
from loanstream.ask.evidence import may_be_of, origin_of, receipt_names
from loanstream.ask.judged import judged_otherwise
from loanstream.ask.kept import KEPT, Altered, altered
from loanstream.ask.sameness import EQUAL, KINDS, RECEIPT_DIFFERS, likeness
from loanstream.ask.tally import DecisionRecords, decision_records
from loanstream.installation import Installation
from processors.identity import code_version
from registry.history import InForce
from registry.scorers import Scorers, Unusable
from schemas import records
from schemas.problem import Problem
from schemas.values import ms_of_utc
from schemas.verification import ApplicationVerified
from scoring.decision import Scorer
from scoring.receipt import ReceiptKey
from stores.artefacts import ArtefactStore
from stores.warehouse.cipher import ColumnCipher, SealBroken
from stores.warehouse.pages import Stored, StoredRows
from stores.warehouse.sealed import opened

PAGE = 2_000
"""Decisions in memory at once."""

SHOWN = 1_000
"""Decisions of each result that are named one by one where they are not equal; all are counted."""

ANSWER_S = 10.0
"""So long Kafka may take to tell what was in force when."""

NOT_IN_FORCE = "not in force"
NOT_RE_EXECUTABLE = "not re-executable"
COLUMNS_DIFFER = "columns differ"
CHECKS_DIFFER = "checks differ"
JUDGED_OTHERWISE = "documents are judged otherwise today"
_FIELDS_NAMED = 5

RESULTS: dict[str, bool] = {
    COLUMNS_DIFFER: True,
    NOT_IN_FORCE: True,
    NOT_RE_EXECUTABLE: True,
    CHECKS_DIFFER: True,
    **{kind.name: True for kind in KINDS if kind.fault},
    JUDGED_OTHERWISE: False,
    **{kind.name: False for kind in KINDS if not kind.fault},
}
"""What may come of a decision, what is told first first; and whether it is a fault, for which the exit code is 1.
Columns differ from the event that the same row keeps, and that is made again: somebody altered the one or the other.
Not in force is what the receipt names and no activation put in force for the application's `accepted_at`. What the
documents show is checked once more over what was read of them: code of the same version must find the same, another may
judge otherwise. A decision that other code makes again with the same outcome and score is none."""

Decision = dict[str, Any]
Place = tuple[str, int]


class NothingDecided(Problem):
    """An application that is asked for and has no decision; one line for a person."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one decision: `result` is one of RESULTS; `why` names the fields that differ or the thing that is
    missing.
    """

    tenant: str
    application_id: str
    revision: int
    decision_id: str
    result: str
    why: str = ""

    def __str__(self) -> str:
        what = f"{self.result}: {self.why}" if self.why else self.result
        return f"{self.tenant} {self.application_id} revision {self.revision}: {what}"


@dataclass(slots=True)
class Replayed:
    """`totals` counts decisions by result; `examples` names the first thousand of each that is not equal. `records`
    says how many decision records these are the decisions of. `activations_known` is False where Kafka did not tell
    what was in force when: then that is not checked.
    """

    totals: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Verdict]] = field(default_factory=lambda: {name: [] for name in RESULTS})
    records: DecisionRecords = field(default_factory=DecisionRecords)
    activations_known: bool = True

    def note(self, verdict: Verdict) -> None:
        """Count one decision."""
        self.totals[verdict.result] += 1
        if verdict.result != EQUAL.name and len(self.examples[verdict.result]) < SHOWN:
            self.examples[verdict.result].append(verdict)

    @property
    def unequal(self) -> list[Verdict]:
        """The examples, what matters most first."""
        return [verdict for name in RESULTS for verdict in self.examples[name]]

    @property
    def exit_code(self) -> int:
        """1 where a decision says something else when it is made again, or cannot be made again; else 0."""
        return int(any(self.totals[name] for name, fault in RESULTS.items() if fault))


def replay(installation: Installation, tenant: str | None = None, application_id: str | None = None) -> Replayed:
    """Replay a running stack's decisions: all, or a tenant's, or those on one application.

    NothingDecided where that application has none: a misspelt id must not pass for a proof.
    """
    done = Replayed()
    with closing(installation.warehouse()) as client:
        # Read before Kafka is asked: what is not set is told at once.
        cipher, artefacts, keys = installation.cipher, installation.artefacts, installation.receipt_keys
        names = [installation.tenant(tenant)] if tenant else installation.tenants
        history = activated(installation, ANSWER_S)
        done.activations_known = history.knows
        replayer = Replayer(client, cipher, artefacts, keys, code_version(), history)
        done.records = decision_records(client, names, application_id)
        for name in names:
            for verdict in replayer.verdicts(name, application_id):
                done.note(verdict)
    if application_id is not None and not done.totals:
        raise NothingDecided(f"no decision on {application_id}{f' of {tenant}' if tenant else ''}")
    return done


_ORIGIN = "origin_topic, origin_partition, origin_offset"


class _Decided(NamedTuple):
    """A decision as its row keeps it, empty where that is none; `altered` names the columns that say something else."""

    decision: Decision
    decision_id: str
    origin: records.Place | None
    altered: Altered


@dataclass(slots=True)
class _MadeAgain:
    """Of each place the verified event and the decision made of it now, or what is missing for that. `judged` names
    what is found otherwise today, where something is.
    """

    events: dict[Place, ApplicationVerified] = field(default_factory=dict)
    decisions: dict[Place, Decision] = field(default_factory=dict)
    missing: dict[Place, str] = field(default_factory=dict)
    judged: dict[Place, tuple[str, ...]] = field(default_factory=dict)


class Replayer:
    """Decides again with the verified events in the warehouse and the artefacts in the store; reads no topic.

    What was in force when is held against `history`, where that knows anything.
    """

    def __init__(
        self,
        client: Any,
        cipher: ColumnCipher,
        artefacts: ArtefactStore,
        keys: Callable[[str], ReceiptKey],
        code_version: str,
        history: Activated,
    ) -> None:
        self._client, self._cipher = client, cipher
        self._keys = lru_cache(maxsize=4096)(keys)  # a look-up may read a file
        self._scorers, self._code_version, self._history = Scorers(artefacts), code_version, history
        self._stored = StoredRows(client, cipher, "decisions_log")

    def verdicts(self, tenant: str, application_id: str | None = None) -> Iterator[Verdict]:
        """A verdict on each decision of `tenant`, in the order of application and revision."""
        last: Place = ("", 0)
        while page := self._page(tenant, application_id, last):
            places = list(page)
            last = places[-1]
            yield from self._judge(tenant, page, self._evidence(tenant, places[0][0], last[0]))

    def _page(self, tenant: str, application_id: str | None, last: Place) -> dict[Place, _Decided]:
        """The next decisions after `last`: of each revision the first record."""
        only = "AND log.application_id = {only:String} " if application_id is not None else ""
        rest = (
            f"FROM loanstream.decisions_log AS log WHERE log.tenant = {{tenant:String}} {only}"
            "AND log.application_id >= {application:String} "
            "AND (log.application_id > {application:String} OR log.revision > {revision:UInt32}) "
        )
        order = "ORDER BY log.tenant, log.application_id, log.revision"
        parameters = {"tenant": tenant, "only": application_id or "", "application": last[0], "revision": last[1]}
        # Where the page ends is asked of narrow columns: to sort the events of a large table takes more than a GiB.
        end = self._client.query(
            f"SELECT max(application_id) FROM (SELECT log.application_id {rest}{order} LIMIT {PAGE})",  # noqa: S608 - fixed
            parameters=parameters,
        )
        found = self._stored.rows(
            f"SELECT {self._stored.selected} {rest}"
            f"AND log.application_id <= {{end:String}} {order}, log.kafka_offset "
            "LIMIT 1 BY log.tenant, log.application_id, log.revision",
            parameters | {"end": end.first_row[0]},
        )
        return {(one.row["application_id"], one.row["revision"]): self._decided(one) for one in found}

    def _decided(self, stored: Stored) -> _Decided:
        row, names = stored.row, altered(self._stored, stored)
        decision = {} if KEPT["decisions_log"].column in names else orjson.loads(row["event"])
        return _Decided(decision, row["decision_id"], origin_of(row), names)

    def _evidence(self, tenant: str, first: str, last: str) -> dict[Place, list[dict[str, Any]]]:
        """The verified events of applications from `first` to `last`, still sealed."""
        found = self._client.query(
            f"SELECT tenant, application_id, revision, event_encrypted, {_ORIGIN} "  # noqa: S608 - fixed
            "FROM loanstream.verifications_log "
            "WHERE tenant = {tenant:String} AND application_id BETWEEN {first:String} AND {last:String} "
            "ORDER BY tenant, application_id, revision, kafka_offset",
            parameters={"tenant": tenant, "first": first, "last": last},
        )
        evidence: dict[Place, list[dict[str, Any]]] = defaultdict(list)
        for row in found.named_results():
            evidence[row["application_id"], row["revision"]].append(dict(row))
        return evidence

    def _judge(
        self, tenant: str, page: Mapping[Place, _Decided], evidence: Mapping[Place, Sequence[dict[str, Any]]]
    ) -> Iterator[Verdict]:
        made = self._made_again(tenant, page, evidence)
        for place, decided in page.items():
            result, why = self._result(tenant, decided, made, place)
            yield Verdict(tenant, *place, decided.decision_id, result, why)

    def _made_again(
        self, tenant: str, page: Mapping[Place, _Decided], evidence: Mapping[Place, Sequence[dict[str, Any]]]
    ) -> _MadeAgain:
        made = _MadeAgain()
        groups: dict[InForce, dict[Place, ApplicationVerified]] = defaultdict(dict)
        for place, decided in page.items():
            if not decided.decision:
                continue
            try:
                made.events[place] = event = self._event(tenant, decided, evidence.get(place, ()))
                self._check_key(tenant, decided.decision["receipt"]["key_id"])
                groups[_named_by(decided.decision)][place] = event
            except _MissingError as error:
                made.missing[place] = str(error)
        for artefacts, events in groups.items():
            try:
                scorer = self._scorer(artefacts)
                decisions = scorer.decide(list(events.values()), self._keys, self._code_version)
                made.decisions |= zip(events, decisions, strict=True)
                made.judged |= self._judged(scorer, events, made.decisions)
            except _MissingError as error:
                made.missing |= dict.fromkeys(events, str(error))
        return made

    def _judged(
        self, scorer: Scorer, events: Mapping[Place, ApplicationVerified], then: Mapping[Place, Decision]
    ) -> dict[Place, tuple[str, ...]]:
        """What is found otherwise in documents today, and whether another outcome follows from it."""
        judged = {place: found for place, event in events.items() if (found := judged_otherwise(event)) is not None}
        today = scorer.decide([found.today for found in judged.values()], self._keys, self._code_version)
        return {
            place: (*(["outcome"] if decision["outcome"] != then[place]["outcome"] else []), *found.names)
            for (place, found), decision in zip(judged.items(), today, strict=True)
        }

    def _result(self, tenant: str, decided: _Decided, made: _MadeAgain, place: Place) -> tuple[str, str]:
        if decided.altered:
            return COLUMNS_DIFFER, _named(decided.altered)
        not_in_force = self._not_in_force(tenant, decided.decision, made.events.get(place))
        if not_in_force:
            return NOT_IN_FORCE, not_in_force
        if place in made.missing:
            return NOT_RE_EXECUTABLE, made.missing[place]
        result, why = compare(decided.decision, made.decisions[place])
        if RESULTS[result]:
            return result, why
        if _ms(decided.decision["accepted_at"]) != _ms(made.decisions[place]["accepted_at"]):
            return RECEIPT_DIFFERS.name, "accepted_at"
        if place not in made.judged:
            return result, why
        same_code = made.events[place].processing.code_version == self._code_version
        judged = _named(made.judged[place])
        return (CHECKS_DIFFER if same_code else JUDGED_OTHERWISE), f"{judged}; {why}" if why else judged

    def _not_in_force(self, tenant: str, decision: Decision, event: ApplicationVerified | None) -> str:
        """What a decision names that could not decide; empty where it could. The moment is the sealed event's own,
        where that is known: the decision's row could name one at which the same did decide.
        """
        if not self._history.knows:
            return ""
        accepted_ms = _ms(decision["accepted_at"]) if event is None else ms_of_utc(event.accepted_at)
        named = _named_by(decision)
        could = self._history.was_in_force(tenant, accepted_ms, named)
        return "" if could else f"bundle {named.bundle_id} with policy {named.policy_id}"

    def _event(self, tenant: str, decided: _Decided, sealed: Sequence[dict[str, Any]]) -> ApplicationVerified:
        """The verified event that became this decision: both were made from the same application's record.

        Of rows that are older than the places of those records it is the one that the receipt has the hashes of; where
        there is no such one, the first: what differs is then told.
        """
        rows = may_be_of(decided.origin, sealed)
        if not rows:
            raise _MissingError("the verified event is not in the warehouse")
        if len(rows) == 1:
            return self._opened(rows[0])
        accepted_ms = _ms(decided.decision["accepted_at"])
        # Of a repeated application one event has the time as well.
        events = sorted(map(self._opened, rows), key=lambda event: ms_of_utc(event.accepted_at) != accepted_ms)
        receipt, key = decided.decision["receipt"], self._keys(tenant)
        return next((event for event in events if receipt_names(receipt, event, key)), events[0])

    def _opened(self, row: dict[str, Any]) -> ApplicationVerified:
        try:
            return ApplicationVerified.model_validate_json(opened("verifications_log", row, self._cipher))
        except SealBroken:
            raise _MissingError("the verified event does not open under the column key") from None
        except ValidationError:
            raise _MissingError("the verified event is not readable by this code") from None

    def _check_key(self, tenant: str, key_id: str) -> None:
        if self._keys(tenant).key_id != key_id:
            raise _MissingError(f"receipt key {key_id}")

    def _scorer(self, artefacts: InForce) -> Scorer:
        try:
            return self._scorers.of(artefacts)
        except Unusable as error:
            raise _MissingError(str(error)) from None


def _ms(accepted_at: str) -> int:
    return ms_of_utc(datetime.fromisoformat(accepted_at))


def _named_by(decision: Decision) -> InForce:
    """What a decision's receipt says it was decided by."""
    return InForce(decision["receipt"]["bundle_id"], decision["receipt"]["policy_id"])


class _MissingError(Exception):
    """Something a replay needs is not there; the message names it."""


def compare(decision: Decision, again: Decision) -> tuple[str, str]:
    """The result, and the names of the fields that differ, `accepted_at` and `processing` aside.

    >>> compare({"outcome": "approve", "receipt": {"code_version": "1"}}, {"outcome": "approve", "receipt": {}})
    ('equal but for the code version', 'receipt.code_version')
    """
    kind, names = likeness(decision, again)
    return kind.name, _named(names)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FIELDS_NAMED} more" if len(names) > _FIELDS_NAMED else ""
    return ", ".join(names[:_FIELDS_NAMED]) + more
