"""Makes decisions again from what their receipts name, and compares them bit for bit."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from pydantic import ValidationError

from loanstream.installation import Installation
from processors.identity import code_version
from registry.history import InForce
from registry.scorers import Scorers, Unusable
from schemas.problem import Problem
from schemas.verification import ApplicationVerified
from scoring.decision import Scorer
from scoring.receipt import ReceiptKey, content_of, decision_content
from stores.artefacts import ArtefactStore
from stores.warehouse.cipher import ColumnCipher, SealBroken
from stores.warehouse.sealed import opened

PAGE = 2_000
"""Decisions in memory at once."""

SHOWN = 1_000
"""Decisions that are named one by one where they are not equal; all are counted."""

EQUAL = "equal"
DIFFERS = "differs"
NOT_RE_EXECUTABLE = "not re-executable"
_FIELDS_NAMED = 5

Decision = dict[str, Any]
Place = tuple[str, int]


class NothingDecided(Problem):
    """An application that is asked for and has no decision; one line for a person."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one decision: `result` is `equal`, `differs` or `not re-executable`; `why` names the fields that
    differ or the thing that is missing.
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
    """`totals` counts decisions by result; `unequal` names the first thousand that are not equal."""

    totals: Counter[str] = field(default_factory=Counter)
    unequal: list[Verdict] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 where every decision is equal, else 1."""
        return int(self.totals.total() != self.totals[EQUAL])


def replay(installation: Installation, tenant: str | None = None, application_id: str | None = None) -> Replayed:
    """Replay a running stack's decisions: all, or a tenant's, or those on one application.

    NothingDecided where that application has none: a misspelt id must not pass for a proof.
    """
    done = Replayed()
    with closing(installation.warehouse()) as client:
        keys = installation.receipt_keys
        replayer = Replayer(client, installation.cipher, installation.artefacts, keys, code_version())
        for name in [installation.tenant(tenant)] if tenant else installation.tenants:
            for verdict in replayer.verdicts(name, application_id):
                done.totals[verdict.result] += 1
                if verdict.result != EQUAL and len(done.unequal) < SHOWN:
                    done.unequal.append(verdict)
    if application_id is not None and not done.totals:
        raise NothingDecided(f"no decision on {application_id}{f' of {tenant}' if tenant else ''}")
    return done


class Replayer:
    """Decides again with the verified events in the warehouse and the artefacts in the store; reads no topic."""

    def __init__(
        self,
        client: Any,
        cipher: ColumnCipher,
        artefacts: ArtefactStore,
        keys: Callable[[str], ReceiptKey],
        code_version: str,
    ) -> None:
        self._client, self._cipher = client, cipher
        self._keys = lru_cache(maxsize=4096)(keys)  # a look-up may read a file
        self._scorers, self._code_version = Scorers(artefacts), code_version

    def verdicts(self, tenant: str, application_id: str | None = None) -> Iterator[Verdict]:
        """A verdict on each decision of `tenant`, in the order of application and revision."""
        last: Place = ("", 0)
        while page := self._page(tenant, application_id, last):
            places = list(page)
            last = places[-1]
            yield from self._judge(tenant, page, self._evidence(tenant, places[0][0], last[0]))

    def _page(self, tenant: str, application_id: str | None, last: Place) -> dict[Place, Decision]:
        """The next decisions after `last`: of each revision the first record."""
        only = "AND application_id = {only:String} " if application_id is not None else ""
        rest = (
            f"FROM loanstream.decisions_log WHERE tenant = {{tenant:String}} {only}"
            "AND application_id >= {application:String} "
            "AND (application_id > {application:String} OR revision > {revision:UInt32}) "
        )
        order = "ORDER BY tenant, application_id, revision"
        parameters = {"tenant": tenant, "only": application_id or "", "application": last[0], "revision": last[1]}
        # Where the page ends is asked of narrow columns: to sort the events of a large table takes more than a GiB.
        end = self._client.query(
            f"SELECT max(application_id) FROM (SELECT application_id {rest}{order} LIMIT {PAGE})",  # noqa: S608 - fixed
            parameters=parameters,
        )
        found = self._client.query(
            f"SELECT application_id, revision, event {rest}"
            f"AND application_id <= {{end:String}} {order}, kafka_offset LIMIT 1 BY tenant, application_id, revision",
            parameters=parameters | {"end": end.first_row[0]},
        )
        return {(row[0], row[1]): orjson.loads(row[2]) for row in found.result_rows}

    def _evidence(self, tenant: str, first: str, last: str) -> dict[Place, list[dict[str, Any]]]:
        """The verified events of applications from `first` to `last`, still sealed."""
        found = self._client.query(
            "SELECT tenant, application_id, revision, event_encrypted, "
            "concat(replaceOne(toString(accepted_at), ' ', 'T'), 'Z') AS at FROM loanstream.verifications_log "
            "WHERE tenant = {tenant:String} AND application_id BETWEEN {first:String} AND {last:String} "
            "ORDER BY tenant, application_id, revision, kafka_offset LIMIT 1 BY tenant, application_id, revision, at",
            parameters={"tenant": tenant, "first": first, "last": last},
        )
        evidence: dict[Place, list[dict[str, Any]]] = defaultdict(list)
        for row in found.named_results():
            evidence[row["application_id"], row["revision"]].append(dict(row))
        return evidence

    def _judge(
        self, tenant: str, page: Mapping[Place, Decision], evidence: Mapping[Place, Sequence[dict[str, Any]]]
    ) -> Iterator[Verdict]:
        missing: dict[Place, str] = {}
        groups: dict[InForce, dict[Place, ApplicationVerified]] = defaultdict(dict)
        for place, decision in page.items():
            try:
                event = self._event(decision, evidence.get(place, ()))
                receipt = decision["receipt"]
                self._check_key(tenant, receipt["key_id"])
                groups[InForce(receipt["bundle_id"], receipt["policy_id"])][place] = event
            except _MissingError as error:
                missing[place] = str(error)
        again: dict[Place, Decision] = {}
        for artefacts, events in groups.items():
            try:
                made = self._scorer(artefacts).decide(list(events.values()), self._keys, self._code_version)
                again |= zip(events, made, strict=True)
            except _MissingError as error:
                missing |= dict.fromkeys(events, str(error))
        for place, decision in page.items():
            result, why = (NOT_RE_EXECUTABLE, missing[place]) if place in missing else compare(decision, again[place])
            yield Verdict(tenant, *place, decision["decision_id"], result, why)

    def _event(self, decision: Decision, sealed: Sequence[dict[str, Any]]) -> ApplicationVerified:
        """The verified event that became this decision: both carry the same `accepted_at`."""
        for row in sealed:
            if row["at"] == decision["accepted_at"]:
                try:
                    return ApplicationVerified.model_validate_json(opened("verifications_log", row, self._cipher))
                except SealBroken:
                    raise _MissingError("the verified event does not open under the column key") from None
                except ValidationError:
                    raise _MissingError("the verified event is not readable by this code") from None
        raise _MissingError("the verified event is not in the warehouse")

    def _check_key(self, tenant: str, key_id: str) -> None:
        if self._keys(tenant).key_id != key_id:
            raise _MissingError(f"receipt key {key_id}")

    def _scorer(self, artefacts: InForce) -> Scorer:
        try:
            return self._scorers.of(artefacts)
        except Unusable as error:
            raise _MissingError(str(error)) from None


class _MissingError(Exception):
    """Something a replay needs is not there; the message names it."""


def compare(decision: Decision, again: Decision) -> tuple[str, str]:
    """`equal`, or `differs` with the names of the fields that do, `accepted_at` and `processing` aside.

    >>> compare({"outcome": "approve", "receipt": {"code_version": "1"}}, {"outcome": "approve", "receipt": {}})
    ('differs', 'receipt.code_version')
    """
    # Equal bytes under sorted names have equal canonical bytes, which take ten times as long to write.
    if _sorted(decision) == _sorted(again) or decision_content(decision) == decision_content(again):
        return EQUAL, ""
    names = _differing(content_of(decision), content_of(again))
    more = f" and {len(names) - _FIELDS_NAMED} more" if len(names) > _FIELDS_NAMED else ""
    return DIFFERS, ", ".join(names[:_FIELDS_NAMED]) + more


def _sorted(decision: Mapping[str, Any]) -> bytes:
    return orjson.dumps(content_of(decision), option=orjson.OPT_SORT_KEYS)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> list[str]:
    names: list[str] = []
    for name in dict.fromkeys([*one, *other]):
        mine, theirs = one.get(name), other.get(name)
        if mine == theirs:
            continue
        if isinstance(mine, dict) and isinstance(theirs, dict):
            names += _differing(mine, theirs, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names
