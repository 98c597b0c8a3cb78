"""Makes the broker's ACLs what the table of access says: adds what lacks, takes away of ours what is not in it.

Ours are grants to principals that the table names, by their names of now or by the table's own, wherever they reach one
of our topics, groups or transactional ids; a bank that is no longer served has its own. What others were granted there
is told and left alone, as is every denial. A broker without an authorizer has no
ACLs: there everybody may do everything.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from loanstream.install.topics import QUIET, REQUEST_S, unserved
from loanstream.installation import Installation
from schemas.access import ADMIN, TOPICS_BEGIN, Grant, access, holds, is_ours, principal_of, reaches_ours, tenant_in
from schemas.problem import Problem

ANY_HOST = "*"
_RESOURCES: Mapping[str, ResourceType] = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional id": ResourceType.TRANSACTIONAL_ID,
    "cluster": ResourceType.BROKER,
}
_NAMES: Mapping[ResourceType, Any] = {kind: name for name, kind in _RESOURCES.items()}


class NotAllowed(Problem):
    """The operator may not see or make ACLs."""


class Held(NamedTuple):
    """A grant and who has it: `User:NAME`."""

    principal: str
    grant: Grant

    def __str__(self) -> str:
        resource, name, operation, prefixed = self.grant
        return f"{self.principal} {operation} {resource} {name}{'…' if prefixed else ''}"


class Change(NamedTuple):
    """What is to be granted, what is to be taken away, and what others were granted on ours, each in order."""

    lacking: tuple[Held, ...]
    stale: tuple[Held, ...]
    others: tuple[Held, ...] = ()

    @property
    def lines(self) -> list[str]:
        """A line for each."""
        return [*(f"grant {held}" for held in self.lacking), *(f"take away {held}" for held in self.stale)]

    @property
    def told(self) -> list[str]:
        """A line for each right of somebody whom the table does not name. Nothing is done about it."""
        return [f"not of the table: {held}" for held in self.others]


NONE = Change((), ())


def change(installation: Installation) -> Change:
    """What `make` would do. `NotAllowed`; KafkaException."""
    found = there(installation)
    if found is None:
        return NONE
    return difference(found, installation, unserved({**installation.admin_settings, **QUIET}, installation.tenants))


def is_guarded(installation: Installation) -> bool:
    """Whether the broker has an authorizer. `NotAllowed`; KafkaException."""
    return there(installation) is not None


def difference(found: Iterable[Held], installation: Installation, leaving: Iterable[str]) -> Change:
    """What lacks of the table in `found`, and what of ours there is too much; banks that are `leaving` have topics."""
    names = installation.principal
    table = access(installation.tenants, leaving)
    wanted = [Held(names(kind), grant) for kind, grants in table.items() for grant in grants]
    have = set(found)

    operator = names(ADMIN)

    def is_more(held: Held) -> bool:
        """Whether it is about something of ours and not in the table. What else the operator may do is his own."""
        if any(other.principal == held.principal and holds(other.grant, held.grant) for other in wanted):
            return False
        return (is_ours if held.principal == operator else reaches_ours)(held.grant, table)

    def is_named(held: Held) -> bool:
        """Whether the table names whoever has it, by the name settings give him or by the table's own."""
        tenant = tenant_in(held.grant)
        gone = (f"producer:{tenant}", f"consumer:{tenant}") if tenant else ()
        kinds = (*table, *gone)
        return held.principal in {*map(names, kinds), *(f"User:{principal_of(kind)}" for kind in kinds)}

    lacking = tuple(held for held in dict.fromkeys(wanted) if held not in have)
    more = sorted(held for held in have if is_more(held))
    named = tuple(held for held in more if is_named(held))
    return Change(
        lacking, named, tuple(held for held in more if held not in named and held.grant.resource != "cluster")
    )


def make(installation: Installation) -> Change:
    """Grant what lacks, then take away what is stale; what was done. `NotAllowed`; KafkaException."""
    done = change(installation)
    grant(installation, done.lacking)
    take_away(installation, done.stale)
    return done


def there(installation: Installation) -> list[Held] | None:
    """Every grant at the broker, whoever has it; None at one without an authorizer. `NotAllowed`; KafkaException."""
    with AdminClient({**installation.admin_settings, **QUIET}) as admin:
        return _held(admin)


def grant(installation: Installation, lacking: Iterable[Held]) -> None:
    """Grant these. `NotAllowed`; KafkaException."""
    bindings = [binding(held) for held in lacking]
    if bindings:
        with AdminClient({**installation.admin_settings, **QUIET}) as admin:
            for future in admin.create_acls(bindings).values():
                _allowed(future)


def take_away(installation: Installation, stale: Iterable[Held]) -> None:
    """Take these away: from that moment whoever had them is refused, on open connections too. As `grant`."""
    filters = [_filter(held) for held in stale]
    if filters:
        with AdminClient({**installation.admin_settings, **QUIET}) as admin:
            for future in admin.delete_acls(filters).values():
                _allowed(future)


def _held(admin: AdminClient) -> list[Held] | None:
    """Every grant there is, to any host; None at a broker without an authorizer."""
    if not _is_kept(admin):
        return None
    anything: Any = None  # which the client's types do not know
    everything = AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        anything,
        anything,
        AclOperation.ANY,
        AclPermissionType.ALLOW,
    )
    bindings = _allowed(admin.describe_acls(everything))
    return [_read(found) for found in bindings if found.host == ANY_HOST and found.restype in _NAMES]


_NOBODYS = AclBindingFilter(
    ResourceType.TOPIC,
    TOPICS_BEGIN,
    ResourcePatternType.LITERAL,
    "User:nobody",
    ANY_HOST,
    AclOperation.READ,
    AclPermissionType.ALLOW,
)


def _is_kept(admin: AdminClient) -> bool:
    """Whether the broker has an authorizer. Asked by taking away what nobody has: of a description that is refused the
    client hands over an empty list, and no error.
    """
    try:
        _allowed(admin.delete_acls([_NOBODYS])[_NOBODYS])
    except KafkaException as error:
        if error.args[0].code() == KafkaError.SECURITY_DISABLED:
            return False
        raise
    return True


def _allowed(future: Any) -> Any:
    try:
        return future.result(REQUEST_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.CLUSTER_AUTHORIZATION_FAILED:
            raise
    # The broker's own words are a dump of its request.
    raise NotAllowed(
        "the broker does not let the operator see and make ACLs: let him ALTER and DESCRIBE the cluster, or keep them "
        "yourself (`loanstream install --leave-grants`; docs/reference/access.md has what is needed)"
    )


def _read(found: Any) -> Held:
    prefixed = found.resource_pattern_type == ResourcePatternType.PREFIXED
    return Held(found.principal, Grant(_NAMES[found.restype], found.name, found.operation.name, prefixed))


def binding(held: Held) -> AclBinding:
    """It as the broker takes it."""
    return AclBinding(*_parts(held))


def _filter(held: Held) -> AclBindingFilter:
    return AclBindingFilter(*_parts(held))


def _parts(held: Held) -> tuple[Any, ...]:
    grant = held.grant
    pattern = ResourcePatternType.PREFIXED if grant.prefixed else ResourcePatternType.LITERAL
    operation = AclOperation[grant.operation]
    kind = _RESOURCES[grant.resource]
    return kind, grant.name, pattern, held.principal, ANY_HOST, operation, AclPermissionType.ALLOW
