"""What a rollback takes back: a bank's activations as a stack, whose top decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.change import Tenants, moment, told, whom
from registry.history import ActivationHistory, InForce, Published, history_of
from schemas.operations import Activation
from schemas.problem import Problem
from stores.artefacts import Named


@dataclass(frozen=True, slots=True)
class Standing:
    """An activation that changed what decides for a bank, from `since_ms` on (0: from the first moment)."""

    activation_id: str
    since_ms: int
    in_force: InForce


@dataclass(frozen=True, slots=True)
class Rollback:
    """The activation that is taken back, and what is activated instead (None: as it is)."""

    activation_id: str
    bundle_id: str | None
    policy_id: str | None


def stack_of(effective: Iterable[tuple[int, Activation]]) -> list[Standing]:
    """Activations in the order they take effect, as what they leave: the last decides, below it is what was in force
    before it.

    One that changes what decides is put on top. A rollback takes away the one that it names, and what was put on that;
    where what it activates is not what lies below then, it stands there itself. One that was replaced in its own moment
    never decided, and is not in the stack.
    """
    stack = list[Standing]()
    bundle_id = policy_id = None
    for since_ms, one in effective:
        bundle_id, policy_id = one.bundle_id or bundle_id, one.policy_id or policy_id
        if bundle_id is None or policy_id is None:
            continue
        ids = [standing.activation_id for standing in stack]
        if one.rolls_back in ids:
            stack = stack[: ids.index(one.rolls_back)]
        elif stack and stack[-1].since_ms == since_ms:
            stack.pop()
        if not stack or stack[-1].in_force != (bundle_id, policy_id):
            stack.append(Standing(one.activation_id, since_ms, InForce(bundle_id, policy_id)))
    return stack


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


def _rollback(history: ActivationHistory, tenant: str | None, effect_ms: int, named: Named) -> Rollback:
    effective = history.effective(tenant)
    if not effective:
        raise Problem(f"no activation is in force for {whom(tenant)}: there is nothing to go back from")
    stack = stack_of(effective)
    last_ms, top = effective[-1][0], stack[-1]
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
    return Rollback(top.activation_id, bundle_id, policy_id)
