"""A tenant's activations as a stack: each that changes what decides is put on top, a rollback takes the top away."""

from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.operations import Activation


class Layer(NamedTuple):
    """An activation that changed what decides, from `since_ms` on (0: from the first moment), and what it left.

    `by` is the record that put it on top: itself, or the rollback that brought it back.
    """

    activation_id: str
    since_ms: int
    bundle_id: str | None
    policy_id: str | None
    by: str

    @property
    def whole(self) -> bool:
        """Whether something is decided by it: half a pair decides nothing."""
        return self.bundle_id is not None and self.policy_id is not None


@dataclass(slots=True)
class Stack:
    """Activations taken one after the other, in the order they take effect.

    A rollback takes away the one that it names, and what was put on that; where what it activates is not what lies
    below then, it stands there itself. One that was replaced in its own moment never decided, and does not stay. One
    that names only what decides already changes nothing, and is not put there.
    """

    layers: list[Layer] = field(default_factory=list)
    effective: list[tuple[int, Activation]] = field(default_factory=list)
    """What was taken, each with the moment from which it counts."""
    idle: set[str] = field(default_factory=set)
    """Those that changed nothing."""

    @property
    def whole(self) -> bool:
        """Whether something decides."""
        return bool(self.layers) and self.layers[-1].whole

    def goes_back_from(self, one: Activation) -> bool:
        """Whether what this rollback takes back is on top."""
        return bool(self.layers) and self.layers[-1].activation_id == one.rolls_back

    def take(self, since_ms: int, one: Activation) -> None:
        """The next one to take effect."""
        self.effective.append((since_ms, one))
        bundle_id, policy_id = one.bundle_id, one.policy_id
        if self.layers:
            top = self.layers[-1]
            bundle_id, policy_id = bundle_id or top.bundle_id, policy_id or top.policy_id
            if taken_back := self._place_of(one.rolls_back):
                del self.layers[-taken_back:]
            elif (bundle_id, policy_id) == (top.bundle_id, top.policy_id):
                self.idle.add(one.activation_id)
                return
            elif top.whole and top.since_ms == since_ms:
                self.layers.pop()
        self._put(Layer(one.activation_id, since_ms, bundle_id, policy_id, one.activation_id))

    def _place_of(self, activation_id: str | None) -> int:
        """How many layers go with this one; 0: it is not on the stack."""
        if activation_id is None:
            return 0
        from_top = (number for number, one in enumerate(reversed(self.layers), 1) if one.activation_id == activation_id)
        return next(from_top, 0)

    def _put(self, new: Layer) -> None:
        below = self.layers[-1] if self.layers else None
        if below is not None and (below.bundle_id, below.policy_id) == (new.bundle_id, new.policy_id):
            self.layers[-1] = below._replace(by=new.by)
        else:
            self.layers.append(new)
