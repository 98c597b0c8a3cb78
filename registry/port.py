"""What the score stage asks about activations: a port, with the control topic behind it, and its twin in memory."""

from typing import Protocol

from registry.history import ActivationHistory, InForce


class Activations(Protocol):
    """What decides, as far as a worker knows it for certain."""

    async def wait_for(self, accepted_ms: int) -> None:
        """Return once everything that could be in force at `accepted_ms` has been seen.

        To be asked after the record has been received: that it was is what tells the broker's time here.
        """
        ...

    def in_force(self, tenant: str, accepted_ms: int) -> InForce:
        """What decides for `tenant`. Raises `NothingActive`."""
        ...


class MemoryActivations:
    """The twin in memory: a history that is seen as soon as it is there."""

    def __init__(self, history: ActivationHistory) -> None:
        self.history = history

    async def wait_for(self, accepted_ms: int) -> None:
        """All has been seen."""

    def in_force(self, tenant: str, accepted_ms: int) -> InForce:
        """What decides for `tenant`. Raises `NothingActive`."""
        return self.history.in_force(tenant, accepted_ms)
