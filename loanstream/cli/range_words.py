"""What a person is told of a policy whose rule on the training range is blind under a bundle."""

from collections.abc import Sequence

from scoring.decision import Scorer
from scoring.features import RAW
from scoring.recourse import moved_by


def range_unknown(unknown: Sequence[str], scorer: Scorer) -> str:
    """One line: which features, and which ones the bundle has a range of."""
    known = ", ".join(scorer.bundle.ranges) or "none"
    return (
        f"policy {scorer.policy.name} refers what lies beyond the training data in {', '.join(unknown)}, "
        f"and the bundle states no range of that: there the rule would never apply. It has ranges of: {known}"
    )


def blind(scorer: Scorer) -> tuple[str, ...]:
    """Features that the rule asks of and the bundle states no range of, neither of them nor of what they are made of.

    A model that looks at amount and income without their ratio has a range of either: a ratio that it does not state is
    told, and a bank can still change from one shipped pair to another, bundle first.
    """
    known = {raw for name in scorer.bundle.ranges for raw in _made_of(name)}
    return tuple(name for name in scorer.not_looked_at if not _made_of(name) <= known)


def _made_of(name: str) -> frozenset[str]:
    return frozenset(raw for raw in RAW if name in moved_by(raw))
