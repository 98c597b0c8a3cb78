"""Does the warehouse equal the topics? Every offset still retained, record by record, every difference by name."""

from collections.abc import Sequence
from contextlib import closing
from functools import cache
from typing import Any

from loanstream.ask.comparison import SLACK_MS, Comparison
from loanstream.ask.difference import Difference, Kind
from loanstream.ask.ended import ended
from loanstream.ask.reconciliation import Reconciliation
from loanstream.ask.retained import Retained
from loanstream.ask.tally import decision_records
from loanstream.ask.told import told
from loanstream.ask.waiting import Say, silent
from loanstream.installation import Installation
from processors.stages.record.rows import RECORDINGS
from schemas.topics import ENDS, TOPICS
from stores.topics import KafkaTopics, TopicReader
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.pages import StoredRows
from stores.warehouse.repeats import REPEATS, Repeat, mend_repeats, wrong_repeats
from stores.warehouse.retention import kept_since_ms

COMPARED = tuple(key for key in RECORDINGS if key not in {"metrics", "metrics_dlq"})
"""Topic families that are compared; service metrics are not worth the time."""

PATIENCE_S = 60.0


def reconcile(installation: Installation, tenants: Sequence[str] | None = None, say: Say = silent) -> Reconciliation:
    """Compare a running stack's warehouse with its topics. Raises `SinkBehind`, `TopicsUnreadable`."""
    topics = KafkaTopics(installation.bootstrap, installation.security)
    with closing(topics), closing(installation.warehouse()) as client:
        return compare(client, topics, tenants or installation.tenants, installation.cipher, say=say)


def mend(installation: Installation, result: Reconciliation) -> None:
    """Make the set of repeats what the log says, where `result` found it is not; the figures follow."""
    with closing(installation.warehouse_writer()) as client:
        mend_repeats(client, result.wrong_repeats)


def compare(
    client: Any,
    topics: TopicReader,
    tenants: Sequence[str],
    cipher: ColumnCipher,
    patience_s: float = PATIENCE_S,
    say: Say = silent,
) -> Reconciliation:
    """Compare the warehouse behind `client` (a reader is enough) with `topics`, for `tenants` and the shared topics.

    Whether all that comes after the start is recorded is left for the next time. Memory grows with the records of one
    topic, by about 300 bytes each. Where retention goes on meanwhile, `say` is told, and so are longer waits. Raises
    `SinkBehind` after `patience_s` seconds without progress of the record stage.
    """
    names = {
        TOPICS[key].name(tenant): (key, tenant)
        for key in COMPARED
        for tenant in (tenants if TOPICS[key].per_tenant else (None,))
    }
    bounds = topics.bounds([*names, *(TOPICS["applications_slow"].name(tenant) for tenant in tenants)])
    retained, result = Retained(topics, bounds, say), Reconciliation()

    @cache
    def table(name: str) -> StoredRows:
        return StoredRows(client, cipher, name)

    comparison = Comparison(client, topics, retained, table, result, patience_s, say)
    for name, (key, tenant) in names.items():
        comparison.compare_topic(name, key, tenant)
    for tenant in (*tenants, None):
        comparison.strays(tenant)
    kept = kept_since_ms(client, SLACK_MS)
    since_ms = max((kept[name] for key in ENDS for name in RECORDINGS[key].tables if name in kept), default=0)
    for tenant in tenants:
        of_applications = ended(tenant, topics, retained, table, patience_s, say, since_ms)
        of_rejections = told(topics, tenant, patience_s)
        result.differences += [*of_applications.differences, *of_rejections.differences]
        result.ended_before["applications"] += of_applications.before
        result.rejections += of_rejections.counts
    decisions = {TOPICS["decisions"].name(tenant) for tenant in tenants}
    ends = {place: there.end for place, there in bounds.items() if place[0] in decisions}
    result.decision_records = decision_records(client, tenants, ends=ends)
    result.wrong_repeats = wrong_repeats(client, tenants, ends)
    wrong: dict[Kind, list[Repeat]] = {"lost": result.wrong_repeats.missing, "extra": result.wrong_repeats.surplus}
    result.differences += [Difference(kind, REPEATS, *one) for kind, repeats in wrong.items() for one in repeats]
    return result
