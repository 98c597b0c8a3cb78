"""Penalties: what a policy takes from the probability, in the order of its table."""

from collections.abc import Sequence

from scoring.explanation import Explainer, Row, Wording
from scoring.features import FEATURES, POSITION
from scoring.policy import Policy


class Penalties:
    """The penalties of one policy, ready to apply."""

    def __init__(self, policy: Policy, explainer: Explainer) -> None:
        self._explainer = explainer
        self._rows = [
            (POSITION[p.condition.name], p.condition.above, p.condition.below, p, Wording.of(p.code))
            for p in policy.penalties
        ]

    def apply(self, score: float, features: Sequence[float]) -> tuple[float, list[Row], list[Row]]:
        """The score after the penalties that apply, these penalties, and their rows of the explanation.

        Each one's points are the change of log-odds that it makes, after those before it. A missing feature (NaN) is
        inside no interval.
        """
        penalties: list[Row] = []
        rows: list[Row] = []
        groups: set[str] = set()
        for column, above, below, penalty, wording in self._rows:
            if not above < features[column] < below or penalty.group in groups:
                continue
            if penalty.group is not None:
                groups.add(penalty.group)
            before, score = score, max(0.0, round(score - penalty.size, 9))
            penalties.append({"code": penalty.code, "size": penalty.size})
            shown = FEATURES[penalty.condition.name].show(features[column])
            rows.append(wording.points(self._explainer.penalty_points(before, score), shown))
        return score, penalties, rows
