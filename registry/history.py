"""Which bundle and policy decide: a pure function of `accepted_at` and the history of activations."""

from bisect import insort
from dataclasses import dataclass, field

from schemas.operations import Activation
from schemas.problem import Problem


class NothingActive(Problem):
    """No activation is in force for this tenant at this moment: none was ever published."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What decides: the content hashes of a bundle and of a policy."""

    bundle_id: str
    policy_id: str


@dataclass(frozen=True, slots=True)
class _Change:
    effective_ms: int
    activation: Activation


@dataclass
class ActivationHistory:
    """Activations in the order of the control topic.

    An activation takes effect `lead_ms` after its own broker time; the very first is in force for every `accepted_at`.
    Where two take effect at the same moment the later record of the topic wins.
    """

    _changes: list[_Change] = field(default_factory=list)

    def add(self, activation: Activation, published_ms: int) -> None:
        """Append the next control record; `published_ms` is the broker's time of it."""
        effective = published_ms + activation.lead_ms if self._changes else 0
        # insort goes right of equals: of two changes at one moment the later record stays behind, and wins.
        insort(self._changes, _Change(effective, activation), key=lambda change: change.effective_ms)

    def in_force(self, tenant: str, accepted_ms: int) -> InForce:
        """What decides for `tenant` on a record accepted at `accepted_ms`. Raises `NothingActive`."""
        bundle_id = policy_id = None
        for change in self._changes:
            if change.effective_ms > accepted_ms:
                break
            activation = change.activation
            if activation.tenant in (None, tenant):
                bundle_id = activation.bundle_id or bundle_id
                policy_id = activation.policy_id or policy_id
        if bundle_id is None or policy_id is None:
            raise NothingActive
        return InForce(bundle_id, policy_id)

    def __len__(self) -> int:
        return len(self._changes)
