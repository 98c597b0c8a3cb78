"""Every topic, one row each. Topic creation, subscriptions, AsyncAPI and the architecture page read this table."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

TENANT_PATTERN = "[a-z][a-z0-9-]{1,30}"
MIB = 1024 * 1024
DAY_MS = 24 * 60 * 60 * 1000

APPLICATION_MAX_BYTES = MIB
"""The largest application record (value and headers) that is accepted; a larger one becomes a dead letter."""

RECORD_MAX_BYTES = 4 * MIB
"""The largest record of any topic and producer of ours: room for what a stage adds to what it was given."""

PARTITIONS = 4
"""Partitions of a new tenant's topics. The number never changes: it would break the order per application."""

LETTERS_MS = 30 * DAY_MS
"""How long dead letters are kept."""

HANDLED_MS = 2 * LETTERS_MS
"""How long it is kept what was done with a dead letter: surely longer than the letter, which goes with the newest of
its segment. Without it, one that was sent back or discarded would seem to wait."""

REJECTIONS_MS = 2 * LETTERS_MS
"""How long banks are told what was rejected: longer than the letters, each of which can be held against it."""


CHECK_TOPIC = "loan.coordinator-check.v1"
"""Holds no record and is in no stage's flow: workers commit tokens to it, to see what their coordinator knows."""

Cleanup = Literal["delete", "compact,delete"]
"""What the broker does with what is old: away with it, or away with all but the newest of a key, and then that too."""

SEGMENTS = 24
"""Into so many parts a compacted topic's retention is cut: only closed segments are compacted, or go when it is over.
With the broker's own week for a segment a day's retention would be eight."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A family of topics: one per tenant (`per_tenant`), or a single one.

    `event` is what its records are, `beside` what else may be among them (`ce_type` tells which).
    `retention_ms` of -1 keeps records for ever. `input` marks business inputs: created last and removed first, stamped
    by the broker (`LogAppendTime`), because `accepted_at` comes from that stamp. `cleanup` is its `cleanup.policy`.
    """

    key: str
    stem: str
    event: str
    does: str
    per_tenant: bool = True
    input: bool = False
    retention_ms: int = 30 * DAY_MS
    partitions: int = PARTITIONS
    beside: tuple[str, ...] = ()
    cleanup: Cleanup = "delete"

    @property
    def events(self) -> tuple[str, ...]:
        """Every event that may be on it."""
        return (self.event, *self.beside)

    def name(self, tenant: str | None = None) -> str:
        """The topic's name for `tenant` (which a topic without tenants does not take)."""
        if not self.per_tenant:
            return self.stem
        if tenant is None or re.fullmatch(TENANT_PATTERN, tenant) is None:
            raise ValueError(f"a tenant's name is {TENANT_PATTERN}")
        return f"{self.stem.removesuffix('.dlq')}.{tenant}.dlq" if self.is_dlq else f"{self.stem}.{tenant}"

    @property
    def is_dlq(self) -> bool:
        """Whether the topic holds dead letters of the topic with the same name less `.dlq`."""
        return self.stem.endswith(".dlq")

    @property
    def pattern(self) -> str:
        """An anchored regular expression for subscriptions; a business topic's never matches its dead letters'."""
        if not self.per_tenant:
            return f"^{re.escape(self.stem)}$"
        tail = r"\.dlq$" if self.is_dlq else "$"
        return f"^{re.escape(self.stem.removesuffix('.dlq'))}\\.{TENANT_PATTERN}{tail}"

    def tenant_of(self, name: str) -> str | None:
        """The tenant in a topic's name, None where the name is not of this family (or the family has no tenants)."""
        if not self.per_tenant or re.match(self.pattern, name) is None:
            return None
        return name.removeprefix(self.stem.removesuffix(".dlq") + ".").removesuffix(".dlq")

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings for the topic."""
        segments = {} if self.cleanup == "delete" else {"segment.ms": str(self.retention_ms // SEGMENTS)}
        return {
            "retention.ms": str(self.retention_ms),
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(RECORD_MAX_BYTES),
            "message.timestamp.type": "LogAppendTime" if self.input else "CreateTime",
            **segments,
        }


def _dead_letters(key: str, stem: str, *, per_tenant: bool = True) -> Topic:
    return Topic(
        f"{key}_dlq",
        f"{stem}.dlq",
        "loan.dead_letter",
        f"records of {stem} that could not be processed, with their reason",
        per_tenant=per_tenant,
        retention_ms=LETTERS_MS,
        partitions=PARTITIONS if per_tenant else 1,
    )


TOPICS: dict[str, Topic] = {
    topic.key: topic
    for topic in (
        # Outputs stand before inputs: a new tenant's topics are created in this order.
        Topic("decisions", "loan.decisions.v1", "loan.decision.made", "decisions, for downstream services"),
        Topic(
            "rejections",
            "loan.rejections.v1",
            "loan.record.rejected",
            "what is wrong with records that a bank sent, without their values, and which of them were taken after all",
            retention_ms=REJECTIONS_MS,
            beside=("loan.rejection.withdrawn",),
        ),
        Topic("verifications", "loan.verifications.v1", "loan.application.verified", "applications with their checks"),
        Topic(
            "applications_slow",
            "loan.applications.slow.v1",
            "loan.application.accepted",
            "applications whose documents need the slow lane",
        ),
        _dead_letters("decisions", "loan.decisions.v1"),
        _dead_letters("verifications", "loan.verifications.v1"),
        _dead_letters("applications_slow", "loan.applications.slow.v1"),
        _dead_letters("outcomes", "loan.outcomes.v1"),
        _dead_letters("applications", "loan.applications.v1"),
        _dead_letters("control", "loan.control.v1", per_tenant=False),
        _dead_letters("metrics", "loan.metrics.v1", per_tenant=False),
        _dead_letters("letters_handled", "loan.letters.handled.v1", per_tenant=False),
        Topic(
            "letters_handled",
            "loan.letters.handled.v1",
            "loan.dead_letter.handled",
            "what operators did with dead letters, of every tenant",
            per_tenant=False,
            retention_ms=HANDLED_MS,
            partitions=1,
        ),
        Topic(
            "metrics",
            "loan.metrics.v1",
            "loan.service.measured",
            "service metrics of the workers",
            per_tenant=False,
            retention_ms=7 * DAY_MS,
            partitions=1,
        ),
        Topic(
            "claims",
            "loan.gateway.claims.v1",
            "loan.gateway.claimed",
            "which Idempotency-Key stands for which application; the gateways write and read it",
            per_tenant=False,
            retention_ms=DAY_MS,
            partitions=1,  # the first claim of a key is the first of the partition
            cleanup="compact,delete",
        ),
        Topic(
            "control",
            "loan.control.v1",
            "loan.activation.published",
            "which bundle and policy decide, from when; one partition, kept for ever",
            per_tenant=False,
            input=True,
            retention_ms=-1,
            partitions=1,
        ),
        Topic(
            "outcomes",
            "loan.outcomes.v1",
            "loan.outcome.recorded",
            "repayments and human decisions, from the banks",
            input=True,
        ),
        Topic(
            "applications",
            "loan.applications.v1",
            "loan.application.submitted",
            "loan applications, from the banks",
            input=True,
        ),
    )
}

ENDS = ("decisions", "applications_dlq", "applications_slow_dlq", "verifications_dlq")
"""Where an application ends: each has exactly one record in one of these, as a read_committed consumer sees it."""

TENANT_TOPICS: tuple[Topic, ...] = tuple(topic for topic in TOPICS.values() if topic.per_tenant)
SHARED_TOPICS: tuple[Topic, ...] = tuple(topic for topic in TOPICS.values() if not topic.per_tenant)


@lru_cache(maxsize=65_536)  # asked for every record, and the patterns are slow to build
def topic_of(name: str) -> tuple[Topic, str | None]:
    """The row a topic's name belongs to, and its tenant.

    >>> topic_of("loan.applications.v1.bank-a")[1]
    'bank-a'
    >>> topic_of("loan.applications.v1.bank-a.dlq")[0].key
    'applications_dlq'
    """
    for topic in TOPICS.values():
        if re.match(topic.pattern, name):
            return topic, topic.tenant_of(name)
    raise LookupError("not a topic of loanstream's")
