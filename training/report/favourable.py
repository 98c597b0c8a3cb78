"""Which label an applicant hopes for: what the specification says, else what the names of column and value suggest."""

import re

from training.infer import ADVERSE
from training.specification import Target

_ADVERSE = re.compile(
    r"deny|denied|default|delinq|dlq|\bbad\b|reject|declin|refus|charge.?off|charged.?off|fraud|churn|bankrupt|risk"
    r"|overdue|unpaid|late\b|loss|fail",
    re.IGNORECASE,
)
_HOPED_FOR = re.compile(r"approv|accept|grant|paid|good|repaid|performing", re.IGNORECASE)


def favourable(target: Target, positive_share: float) -> tuple[int, str]:
    """1 where the positive class is hoped for, 0 where it is feared; and the sentence that says how this is known.

    >>> favourable(Target(column="deny", positive=("1",), negative=("0",)), 0.1)[0]
    0
    """
    if target.favourable is not None:
        label = int(target.favourable == "positive")
        return label, f"Favoured is who gets what is hoped for: {_what(target, label)}, as the specification says."
    label, why = _inferred(target, positive_share)
    return label, (
        f"Favoured is who gets what is hoped for: {_what(target, label)}, inferred {why}. "
        "The key favourable (positive or negative), under target in the specification, can say otherwise."
    )


def _what(target: Target, label: int) -> str:
    return f"{target.column} is {' or '.join(target.positive if label else target.negative)}"


def _inferred(target: Target, positive_share: float) -> tuple[int, str]:
    for cells, label in ((target.positive, 0), (target.negative, 1)):
        if any(target.spelled(cell).casefold() in ADVERSE for cell in cells):
            return label, "from the names of the values"
    for cells, label in ((target.positive, 1), (target.negative, 0)):
        if any(_HOPED_FOR.search(cell) for cell in cells):
            return label, "from the names of the values"
    said = f"{target.column} {target.meaning or ''}"
    if _ADVERSE.search(said):
        return 0, "from the column's name"
    if _HOPED_FOR.search(said):
        return 1, "from the column's name"
    return int(positive_share > 1 / 2), "as the label of more rows"
