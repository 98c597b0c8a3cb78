"""What an installation decides with already, told where a start asks for something else."""

from collections.abc import Iterable, Sequence

from registry.history import ActivationHistory, InForce, NothingActive
from registry.publish import Published
from schemas.values import rfc3339_of_ms
from stores.artefacts import Named

SHORT = len("sha256:") + 12


def in_force_note(
    history: Sequence[Published], tenants: Iterable[str], wanted: InForce, now_ms: int, named: Named
) -> str | None:
    """One line where a tenant is decided with something else than `wanted`; None where all is as asked."""
    told = ActivationHistory()
    for published in history:
        told.add(published.activation, published.at_ms)
    for tenant in tenants:
        try:
            decides = told.in_force(tenant, now_ms)
        except NothingActive:  # its score stage says so itself
            continue
        if decides != wanted:
            effective = (at for at, one in told.standing(tenant) if at + one.lead_ms <= now_ms)
            since = max(effective, default=now_ms)
            policy, bundle = (named(one) or one[:SHORT] for one in (decides.policy_id, decides.bundle_id))
            return (
                f"{tenant} is decided with policy {policy} and bundle {bundle} "
                f"since {rfc3339_of_ms(since)}; --policy and --bundle are for a state's first activation"
            )
    return None
