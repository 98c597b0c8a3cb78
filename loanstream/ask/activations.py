"""Which bundle and policy decide, since when, and who said so: what the control topic tells, as plain data."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from loanstream.installation import Installation
from loanstream.sight import need_sight
from registry.change import Change, concerned, moment, whom
from registry.history import ActivationHistory, InForce, NothingActive, Published, Standing, history_of
from registry.kinds import KINDS
from registry.publish import activations
from schemas.operations import Activation
from schemas.problem import Problem
from schemas.topics import TOPICS
from schemas.values import rfc3339_of_ms
from stores.artefacts import Named, artefact_name


@dataclass(frozen=True, slots=True)
class Known:
    """The control topic as it stood at one moment, the banks served, and the names of artefacts.

    `now_ms` is this machine's clock, or the newest record's stamp where that is later.
    """

    published: Sequence[Published]
    served: tuple[str, ...]
    named: Named
    now_ms: int

    @property
    def history(self) -> ActivationHistory:
        """As every worker makes it."""
        return history_of(self.published)

    def banks(self, asked: str | None) -> tuple[str, ...]:
        """`asked`, or all that are served. Problem for one that is not served and has no activation either."""
        if asked is None:
            return self.served
        if asked not in self.served and all(one.activation.tenant != asked for one in self.published):
            raise Problem(f"no tenant {asked} here; there are {', '.join(self.served)}")
        return (asked,)


def known(here: Installation) -> Known:
    """What the installation's control topic says now. Problem where nothing was ever activated.

    Where no setting names the artefact store, artefacts are told by their ids.
    """
    served = here.tenants
    named: Named = artefact_name(here.artefacts) if here.settings.artefacts_url is not None else lambda _: None
    need_sight(here)
    published = activations(here.bootstrap, here.security)
    if not published:
        raise Problem(
            f"no activation on {TOPICS['control'].name()} yet: loanstream install (or up) publishes the first"
        )
    now_ms = max(time.time_ns() // 1_000_000, published[-1].at_ms)
    return Known(published, served, named, now_ms)


def decided(found: Known, tenants: Sequence[str], at_ms: int) -> list[dict[str, Any]]:
    """For each bank what decides on an application accepted at `at_ms`, by the function that workers ask; and of each
    part by which activation. Empty values where nothing decides.

    `before_withdrawals` is what decided until an activation was withdrawn, where that was something else: decisions
    made in that time keep it in their receipts. `activation_id` is what a rollback at that moment takes back.
    """
    history = found.history
    rows = []
    for tenant in tenants:
        now, then = _in_force(history, tenant, at_ms), history.before_withdrawals(tenant, at_ms)
        stack = history.stands(tenant, at_ms)
        row: dict[str, Any] = {"tenant": tenant, **pair(now, found.named)}
        row["activation_id"] = stack[-1].activation_id if stack else None
        for kind in KINDS:
            row |= {f"{kind}_{name}": value for name, value in _by(history, tenant, at_ms, kind).items()}
        rows.append(row | {"before_withdrawals": None if then == now else pair(then, found.named)})
    return rows


def _in_force(history: ActivationHistory, tenant: str, at_ms: int) -> InForce | None:
    try:
        return history.in_force(tenant, at_ms)
    except NothingActive:
        return None


def _by(history: ActivationHistory, tenant: str | None, at_ms: int, kind: str) -> dict[str, str | None]:
    """The activation that a bank's bundle or policy comes from: the last that changed it."""
    by: dict[str, str | None] = dict.fromkeys(("since", *_SAID))
    named = [(since, one) for since, one in history.effective(tenant) if since <= at_ms and KINDS[kind].named_by(one)]
    before = None
    for since, together in groupby(named, key=itemgetter(0)):
        *_, (_, one) = together  # of two at one moment the later wins
        if KINDS[kind].named_by(one) != before:
            before = KINDS[kind].named_by(one)
            by = {"since": moment(since), **{name: getattr(one, name) for name in _SAID}}
    return by


def _deciding(history: ActivationHistory, tenant: str | None, now_ms: int) -> Iterator[str | None]:
    """The activations that a bank's bundle and policy come from: those on the stack, and rollbacks back to them."""
    stack = history.stands(tenant, now_ms)
    for kind in KINDS:
        yield _by(history, tenant, now_ms, kind)["activation_id"]
        yield _stands_for(stack, kind)


def _stands_for(stack: Sequence[Standing], kind: str) -> str | None:
    """The lowest from which on all on the stack have the bundle or policy that decides."""
    found = None
    for one in reversed(stack):
        if KINDS[kind].named_by(one.in_force) != KINDS[kind].named_by(stack[-1].in_force):
            break
        found = one.activation_id
    return found


_SAID = ("actor", "reason", "activation_id", "rolls_back")
"""What is told of the activation that a bundle or policy comes from."""


def told_activations(found: Known, tenant: str | None) -> list[dict[str, Any]]:
    """The activations and withdrawals in the order of the control topic; of one bank: its own, and those for all.

    `in_force_from` is the moment for the bank that it names, or for one without activations of its own, or else for
    the first for which it counts; None for what never takes effect. `state` is one of STATES; `void_for` are the banks
    for which a rollback is void.
    """
    history = found.history
    views = concerned(found.published, tenant, found.served)
    moments = {view: {one.activation_id: since for since, one in history.effective(view)} for view in views}
    idle = {view: history.stack(view).idle for view in views}
    void = {view: history.void(view) for view in views}
    deciding = {one for view in views for one in _deciding(history, view, found.now_ms)}
    withdrawals = {one.activation.withdraws: one.activation.activation_id for one in found.published}
    rollbacks = {
        one.rolls_back: one.activation_id
        for view in views
        for since, one in history.effective(view)
        if one.rolls_back is not None and since <= found.now_ms
    }
    rows = []
    for one in found.published:
        activation = one.activation
        if tenant is None or activation.tenant in (None, tenant):
            mine = activation.activation_id
            own = [view for view in (tenant or activation.tenant, *views) if activation.tenant in (None, view)]
            fate = _Fate(
                activation,
                next((moments[view][mine] for view in own if mine in moments[view]), None),
                withdrawals.get(mine),
                rollbacks.get(mine),
                [view for view in views if mine in void[view]],
                idle=all(mine in idle[view] for view in own),
                deciding=mine in deciding,
                now_ms=found.now_ms,
            )
            rows.append(_row(one, fate, found.named))
    return rows


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of an activation, as far as is known now."""

    activation: Activation
    since_ms: int | None
    withdrawn_by: str | None
    rolled_back_by: str | None
    void_for: Sequence[str | None]
    idle: bool
    deciding: bool
    now_ms: int


STATES: Mapping[str, Callable[[_Fate], bool]] = {
    "withdrawal": lambda fate: fate.activation.withdraws is not None,
    "withdrawn": lambda fate: fate.withdrawn_by is not None,
    "void": lambda fate: fate.since_ms is None and bool(fate.void_for),
    "not enough": lambda fate: fate.since_ms is None,  # a bundle without a policy, or the other way round
    "coming": lambda fate: fate.since_ms is not None and fate.since_ms > fate.now_ms,
    "in force": lambda fate: fate.deciding,
    "rolled back": lambda fate: fate.rolled_back_by is not None,
    "repeat": lambda fate: fate.idle,
    "replaced": lambda _: True,
}
"""The state of an activation is the first whose question is answered with yes."""


def _row(one: Published, fate: _Fate, named: Named) -> dict[str, Any]:
    activation = one.activation
    return {
        "activation_id": activation.activation_id,
        "tenant": activation.tenant,
        **_parts(activation, named),
        "published_at": rfc3339_of_ms(one.at_ms),
        "in_force_from": None if fate.since_ms is None else moment(fate.since_ms),
        "state": next(state for state, holds in STATES.items() if holds(fate)),
        "actor": activation.actor,
        "reason": activation.reason,
        "withdraws": activation.withdraws,
        "withdrawn_by": fate.withdrawn_by,
        "rolls_back": activation.rolls_back,
        "rolled_back_by": fate.rolled_back_by,
        "void_for": [whom(view) for view in fate.void_for],
    }


def told_changes(changes: Sequence[Change], named: Named) -> list[dict[str, Any]]:
    """What a control record changes, a row a bank (None: any other)."""
    return [
        {
            "tenant": change.tenant,
            "since": moment(change.since_ms),
            "before": pair(change.before, named),
            "after": pair(change.after, named),
            "coming": [{"since": moment(step.since_ms), **pair(step.in_force, named)} for step in change.coming],
        }
        for change in changes
    ]


def pair(in_force: InForce | None, named: Named) -> dict[str, str | None]:
    """Ids and names of what decides; empty values where nothing does."""
    if in_force is None:
        return {name: None for kind, row in KINDS.items() for name in (row.field, kind)}
    return _parts(in_force, named)


def _parts(found: InForce | Activation, named: Named) -> dict[str, str | None]:
    parts: dict[str, str | None] = {}
    for kind, row in KINDS.items():
        artefact_id = row.named_by(found)
        parts |= {row.field: artefact_id, kind: None if artefact_id is None else named(artefact_id)}
    return parts
