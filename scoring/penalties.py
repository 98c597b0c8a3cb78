"""Penalties: what a policy takes from the probability, in the order of its table."""

from collections.abc import Sequence

from scoring.conditions import Conditions
from scoring.explanation import Explainer, Row, Wording
from scoring.features import FEATURES, POSITION
from scoring.past_bound import past_bound
from scoring.policy import Policy


class Penalties:
    """The penalties of one policy, ready to apply."""

    def __init__(self, policy: Policy, explainer: Explainer) -> None:
        self._explainer = explainer
        self.conditions = Conditions([penalty.condition for penalty in policy.penalties])
        self._table = [
            (
                penalty,
                POSITION[name],
                past_bound(penalty.condition, FEATURES[name].show),
                Wording.of(penalty.code, penalty.text),
            )
            for penalty in policy.penalties
            for name in [penalty.condition.name]
        ]

    def left(self, score: float, holding: Sequence[int]) -> float:
        """The score alone that `apply` leaves."""
        groups: set[str] = set()
        for at in holding:
            penalty = self._table[at][0]
            if penalty.group is None or penalty.group not in groups:
                score = max(0.0, round(score - penalty.size, 9))
                groups |= {penalty.group} if penalty.group else set()
        return score

    def apply(
        self, score: float, features: Sequence[float], holding: Sequence[int]
    ) -> tuple[float, list[Row], list[Row], list[int]]:
        """The score after the penalties whose conditions hold, these penalties, their rows of the explanation, and
        their places in the policy.

        Each one's points are the change of log-odds that it makes, after those before it; one that changes nothing any
        more is no reason. Of a group only the first applies.
        """
        penalties: list[Row] = []
        rows: list[Row] = []
        applied: list[int] = []
        groups: set[str] = set()
        for at in holding:
            penalty, column, show, wording = self._table[at]
            if penalty.group in groups:
                continue
            if penalty.group is not None:
                groups.add(penalty.group)
            before, score = score, max(0.0, round(score - penalty.size, 9))
            penalties.append({"code": penalty.code, "size": penalty.size})
            applied.append(at)
            if points := self._explainer.penalty_points(before, score):
                rows.append(wording.points(points, show(features[column])))
        return score, penalties, rows, applied
