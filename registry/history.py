"""Which bundle and policy decide: a pure function of `accepted_at` and the history of activations."""

from bisect import bisect_right
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from registry.stack import Stack
from schemas.operations import Activation
from schemas.problem import Problem


class NothingActive(Problem):
    """No activation is in force for this tenant: it has no bundle or no policy yet."""


class InForce(NamedTuple):
    """What decides: the content hashes of a bundle and of a policy."""

    bundle_id: str
    policy_id: str


class Step(NamedTuple):
    """From `since_ms` on something decides, until the next step; a first step (0) for every moment before, too."""

    since_ms: int
    in_force: InForce


class Standing(NamedTuple):
    """An activation that is on the stack: from `since_ms` on (0: from the first moment) it left `in_force`.

    `by` is the record that put it on top: itself, or the rollback that brought it back.
    """

    activation_id: str
    since_ms: int
    in_force: InForce
    by: str


@dataclass(frozen=True, slots=True)
class Published:
    """An activation and the broker's time of it."""

    activation: Activation
    at_ms: int


@dataclass(frozen=True, slots=True)
class _Timeline:
    """What decides for one tenant: `chosen[n]` from `starts[n]` on, the first for every moment before, too."""

    starts: list[int]
    chosen: list[InForce]

    @property
    def steps(self) -> Iterable[Step]:
        return map(Step, self.starts, self.chosen)

    def at(self, accepted_ms: int) -> InForce:
        return self.chosen[self._index(accepted_ms)]

    def since(self, accepted_ms: int) -> list[InForce]:
        return self.chosen[self._index(accepted_ms) :]

    def _index(self, accepted_ms: int) -> int:
        return max(bisect_right(self.starts, accepted_ms) - 1, 0)


@dataclass(slots=True)
class _Judged:
    """Of the first `count` activations, the numbers of those that are void for a tenant."""

    count: int = 0
    void: set[int] = field(default_factory=set)


@dataclass
class ActivationHistory:
    """Activations in the order of the control topic.

    An activation takes effect `lead_ms` after its own broker time; where two take effect at the same moment the later
    record of the topic wins. The first record that leaves a tenant with both a bundle and a policy is in force for
    every `accepted_at`: before it nothing could be decided, so nothing was decided otherwise.

    A withdrawn activation counts as if it had never been published, for every `accepted_at` (`Activation` says what
    that means for decisions made before). Where the first is withdrawn, the first of those that are left takes its
    place: what was accepted since would otherwise wait for ever.

    A rollback is void, as if it had never been published, for a tenant for whom what it takes back is not on top of the
    stack (`registry.stack`) at the moment it takes effect, as the topic stood before it. So nobody takes back what
    another has taken back, or built upon, meanwhile. What comes later on the topic, a withdrawal included, never
    changes that.
    """

    _published: list[tuple[int, Activation]] = field(default_factory=list)
    _withdrawn: dict[str, int] = field(default_factory=dict)
    """Each with the number of activations that came before its withdrawal."""
    _judged: dict[str | None, _Judged] = field(default_factory=dict)
    _timelines: dict[str, _Timeline | None] = field(default_factory=dict)
    """Of each tenant that was asked for; None until it is asked for again."""

    def add(self, activation: Activation, published_ms: int) -> None:
        """Append the next control record; `published_ms` is the broker's time of it."""
        if activation.withdraws is None:
            self._published.append((published_ms, activation))
        else:
            self._withdrawn.setdefault(activation.withdraws, len(self._published))
        self._timelines = dict.fromkeys(self._timelines)

    def in_force(self, tenant: str, accepted_ms: int) -> InForce:
        """What decides for `tenant` on a record accepted at `accepted_ms`. Raises `NothingActive`."""
        timeline = self._timelines.get(tenant) or self._timeline(tenant)
        if timeline is None:
            raise NothingActive(f"no activation is in force for {tenant}")
        return timeline.at(accepted_ms)

    def steps(self, tenant: str | None) -> list[Step]:
        """What decides for `tenant`, one step a change; None for the tenant: one without activations of its own."""
        timeline, steps = _timeline(self.standing(tenant)), list[Step]()
        for step in timeline.steps if timeline else ():
            if steps and steps[-1].since_ms == step.since_ms:  # of two at one moment the later wins
                steps.pop()
            if not steps or steps[-1].in_force != step.in_force:
                steps.append(step)
        return steps

    def effective(self, tenant: str | None) -> list[tuple[int, Activation]]:
        """The activations that `steps` come from, each with the moment from which it counts (0: every moment)."""
        found = self.stack(tenant)
        return found.effective if found.whole else []

    def stack(self, tenant: str | None, until_ms: int | None = None) -> Stack:
        """The stack that the activations make which take effect until then (None: all)."""
        return _stack(self.standing(tenant), until_ms)

    def stands(self, tenant: str | None, until_ms: int | None = None) -> list[Standing]:
        """What is on that stack: the last decides, below it is what was in force before it. Empty: nothing decides."""
        return [
            Standing(one.activation_id, one.since_ms, InForce(one.bundle_id, one.policy_id), one.by)
            for one in self.stack(tenant, until_ms).layers
            if one.bundle_id is not None and one.policy_id is not None
        ]

    def needed(self, since_ms: int) -> frozenset[InForce]:
        """What decides on records accepted from `since_ms` on, for the tenants that were asked for so far."""
        timelines = [self._timelines[tenant] or self._timeline(tenant) for tenant in tuple(self._timelines)]
        return frozenset(chosen for timeline in timelines if timeline for chosen in timeline.since(since_ms))

    def standing(self, tenant: str | None) -> list[tuple[int, Activation]]:
        """The activations for `tenant` that are neither withdrawn nor void, each with its broker time, in the topic's
        order.
        """
        judged = self._judged.setdefault(tenant, _Judged())
        for number in range(judged.count, len(self._published)):
            at_ms, one = self._published[number]
            if one.rolls_back is not None and one.tenant in (None, tenant):
                before = _stack(self._before(number, tenant, judged.void), at_ms + one.lead_ms)
                if not before.goes_back_from(one):
                    judged.void.add(number)
        judged.count = len(self._published)
        return self._before(judged.count, tenant, judged.void)

    def before_withdrawals(self, tenant: str, accepted_ms: int) -> InForce | None:
        """What would decide if nothing had been withdrawn; None: nothing."""
        self.standing(tenant)
        void = self._judged[tenant].void
        rows = enumerate(self._published)
        timeline = _timeline(row for number, row in rows if row[1].tenant in (None, tenant) and number not in void)
        return None if timeline is None else timeline.at(accepted_ms)

    def void(self, tenant: str | None) -> frozenset[str]:
        """The rollbacks that are void for `tenant`."""
        self.standing(tenant)
        return frozenset(self._published[number][1].activation_id for number in self._judged[tenant].void)

    def _before(self, end: int, tenant: str | None, void: Container[int]) -> list[tuple[int, Activation]]:
        """What stood for `tenant` before the activation of this number was published."""
        return [
            row
            for number, row in enumerate(islice(self._published, end))
            if row[1].tenant in (None, tenant)
            and number not in void
            and self._withdrawn.get(row[1].activation_id, end + 1) > end
        ]

    def _timeline(self, tenant: str) -> _Timeline | None:
        timeline = self._timelines[tenant] = _timeline(self.standing(tenant))
        return timeline


def history_of(published: Iterable[Published]) -> ActivationHistory:
    """The history that these records of the control topic make, in its order."""
    history = ActivationHistory()
    for one in published:
        history.add(one.activation, one.at_ms)
    return history


def _stack(published: Iterable[tuple[int, Activation]], until_ms: int | None = None) -> Stack:
    """A tenant's activations in the order they take effect, with their moments: 0 for those to the first that leaves it
    with both a bundle and a policy.
    """
    stack, rest = Stack(), iter(published)
    for _, activation in rest:
        stack.take(0, activation)
        if stack.whole:
            break
    # Sorting keeps the order of equals: of two changes at one moment the later record stays behind, and wins.
    for since_ms, activation in sorted(((at_ms + one.lead_ms, one) for at_ms, one in rest), key=itemgetter(0)):
        if until_ms is None or since_ms <= until_ms:
            stack.take(since_ms, activation)
    return stack


def _timeline(published: Iterable[tuple[int, Activation]]) -> _Timeline | None:
    """Of a tenant's activations; None where they leave it without a bundle or without a policy."""
    bundle_id = policy_id = None
    starts, chosen = list[int](), list[InForce]()
    for start, activation in _stack(published).effective:
        bundle_id, policy_id = activation.bundle_id or bundle_id, activation.policy_id or policy_id
        if bundle_id is not None and policy_id is not None:
            starts.append(start)
            chosen.append(InForce(bundle_id, policy_id))
    return _Timeline(starts, chosen) if starts else None
