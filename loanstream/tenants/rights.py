"""A bank's share of the table of access: what is granted for it, and what cuts it off.

Of a bank that leaves the table keeps what our own processes need to finish what it sent. All else goes at once: what
its clients have, and what we may do in its name.
"""

from collections.abc import Iterable, Mapping

from loanstream.install.grants import Held
from loanstream.installation import Installation
from schemas.access import BANKS_KINDS, Grant, access, principal_of, reaches_ours, tenant_in


def wanted(installation: Installation, tenant: str) -> list[Held]:
    """Every right that has to do with this bank, in the order in which it is granted: who may read comes last."""
    return _about(installation, tenant, access((tenant,)))


def lacking(found: Iterable[Held], installation: Installation, tenant: str) -> list[Held]:
    """What is to be granted yet."""
    have = set(found)
    return [held for held in wanted(installation, tenant) if held not in have]


def open_doors(found: Iterable[Held], installation: Installation, tenant: str) -> list[Held]:
    """What of `found` is taken away from a bank that leaves.

    Whatever lets its clients at anything of ours, wherever it came from; and ours that the table has for it no more.
    """
    names, table = principals(installation, tenant), access((tenant,))
    ours = set(wanted(installation, tenant)) - set(_about(installation, tenant, access((), (tenant,))))
    return [held for held in found if held in ours or (held.principal in names and reaches_ours(held.grant, table))]


def finishing(found: Iterable[Held], installation: Installation, tenant: str) -> list[Held]:
    """What of `found` our processes need as long as the bank's topics are there."""
    ours = set(_about(installation, tenant, access((), (tenant,))))
    return [held for held in found if held in ours]


def principals(installation: Installation, tenant: str) -> set[str]:
    """Who the bank's clients are at the broker, by their names of now and by the table's own.

    The table's own name may be another's by now: then it is his.
    """
    kinds = [f"{kind}:{tenant}" for kind in BANKS_KINDS]
    others = {name for kind, name in installation.settings.kafka_principals.items() if kind not in kinds}
    others |= {installation.principal(kind) for kind in access(())}
    return {installation.principal(kind) for kind in kinds} | (
        {f"User:{principal_of(kind)}" for kind in kinds} - others
    )


def _about(installation: Installation, tenant: str, table: Mapping[str, tuple[Grant, ...]]) -> list[Held]:
    found = [
        Held(installation.principal(kind), grant)
        for kind, grants in table.items()
        for grant in grants
        if tenant_in(grant) == tenant
    ]
    return sorted(dict.fromkeys(found), key=lambda held: held.grant.operation == "READ")
