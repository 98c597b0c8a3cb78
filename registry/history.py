"""Which bundle and policy decide: a pure function of `accepted_at` and the history of activations."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

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


@dataclass
class ActivationHistory:
    """Activations in the order of the control topic.

    An activation takes effect `lead_ms` after its own broker time; where two take effect at the same moment the later
    record of the topic wins. The first record that leaves a tenant with both a bundle and a policy is in force for
    every `accepted_at`: before it nothing could be decided, so nothing was decided otherwise.

    A withdrawn activation counts as if it had never been published, for every `accepted_at` (`Activation` says what
    that means for decisions made before). Where the first is withdrawn, the first of those that are left takes its
    place: what was accepted since would otherwise wait for ever.
    """

    _published: list[tuple[int, Activation]] = field(default_factory=list)
    _withdrawn: set[str] = field(default_factory=set)
    _timelines: dict[str, _Timeline | None] = field(default_factory=dict)
    """Of each tenant that was asked for; None until it is asked for again."""

    def add(self, activation: Activation, published_ms: int) -> None:
        """Append the next control record; `published_ms` is the broker's time of it."""
        if activation.withdraws is None:
            self._published.append((published_ms, activation))
        else:
            self._withdrawn.add(activation.withdraws)
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
        return _effective(self.standing(tenant))

    def needed(self, since_ms: int) -> frozenset[InForce]:
        """What decides on records accepted from `since_ms` on, for the tenants that were asked for so far."""
        timelines = [self._timelines[tenant] or self._timeline(tenant) for tenant in tuple(self._timelines)]
        return frozenset(chosen for timeline in timelines if timeline for chosen in timeline.since(since_ms))

    def standing(self, tenant: str | None) -> Iterable[tuple[int, Activation]]:
        """The activations for `tenant` that are not withdrawn, each with its broker time, in the topic's order."""
        return (
            (at_ms, activation)
            for at_ms, activation in self._published
            if activation.tenant in (None, tenant) and activation.activation_id not in self._withdrawn
        )

    def _timeline(self, tenant: str) -> _Timeline | None:
        timeline = self._timelines[tenant] = _timeline(self.standing(tenant))
        return timeline


def history_of(published: Iterable[Published]) -> ActivationHistory:
    """The history that these records of the control topic make, in its order."""
    history = ActivationHistory()
    for one in published:
        history.add(one.activation, one.at_ms)
    return history


def _effective(published: Iterable[tuple[int, Activation]]) -> list[tuple[int, Activation]]:
    """A tenant's activations in the order they take effect, with their moments: 0 for those to the first that leaves it
    with both a bundle and a policy. Empty where none does.
    """
    first, rest = list[tuple[int, Activation]](), iter(published)
    for _, activation in rest:
        first.append((0, activation))
        if any(one.bundle_id for _, one in first) and any(one.policy_id for _, one in first):
            break
    else:
        return []
    # Sorting keeps the order of equals: of two changes at one moment the later record stays behind, and wins.
    return [*first, *sorted(((at_ms + one.lead_ms, one) for at_ms, one in rest), key=itemgetter(0))]


def _timeline(published: Iterable[tuple[int, Activation]]) -> _Timeline | None:
    """Of a tenant's activations; None where they leave it without a bundle or without a policy."""
    bundle_id = policy_id = None
    starts, chosen = list[int](), list[InForce]()
    for start, activation in _effective(published):
        bundle_id, policy_id = activation.bundle_id or bundle_id, activation.policy_id or policy_id
        if bundle_id is not None and policy_id is not None:
            starts.append(start)
            chosen.append(InForce(bundle_id, policy_id))
    return _Timeline(starts, chosen) if starts else None
