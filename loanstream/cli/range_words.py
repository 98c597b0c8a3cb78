"""What a person is told of a policy whose rule on the training range is blind under a bundle."""

from collections.abc import Sequence

from scoring.decision import Scorer


def range_unknown(unknown: Sequence[str], scorer: Scorer) -> str:
    """One line: which features, and which ones the bundle has a range of."""
    known = ", ".join(scorer.bundle.ranges) or "none"
    return (
        f"policy {scorer.policy.name} refers what lies beyond the training data in {', '.join(unknown)}, "
        f"and the bundle states no range of that: the rule would never apply. It has ranges of: {known}"
    )
