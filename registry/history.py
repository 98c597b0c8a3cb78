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


@dataclass(frozen=True, slots=True)
class _Timeline:
    """What decides for one tenant: `chosen[n]` from `starts[n]` on, the first for every moment before, too."""

    starts: list[int]
    chosen: list[InForce]

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

    def needed(self, since_ms: int) -> frozenset[InForce]:
        """What decides on records accepted from `since_ms` on, for the tenants that were asked for so far."""
        timelines = [self._timelines[tenant] or self._timeline(tenant) for tenant in tuple(self._timelines)]
        return frozenset(chosen for timeline in timelines if timeline for chosen in timeline.since(since_ms))

    def standing(self, tenant: str) -> Iterable[tuple[int, Activation]]:
        """The activations for `tenant` that are not withdrawn, each with its broker time, in the topic's order."""
        return (
            (at_ms, activation)
            for at_ms, activation in self._published
            if activation.tenant in (None, tenant) and activation.activation_id not in self._withdrawn
        )

    def _timeline(self, tenant: str) -> _Timeline | None:
        timeline = self._timelines[tenant] = _timeline(self.standing(tenant))
        return timeline


def _timeline(published: Iterable[tuple[int, Activation]]) -> _Timeline | None:
    """Of a tenant's activations; None where they leave it without a bundle or without a policy."""
    bundle_id = policy_id = None
    rest = iter(published)
    for _, activation in rest:
        bundle_id = activation.bundle_id or bundle_id
        policy_id = activation.policy_id or policy_id
        if bundle_id is not None and policy_id is not None:
            break
    else:
        return None
    starts, chosen = [0], [InForce(bundle_id, policy_id)]
    # Sorting keeps the order of equals: of two changes at one moment the later record stays behind, and wins.
    for start, activation in sorted(((at_ms + one.lead_ms, one) for at_ms, one in rest), key=itemgetter(0)):
        starts.append(start)
        last = chosen[-1]
        chosen.append(InForce(activation.bundle_id or last.bundle_id, activation.policy_id or last.policy_id))
    return _Timeline(starts, chosen)
