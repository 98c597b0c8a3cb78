"""How alike two makings of a decision are: one table of kinds, the one that matters most first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from scoring.receipt import content_of, decision_content

Decision = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """`fields` are the fields of which one differs; `matters`: the two do not say the same of the applicant; `fault`:
    no honest making of the one gives the other under the versions of code that both name.
    """

    name: str
    fields: tuple[str, ...]
    matters: bool = True
    fault: bool = True


EQUAL = Kind("equal", (), matters=False, fault=False)
# Other inputs, artefacts or keys, or a field that one of the two versions does not know.
RECEIPT_DIFFERS = Kind("receipt differs", ())
CODE_VERSION = "receipt.code_version"
BUT_FOR_CODE = Kind("equal but for the code version", (CODE_VERSION,), matters=False, fault=False)
# Another release may word or order what it found otherwise. What it decided, and of what score, it did not.
OTHER_WORDS = Kind("other reasons under another code version", ("reasons", "recourse", "basis"), fault=False)

# What an applicant is told beside the same points: a release may word it otherwise, or did not tell it yet.
TOLD_OTHERWISE = Kind(
    "told otherwise under another code version",
    ("principal_reasons",),
    matters=False,
    fault=False,
)

KINDS: tuple[Kind, ...] = (
    Kind("outcome differs", ("outcome",)),
    Kind(
        "score differs",
        ("p_model", "p_calibrated", "penalties", "score_final", "thresholds", "base_points", "final_points"),
    ),
    Kind("reasons differ", ("principal_reasons", "reasons", "recourse", "basis", "verification_result")),
    RECEIPT_DIFFERS,
    OTHER_WORDS,
    TOLD_OTHERWISE,
    BUT_FOR_CODE,
    EQUAL,
)
"""Two makings are of the first kind of which a field differs; of OTHER_WORDS or TOLD_OTHERWISE where only such fields
and the code do.
"""


class Likeness(NamedTuple):
    """The kind, and the names of all fields that differ."""

    kind: Kind
    names: tuple[str, ...]


def likeness(one: Decision, other: Decision) -> Likeness:
    """How alike two decisions are, `accepted_at` and `processing` aside.

    >>> alike = likeness({"outcome": "approve", "receipt": {"code_version": "1"}}, {"outcome": "refer", "receipt": {}})
    >>> alike.kind.name, alike.names
    ('outcome differs', ('outcome', 'receipt.code_version'))
    """
    # Equal bytes under sorted names have equal canonical bytes, which take ten times as long to write.
    if _sorted(one) == _sorted(other) or decision_content(one) == decision_content(other):
        return Likeness(EQUAL, ())
    names = tuple(differing(content_of(one), content_of(other)))
    return Likeness(_kind(names), names)


def _kind(names: tuple[str, ...]) -> Kind:
    if names == BUT_FOR_CODE.fields:
        return BUT_FOR_CODE
    heads = {name.partition(".")[0] for name in names if name != CODE_VERSION}
    for kind in (TOLD_OTHERWISE, OTHER_WORDS):
        if CODE_VERSION in names and heads.issubset({*kind.fields, *TOLD_OTHERWISE.fields}):
            return kind
    heads = {name.partition(".")[0] for name in names}
    return next(kind for kind in KINDS if not kind.fields or heads.intersection(kind.fields))


def _sorted(decision: Decision) -> bytes:
    return orjson.dumps(content_of(decision), option=orjson.OPT_SORT_KEYS)


def differing(one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The names of the fields in which two JSON objects differ, nested ones joined by a dot.

    >>> differing({"loan": {"amount": "5.00"}}, {"loan": {"amount": "6.00"}})
    ['loan.amount']
    """
    names: list[str] = []
    for name in dict.fromkeys([*one, *other]):
        mine, theirs = one.get(name), other.get(name)
        if mine == theirs:
            continue
        if isinstance(mine, dict) and isinstance(theirs, dict):
            names += differing(mine, theirs, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names
