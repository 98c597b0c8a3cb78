"""Who may do what at the broker: one table, from which the ACLs and the page of access are made.

What a stage may do follows from its row in `schemas.stages`, what a bank may do from who sends each event
(`schemas.events`). Whoever has no row may do nothing. A grant for names that begin with something ends in a separator,
so that it is never a grant for a neighbour: `bank-a.` says nothing of `bank-ab`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from schemas.events import EVENTS
from schemas.stages import STAGES, Stage
from schemas.topics import CHECK_TOPIC, SHARED_TOPICS, TENANT_TOPICS, TOPICS, Topic

Resource = Literal["topic", "group", "transactional id", "cluster"]
Operation = Literal["READ", "WRITE", "CREATE", "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS"]
"""READ and WRITE hold DESCRIBE."""

CONTROL_READERS = "control-readers"
"""The group that is named, and never committed to, by whoever consults the control topic."""
GATEWAY_READERS = "gateway-readers"
"""The group that gateways name and never join: each reads all of it."""
LETTER_KEEPERS = "dlq-redrive"
"""Group and transactional id of whoever handles dead letters."""
PROVISION = "loanstream-provision"
"""The transactional id of whoever makes topics ready."""
CLUSTER = "kafka-cluster"
"""The broker's own name for itself as a resource."""
EVERY_NAME = "*"
"""What a grant names that is for every topic, or group, or transactional id."""
TOPICS_BEGIN = "loan."
"""How every topic of ours begins."""

BANKS_KINDS = ("producer", "consumer")
"""What a bank has one of each of: its kinds are `producer:TENANT` and `consumer:TENANT`."""
ADMIN = "admin"
ADMIN_NAME = "platform-admin"
GATEWAY = "gateway"


_NAMES = {ADMIN: ADMIN_NAME, GATEWAY: GATEWAY}
"""What the kinds of which there is one are called."""


class Grant(NamedTuple):
    """One thing that a principal may do; with `prefixed` for every name that begins with `name`."""

    resource: Resource
    name: str
    operation: Operation
    prefixed: bool = False


def stage_kind(stage: str) -> str:
    """A stage's kind: what the table calls whoever works for it."""
    return f"stage:{stage}"


def stage_principal(stage: str) -> str:
    """The name that a stage's workers have at a broker where nobody gave them another."""
    return f"stage-{stage}"


def principal_of(kind: str) -> str:
    """The name that a kind has at a broker where nobody gave it another; for a bank also its OAuth client's id.

    >>> [principal_of(kind) for kind in ("admin", "stage:verify-slow", "producer:bank-a")]
    ['platform-admin', 'stage-verify-slow', 'bank-a-producer']
    """
    if kind in _NAMES:
        return _NAMES[kind]
    role, _, whose = kind.partition(":")
    return stage_principal(whose) if role == "stage" else f"{whose}-{role}"


def access(tenants: Iterable[str], leaving: Iterable[str] = ()) -> dict[str, tuple[Grant, ...]]:
    """The table: what each kind may do, for the banks served.

    Banks that are `leaving` have topics and no rights: the stages finish what they sent.
    """
    served = tuple(tenants)
    worked_for = tuple(dict.fromkeys((*served, *leaving)))
    return {
        **{f"producer:{tenant}": tuple(_producer(tenant)) for tenant in served},
        **{f"consumer:{tenant}": tuple(_consumer(tenant)) for tenant in served},
        **{stage_kind(stage.name): tuple(dict.fromkeys(_stage(stage, worked_for))) for stage in STAGES.values()},
        GATEWAY: tuple(_gateway(served)),
        ADMIN: tuple(_operator()),
    }


def tenant_in(grant: Grant) -> str | None:
    """The bank that a grant is about; None for one about something of everybody's, or of nobody's of ours."""
    if grant.resource == "topic" and not grant.prefixed:
        return next((tenant for topic in TENANT_TOPICS if (tenant := topic.tenant_of(grant.name))), None)
    if grant.prefixed and grant.resource in ("group", "transactional id"):
        tenant = grant.name.removesuffix(SEPARATOR)
        return TOPICS["applications"].tenant_of(TOPICS["applications"].stem + SEPARATOR + tenant)
    return None


SEPARATOR = "."


def _producer(tenant: str) -> Iterator[Grant]:
    """What a bank sends, and nothing else: not even its own decisions."""
    for topic in _business("read"):
        yield Grant("topic", topic.name(tenant), "WRITE")
    yield Grant("transactional id", tenant + SEPARATOR, "WRITE", prefixed=True)


def _consumer(tenant: str) -> Iterator[Grant]:
    """What is written for a bank, and the outcomes it reported."""
    for topic in (*_business("written"), TOPICS["outcomes"]):
        yield Grant("topic", topic.name(tenant), "READ")
    yield Grant("group", tenant + SEPARATOR, "READ", prefixed=True)


def _gateway(tenants: tuple[str, ...]) -> Iterator[Grant]:
    """What it sends for banks, and what it tells them; it tells nobody what it has not read in the token's bank."""
    for tenant in tenants:
        yield from (Grant("topic", topic.name(tenant), "WRITE") for topic in _business("read"))
        yield from (Grant("topic", topic.name(tenant), "READ") for topic in _business("written"))
    both: tuple[Operation, ...] = ("READ", "WRITE")
    for operation in both:
        yield Grant("topic", TOPICS["claims"].name(), operation)
    yield Grant("topic", TOPICS["control"].name(), "READ")
    yield Grant("topic", TOPICS["metrics"].name(), "WRITE")
    for group in (GATEWAY_READERS, CONTROL_READERS):
        yield Grant("group", group, "DESCRIBE")


def _business(side: str) -> list[Topic]:
    return [topic for topic in TENANT_TOPICS if not topic.is_dlq and EVENTS[topic.event].side == side]


def _stage(stage: Stage, tenants: tuple[str, ...]) -> Iterator[Grant]:
    needs: tuple[tuple[tuple[str, ...], Operation], ...] = (
        (stage.reads, "READ"),
        (stage.consults, "READ"),
        (stage.writes, "WRITE"),
    )
    for keys, operation in needs:
        for topic in (TOPICS[key] for key in keys):
            names = [topic.name(tenant) for tenant in tenants] if topic.per_tenant else [topic.name()]
            yield from (Grant("topic", name, operation) for name in names)
    yield Grant("topic", CHECK_TOPIC, "READ")
    yield Grant("group", stage.group, "READ")
    if stage.consults:
        yield Grant("group", CONTROL_READERS, "DESCRIBE")
    for begin in slot_names_begin(stage):
        yield Grant("transactional id", begin, "WRITE", prefixed=True)


def slot_names_begin(stage: Stage) -> tuple[str, ...]:
    """How the names of a stage's slots (`<group>-<slot>`) begin, and no other stage's do.

    >>> slot_names_begin(STAGES["score"]), slot_names_begin(STAGES["verify"])[:2]
    (('score-',), ('verify-0', 'verify-1'))
    """
    begin = f"{stage.group}-"
    if any(other.group.startswith(begin) for other in STAGES.values()):
        return tuple(f"{begin}{digit}" for digit in range(10))  # a slot's number, or another stage's name, may follow
    return (begin,)


def _operator() -> Iterator[Grant]:
    """What `install` and the operator's commands do; at the embedded broker he may do everything."""
    kinds: tuple[Operation, ...] = ("CREATE", "READ", "WRITE", "DESCRIBE_CONFIGS")
    for operation in kinds:
        yield Grant("topic", TOPICS_BEGIN, operation, prefixed=True)
    groups = (*(stage.group for stage in STAGES.values()), CONTROL_READERS, LETTER_KEEPERS)
    for group in groups:
        yield Grant("group", group, "READ")
    for name in (PROVISION, LETTER_KEEPERS):
        yield Grant("transactional id", name, "WRITE")
    yield Grant("cluster", CLUSTER, "DESCRIBE")
    yield Grant("cluster", CLUSTER, "ALTER")


def reaches_ours(grant: Grant, table: Mapping[str, tuple[Grant, ...]]) -> bool:
    """Whether a grant lets anybody at something of ours, if only because it is for more names than one.

    >>> reaches_ours(Grant("topic", "loan.applications.v1.", "WRITE", prefixed=True), access(["bank-a"]))
    True
    >>> reaches_ours(Grant("topic", "payments.", "WRITE", prefixed=True), access(["bank-a"]))
    False
    """
    if grant.resource == "cluster" or grant.name == EVERY_NAME or is_ours(grant, table):
        return True
    if grant.resource == "topic":
        return grant.prefixed and _meet(grant, Grant("topic", TOPICS_BEGIN, "READ", prefixed=True))
    same = (other for grants in table.values() for other in grants if other.resource == grant.resource)
    return any(_meet(grant, other) for other in same)


def _meet(one: Grant, other: Grant) -> bool:
    """Whether there is a name that both are for."""
    return (
        one.name == other.name
        or (one.prefixed and other.name.startswith(one.name))
        or (other.prefixed and one.name.startswith(other.name))
    )


def holds(wide: Grant, grant: Grant) -> bool:
    """Whether whoever has `wide` may do what `grant` allows."""
    same = wide.name == grant.name and (wide.prefixed or not grant.prefixed)
    named = same or (wide.prefixed and grant.name.startswith(wide.name))
    told = grant.operation == wide.operation or (grant.operation == "DESCRIBE" and wide.operation in ("READ", "WRITE"))
    return wide.resource == grant.resource and named and told


def is_ours(grant: Grant, table: Mapping[str, tuple[Grant, ...]]) -> bool:
    """Whether a grant is about something of ours: a broker may have other topics and groups, and is itself nobody's."""
    if grant.resource == "cluster":
        return False
    if grant.resource == "topic":
        shared = {CHECK_TOPIC, TOPICS_BEGIN, *(topic.name() for topic in SHARED_TOPICS)}
        return grant.name in shared or tenant_in(grant) is not None
    named = {(other.resource, other.name) for grants in table.values() for other in grants}
    return (grant.resource, grant.name) in named or tenant_in(grant) is not None
