"""Whether what decided was in force then: a decision's bundle and policy, held against the control topic.

The warehouse keeps activations too, and whoever may alter its decisions may alter those with them; so nothing is asked
of it here.
"""

from collections.abc import Sequence

from loanstream.installation import Installation
from registry.history import ActivationHistory, InForce, NothingActive, Published
from registry.publish import activations
from schemas.problem import Problem

UNCHECKED = "the control topic does not tell: whether its bundle and policy were in force is not checked"


class Activated:
    """What could decide at any moment, by the records of the control topic; without one nothing is known (`knows`)."""

    def __init__(self, published: Sequence[Published] = ()) -> None:
        self.knows = bool(published)
        self._histories = _histories(published)

    def was_in_force(self, tenant: str, accepted_ms: int, decided: InForce) -> bool:
        """Whether a worker could have decided so: by what stands now, or by what stood before a withdrawal."""
        return any(_in_force(history, tenant, accepted_ms) == decided for history in self._histories)


def activated(here: Installation, answer_s: float) -> Activated:
    """As the installation's control topic tells it; nothing is known where Kafka does not answer in `answer_s` seconds,
    no setting names it, or the topic holds no activation.
    """
    try:
        return Activated(activations(here.bootstrap, here.security, answer_s))
    except Problem:
        return Activated()


def _histories(published: Sequence[Published]) -> list[ActivationHistory]:
    """All activations, under none of the withdrawals, under the first, under the first two, and so on: what is
    published otherwise takes effect later than it is seen, so no shorter topic could decide otherwise.
    """
    withdrawals = [one for one in published if one.activation.withdraws is not None]
    histories = []
    for count in range(len(withdrawals) + 1):
        history = ActivationHistory()
        for one in published:
            if one.activation.withdraws is None or one in withdrawals[:count]:
                history.add(one.activation, one.at_ms)
        histories.append(history)
    return histories


def _in_force(history: ActivationHistory, tenant: str, accepted_ms: int) -> InForce | None:
    try:
        return history.in_force(tenant, accepted_ms)
    except NothingActive:
        return None
