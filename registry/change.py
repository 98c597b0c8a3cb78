"""What a control record changes, told before it is published."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.history import ActivationHistory, InForce, Published, Step, history_of
from schemas.values import rfc3339_of_ms
from stores.artefacts import Named

Tenants = Sequence[str | None]
"""Banks; None stands for any that has no activation of its own, such as one that comes later."""

DIGITS = 12
"""Of an artefact's hash, beside its name: two versions of a policy may have the same."""
ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Change:
    """What a control record changes for one bank: from `since_ms` on (0: for every moment) `after` decides and not
    `before`; `coming` are the changes published earlier that follow. None: nothing decides.
    """

    tenant: str | None
    since_ms: int
    before: InForce | None
    after: InForce | None
    coming: tuple[Step, ...] = ()


def concerned(published: Iterable[Published], tenant: str | None, served: Iterable[str]) -> Tenants:
    """Whom an activation for `tenant` concerns; for all (None): those served, those with a history, any other."""
    if tenant is not None:
        return (tenant,)
    own = {one.activation.tenant for one in published if one.activation.tenant is not None}
    return (*served, *sorted(own.difference(served)), None)


def concerning(published: Iterable[Published], tenant: str | None) -> list[Published]:
    """What may change what an activation for `tenant` does: other banks' own activations do not, withdrawals may."""
    return [
        one
        for one in published
        if tenant is None or one.activation.tenant in (None, tenant) or one.activation.withdraws is not None
    ]


def changes(published: Sequence[Published], draft: Published, tenants: Tenants) -> list[Change]:
    """What `draft`, put behind what is published, changes for `tenants`. Empty: all is as it says, and stays so."""
    before, after = history_of(published), history_of([*published, draft])
    told = [_change(before, after, draft, tenant) for tenant in tenants]
    return [change for change in told if change is not None]


def _change(before: ActivationHistory, after: ActivationHistory, draft: Published, tenant: str | None) -> Change | None:
    old, new = before.steps(tenant), after.steps(tenant)
    if new and old == new:
        return None
    counts = {one.activation_id: since for since, one in after.effective(tenant)}
    activation = draft.activation
    since = counts.get(activation.activation_id, draft.at_ms + activation.lead_ms)
    return Change(tenant, since, decides(old, since), decides(new, since), tuple(s for s in new if s.since_ms > since))


def decides(steps: Iterable[Step], at_ms: int) -> InForce | None:
    """What decides at a moment; None where nothing ever does.

    >>> decides([Step(0, InForce("b", "p")), Step(20, InForce("b", "q"))], 19).policy_id
    'p'
    """
    return next((step.in_force for step in reversed(tuple(steps)) if step.since_ms <= at_ms), None)


def moment(since_ms: int) -> str:
    """A step's moment as people read it.

    >>> moment(0), moment(1_700_000_000_123)
    ('always', '2023-11-14T22:13:20.123Z')
    """
    return rfc3339_of_ms(since_ms) if since_ms else ALWAYS


def told(in_force: InForce | None, named: Named) -> str:
    """A pair by its names.

    >>> told(InForce("sha256:" + "0" * 64, "sha256:" + "1" * 64), {"sha256:" + "1" * 64: "standard"}.get)
    'policy standard (111111111111) and bundle 000000000000'
    """
    if in_force is None:
        return "nothing"
    return f"policy {name_of(in_force.policy_id, named)} and bundle {name_of(in_force.bundle_id, named)}"


def name_of(artefact_id: str, named: Named) -> str:
    """An artefact's name with the first digits of its hash; these alone where its name is not known here."""
    digits = artefact_id.removeprefix("sha256:")[:DIGITS]
    name = named(artefact_id)
    return digits if name is None else f"{name} ({digits})"


def whom(tenant: str | None) -> str:
    """A bank's name; None stands for any that has no activation of its own."""
    return tenant or "any other bank"
