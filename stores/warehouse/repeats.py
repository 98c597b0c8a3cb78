"""Records of decisions that are not the first of their revision: figures pass them over.

A revision's records stand in one partition, as an application's id is their key. The first of them is the decision; the
places of the others are a set, `decision_repeats_log`: to write one again changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.records import Partition

REPEATS = "decision_repeats_log"

Revision = tuple[str, int]
"""An application's id, and the number of its revision."""


class Decided(NamedTuple):
    """A record of a decision: whose it is, and its offset in its partition."""

    revision: Revision
    offset: int


class Repeat(NamedTuple):
    """A record in the log: of which revision it is, and where it stands."""

    tenant: str
    application_id: str
    revision: int
    kafka_topic: str
    kafka_partition: int
    kafka_offset: int


class Wrong(NamedTuple):
    """`missing`: repeats that the set lacks, so that figures count them. `surplus`: first records in the set, so that
    figures pass a decision over.
    """

    missing: list[Repeat]
    surplus: list[Repeat]


# The driver writes a range's ids into the statement: they are more than an address holds. A revision's tenant, and with
# it its topic, is in the key; of keys that are not asked for nothing else is read.
_KNOWN = """
WITH arrayMap(
    (id, revision) -> reinterpretAsUInt128(sipHash128(%(tenant)s, id, toUInt32(revision))), %(ids)s, %(revisions)s
) AS keys
SELECT indexOf(keys, revision_key), min(kafka_offset)
FROM loanstream.decision_keys_log
PREWHERE revision_key IN (SELECT arrayJoin(keys))
WHERE kafka_partition = %(partition)s
GROUP BY revision_key
"""
_AS_WRITER = "SETTINGS max_threads = 1, local_filesystem_read_method = 'pread'"
"""Of a few keys that is the fastest; a reader may set nothing."""

_IN_SET = """
SELECT DISTINCT kafka_offset FROM loanstream.decision_repeats_log
WHERE tenant = %(tenant)s AND kafka_topic = %(topic)s AND kafka_partition = %(partition)s
    AND kafka_offset IN %(offsets)s
"""

_TRUE = """
SELECT
    tenant, application_id, revision, kafka_topic, kafka_partition, kafka_offset,
    kafka_offset > first_offset AS is_repeat
FROM
(
    SELECT
        tenant, application_id, revision, kafka_topic, kafka_partition, kafka_offset,
        min(kafka_offset) OVER revisions AS first_offset
    FROM loanstream.decisions_log
    WHERE tenant IN {tenants:Array(String)}
        AND kafka_offset < {ends:Array(UInt64)}[indexOf(
            {places:Array(String)}, concat(kafka_topic, '/', toString(kafka_partition))
        )]
    WINDOW revisions AS (PARTITION BY tenant, application_id, revision, kafka_topic, kafka_partition)
)
WHERE is_repeat != ((tenant, kafka_topic, kafka_partition, kafka_offset) IN
    (SELECT tenant, kafka_topic, kafka_partition, kafka_offset FROM loanstream.decision_repeats_log))
ORDER BY tenant, application_id, revision, kafka_offset
LIMIT 1 BY kafka_topic, kafka_partition, kafka_offset
"""

_TOUCH = """
INSERT INTO loanstream.hours_touched
SELECT toStartOfHour(accepted_at) AS hour, now64(3) AS at
FROM loanstream.decisions_log
WHERE tenant = %(tenant)s AND application_id IN %(ids)s
GROUP BY hour
"""

_DELETE = """
ALTER TABLE loanstream.decision_repeats_log DELETE
WHERE tenant = %(tenant)s AND kafka_topic = %(topic)s AND kafka_partition = %(partition)s
    AND kafka_offset IN %(offsets)s
SETTINGS mutations_sync = 2
"""

_AT_ONCE = 2000
"""Ids or offsets in one statement, which may have 256 KiB."""


def note_repeats(client: Any, tenant: str, partition: Partition, records: Sequence[Decided]) -> None:
    """Put those of `records` into the set that are no first record of their revision, by the log and among themselves.

    To be called before they go into the log: nobody reads a repeat that is not in the set. A record that stood in the
    log as the first one, and is not, is noted as well, and its hour counted again.
    """
    firsts: dict[Revision, int] = {}
    for record in records:
        firsts[record.revision] = min(record.offset, firsts.get(record.revision, record.offset))
    known = _known(client, tenant, partition, list(firsts))
    displaced = {revision: offset for revision, offset in known.items() if offset > firsts[revision]}
    firsts |= {revision: offset for revision, offset in known.items() if offset < firsts[revision]}
    offsets = {record.offset for record in records if record.offset > firsts[record.revision]} | set(displaced.values())
    if offsets:
        _insert(client, tenant, partition, sorted(offsets))
    _touch(client, tenant, (application_id for application_id, _ in displaced))


def release_firsts(client: Any, tenant: str, partition: Partition, revisions: Iterable[Revision]) -> None:
    """Take what is the first record of one of `revisions` in the log out of the set: where the record before it was
    refused, it was noted as a repeat. The account must be let ALTER DELETE from the set.
    """
    wanted = dict.fromkeys(revisions)
    firsts = {offset: revision for revision, offset in _known(client, tenant, partition, list(wanted)).items()}
    hidden = _in_set(client, tenant, partition, sorted(firsts))
    if hidden:
        _delete(client, tenant, partition, hidden)
        _touch(client, tenant, (firsts[offset][0] for offset in hidden))


def wrong_repeats(client: Any, tenants: Sequence[str], ends: Mapping[Partition, int]) -> Wrong:
    """Where the set is not what the log says, of records before the offsets `ends`.

    A repeat whose first record retention has taken is still one: the keys of records stay.
    """
    if not ends:
        return Wrong([], [])
    places = {f"{topic}/{partition}": end for (topic, partition), end in ends.items()}
    asked = {"tenants": list(tenants), "places": list(places), "ends": list(places.values())}
    found: tuple[list[Repeat], list[Repeat]] = ([], [])
    for *row, is_repeat in client.query(_TRUE, parameters=asked).result_rows:
        found[0 if is_repeat else 1].append(Repeat(*row))
    missing, hidden = found
    after = _after_another(client, hidden)
    return Wrong(missing, [record for record in hidden if record not in after])


def _after_another(client: Any, records: Sequence[Repeat]) -> set[Repeat]:
    """Those of `records` before which the keys have another one of the same revision."""
    after = set()
    for (tenant, partition), some in _by_place(records).items():
        revisions = [(each.application_id, each.revision) for each in some]
        firsts = _known(client, tenant, partition, revisions, settings="")
        after |= {
            each
            for each in some
            if firsts.get((each.application_id, each.revision), each.kafka_offset) < each.kafka_offset
        }
    return after


def mend_repeats(client: Any, wrong: Wrong) -> None:
    """Make the set what the log says, and have the hours counted again. The account must be let ALTER DELETE."""
    for repeats, change in ((wrong.missing, _insert), (wrong.surplus, _delete)):
        for (tenant, partition), some in _by_place(repeats).items():
            change(client, tenant, partition, [repeat.kafka_offset for repeat in some])
            _touch(client, tenant, (repeat.application_id for repeat in some))


def _by_place(records: Iterable[Repeat]) -> dict[tuple[str, Partition], list[Repeat]]:
    found: dict[tuple[str, Partition], list[Repeat]] = {}
    for record in records:
        found.setdefault((record.tenant, (record.kafka_topic, record.kafka_partition)), []).append(record)
    return found


def _known(
    client: Any, tenant: str, partition: Partition, revisions: Sequence[Revision], settings: str = _AS_WRITER
) -> dict[Revision, int]:
    """The offset of the first record in the log, of those of `revisions` that have one."""
    found: dict[Revision, int] = {}
    for start in range(0, len(revisions), _AT_ONCE):
        some = revisions[start : start + _AT_ONCE]
        ids, numbers = zip(*some, strict=True)
        asked = {"tenant": tenant, "partition": partition[1], "ids": list(ids), "revisions": list(numbers)}
        found |= {some[at - 1]: first for at, first in client.query(_KNOWN + settings, parameters=asked).result_rows}
    return found


def _in_set(client: Any, tenant: str, partition: Partition, offsets: Sequence[int]) -> list[int]:
    asked = {"tenant": tenant, "topic": partition[0], "partition": partition[1], "offsets": list(offsets)}
    return [row[0] for row in client.query(_IN_SET, parameters=asked).result_rows] if offsets else []


def _insert(client: Any, tenant: str, partition: Partition, offsets: Sequence[int]) -> None:
    topic, number = partition
    row = {"tenant": tenant, "kafka_topic": topic, "kafka_partition": number}
    lines = b"\n".join(orjson.dumps({**row, "kafka_offset": offset}) for offset in offsets)
    client.raw_insert("loanstream.decision_repeats_log", None, lines, {"async_insert": "0"}, "JSONEachRow")


def _delete(client: Any, tenant: str, partition: Partition, offsets: Sequence[int]) -> None:
    topic, number = partition
    for start in range(0, len(offsets), _AT_ONCE):
        some = list(offsets[start : start + _AT_ONCE])
        asked = {"tenant": tenant, "topic": topic, "partition": number, "offsets": some}
        client.command(_DELETE, parameters=asked)


def _touch(client: Any, tenant: str, ids: Iterable[str]) -> None:
    each = list(dict.fromkeys(ids))
    for start in range(0, len(each), _AT_ONCE):
        client.command(_TOUCH, parameters={"tenant": tenant, "ids": each[start : start + _AT_ONCE]})
