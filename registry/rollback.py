"""What a rollback takes back: the top of a bank's stack of activations, for what is below it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from registry.change import Tenants, moment, told, whom
from registry.history import ActivationHistory, Published, Standing, history_of
from schemas.problem import Problem
from stores.artefacts import Named


@dataclass(frozen=True, slots=True)
class Rollback:
    """The activation that is taken back, and what is activated instead (None: as it is).

    `put_by` is the record that put it on top: itself, or the rollback that brought it back.
    """

    activation_id: str
    bundle_id: str | None
    policy_id: str | None
    put_by: str = field(compare=False)


def rollback(published: Iterable[Published], tenants: Tenants, effect_ms: int, named: Named) -> Rollback:
    """What a rollback that takes effect at `effect_ms` takes back for `tenants`, and what it activates: what was in
    force before that. Two rollbacks go back two steps.

    Problem where that is not one thing for all of them, where nothing decided before, and where another activation
    comes later.
    """
    history = history_of(published)
    found = {tenant: _rollback(history, tenant, effect_ms, named) for tenant in tenants}
    if len(set(found.values())) > 1:
        each = "; ".join(f"for {whom(tenant)} {one.activation_id}" for tenant, one in found.items())
        raise Problem(f"what would be taken back is not the same for all ({each}): one bank at a time, --tenant")
    return next(iter(found.values()))


def void_for(published: Iterable[Published], activation_id: str, tenants: Tenants) -> list[str | None]:
    """Those of `tenants` for whom this rollback changes nothing: what it names was not what decided at its moment."""
    history = history_of(published)
    return [tenant for tenant in tenants if activation_id in history.void(tenant)]


def _rollback(history: ActivationHistory, tenant: str | None, effect_ms: int, named: Named) -> Rollback:
    stack = history.stands(tenant)
    if not stack:
        raise Problem(f"no activation is in force for {whom(tenant)}: there is nothing to go back from")
    last_ms, top = history.effective(tenant)[-1][0], stack[-1]
    if last_ms > effect_ms:
        raise Problem(
            f"{told(top.in_force, named)} will decide for {whom(tenant)} from {moment(last_ms)} on, and would overtake "
            "a rollback: activate what is to decide after that, with a --lead that ends later"
        )
    if len(stack) == 1:
        raise Problem(
            f"{told(top.in_force, named)} is the first that decides for {whom(tenant)}: nothing was there before it"
        )
    return _step(stack)


def _step(stack: Sequence[Standing]) -> Rollback:
    below, top = stack[-2:]
    bundle_id, policy_id = (
        before if before != now else None for before, now in zip(below.in_force, top.in_force, strict=True)
    )
    return Rollback(top.activation_id, bundle_id, policy_id, top.by)
