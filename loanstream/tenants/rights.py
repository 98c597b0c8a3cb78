"""A bank's share of the table of access: what is granted for it, and what cuts it off.

Its own rights and the stages' on its topics are told apart: its own go at once when it is removed, the stages keep
theirs as long as its topics are there, and finish what it sent.
"""

from collections.abc import Iterable, Iterator

from loanstream.install.grants import Held
from loanstream.installation import Installation
from schemas.access import ADMIN, BANKS_KINDS, access, principal_of, reaches_ours, tenant_in
from schemas.stages import STAGES


def wanted(installation: Installation, tenant: str) -> list[Held]:
    """Every right that has to do with this bank, in the order in which it is granted: who may read comes last."""
    table = access((tenant,))
    found = [
        Held(installation.principal(kind), grant)
        for kind, grants in table.items()
        if kind != ADMIN
        for grant in grants
        if tenant_in(grant) == tenant
    ]
    return sorted(dict.fromkeys(found), key=lambda held: held.grant.operation == "READ")


def lacking(found: Iterable[Held], installation: Installation, tenant: str) -> list[Held]:
    """What is to be granted yet."""
    have = set(found)
    return [held for held in wanted(installation, tenant) if held not in have]


def banks_own(found: Iterable[Held], installation: Installation, tenant: str) -> list[Held]:
    """What of `found` lets the bank's clients at anything of ours, wherever it came from."""
    names, table = principals(installation, tenant), access((tenant,))
    return [held for held in found if held.principal in names and reaches_ours(held.grant, table)]


def stages(found: Iterable[Held], installation: Installation, tenant: str) -> list[Held]:
    """What of `found` lets our own processes at the bank's topics."""
    ours = set(wanted(installation, tenant)) - set(banks_own(found, installation, tenant))
    return [held for held in found if held in ours]


def principals(installation: Installation, tenant: str) -> set[str]:
    """Who the bank's clients are at the broker, by their names of now and by the table's own.

    The table's own name may be another's by now: then it is his.
    """
    kinds = [f"{kind}:{tenant}" for kind in BANKS_KINDS]
    now = {installation.principal(kind) for kind in kinds}
    return now | ({f"User:{principal_of(kind)}" for kind in kinds} - set(_others(installation, tenant)))


def _others(installation: Installation, tenant: str) -> Iterator[str]:
    named = installation.settings.kafka_principals
    yield from (name for kind, name in named.items() if kind.partition(":")[2] != tenant)
    yield from (installation.principal(kind) for kind in (ADMIN, *(f"stage:{stage}" for stage in STAGES)))
