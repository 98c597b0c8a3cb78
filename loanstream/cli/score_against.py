"""`loanstream score FILE --policy A --against B`: who is decided otherwise under B, and by what.

A file may be large: of its applications one batch is held, of the answer the counts and what a screen shows. With
--json the flips are written as they are found, and the whole is one JSON value.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import get_args

from loanstream.ask.flips import Comparison, Flip, Side
from loanstream.cli.listed import listed
from loanstream.cli.policy_sentences import figure
from loanstream.terminal import emit
from producers.lines import LineError
from schemas.application import LoanApplication
from schemas.decision import Outcome
from schemas.verification import ApplicationVerified
from scoring.policy import Policy

SHOWN = 20
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(slots=True)
class Refused:
    """Tells each error of a file on stderr when it is met, and counts the lines that have any."""

    _lines: set[int] = field(default_factory=set)

    def left_out(self, lines: Iterable[LoanApplication | LineError]) -> Iterator[LoanApplication]:
        """The applications alone."""
        for line in lines:
            if not isinstance(line, LineError):
                yield line
                continue
            sys.stderr.write(f"{line}\n")
            self._lines.update(line.lines)

    @property
    def lines(self) -> int:
        """How many lines have errors."""
        return len(self._lines)


def tell_flips(
    comparison: Comparison,
    batches: Iterable[Sequence[ApplicationVerified]],
    names: tuple[str, str],
    refused: Refused,
    *,
    as_json: bool,
) -> int:
    """Compare and answer; the exit code: 1 where anybody is decided otherwise, or a line could not be read."""
    tell = _as_json if as_json else _as_text
    tell(comparison, comparison.flips(batches), names, refused)
    return 1 if comparison.flipped or refused.lines else 0


def _as_json(comparison: Comparison, flips: Iterator[Flip], names: tuple[str, str], refused: Refused) -> None:
    policies = zip(names, (comparison.a.policy, comparison.b.policy), strict=True)
    heads = [{"named": named, "name": policy.name, "policy_id": policy.policy_id} for named, policy in policies]
    first = list(islice(flips, 1))  # a file that cannot be read is heard of before the answer begins
    sys.stdout.write(f'{{"a": {json.dumps(heads[0])}, "b": {json.dumps(heads[1])}, "flips": [')
    for index, flip in enumerate(chain(first, flips)):
        sys.stdout.write((", " if index else "") + json.dumps({**asdict(flip), "causes": flip.causes}))
    counts = {was: {becomes: comparison.counts[was, becomes] for becomes in OUTCOMES} for was in OUTCOMES}
    causes = [
        {"a": was, "b": becomes, "code": code, "count": count}
        for (was, becomes, code), count in comparison.causes.most_common()
    ]
    told = {"compared": comparison.compared, "refused": refused.lines, "flipped": comparison.flipped}
    tail = {**told, "counts": counts, "causes": causes}
    sys.stdout.write(f"], {json.dumps(tail)[1:]}\n")


def _as_text(comparison: Comparison, flips: Iterator[Flip], names: tuple[str, str], refused: Refused) -> None:
    first: list[Flip] = []
    for flip in flips:
        if len(first) < SHOWN:
            first.append(flip)
    policies = (comparison.a.policy, comparison.b.policy)
    heads = zip("AB", names, policies, strict=True)
    parts = [
        listed([(side, f"{Path(named).name}, {policy.policy_id}") for side, named, policy in heads]),
        _counts(comparison),
    ]
    if comparison.causes:
        parts.append(_causes(comparison))
    parts += ["\n".join(_told(flip, policies)) for flip in first]
    more = f"; the first {SHOWN} are shown, all with --json" if comparison.flipped > SHOWN else ""
    left = f"; {refused.lines} lines refused" if refused.lines else ""
    parts.append(f"{comparison.flipped} of {comparison.compared} applications decided otherwise{more}{left}")
    emit(None, "\n\n".join(parts), as_json=False)


def _counts(comparison: Comparison) -> str:
    """The table from A's outcomes to B's."""
    lines = [f"{'from A to B':<12}" + "".join(f"{outcome:>12}" for outcome in OUTCOMES) + f"{'all':>12}"]
    for was in OUTCOMES:
        row = [comparison.counts[was, becomes] for becomes in OUTCOMES]
        lines.append(f"{was:<12}" + "".join(f"{count:>12,}" for count in (*row, sum(row))))
    column = [sum(comparison.counts[was, becomes] for was in OUTCOMES) for becomes in OUTCOMES]
    lines.append(f"{'all':<12}" + "".join(f"{count:>12,}" for count in (*column, sum(column))))
    return "\n".join(lines)


def _causes(comparison: Comparison) -> str:
    """What makes the difference, most frequent first; more than one code may, for one application."""
    found = comparison.causes.most_common()
    room = max(len(code) for (_, _, code), _ in found)
    lines = [f"{f'{was} -> {becomes}':<20}{code:<{room}}{n:>10,}" for (was, becomes, code), n in found[:SHOWN]]
    return "\n".join(["by what", *lines])


def _told(flip: Flip, policies: tuple[Policy, Policy]) -> Iterator[str]:
    """An id on a line of its own with what happened, then each side's reasons."""
    revision = f"  revision {flip.revision}" if flip.revision > 1 else ""
    yield f"{flip.application_id}  {flip.a.outcome} -> {flip.b.outcome}{revision}"
    for named, side, policy in zip("AB", (flip.a, flip.b), policies, strict=True):
        reasons = [(f"  {named if not at else ' '}", words) for at, words in enumerate(_why(side, policy))]
        yield listed(reasons)


def _why(side: Side, policy: Policy) -> list[str]:
    decisive = [row["text"] for row in side.decided_by if row["decisive"]]
    if decisive or side.score is None or side.banded is None:
        return decisive
    approve, decline = policy.bands.approve, policy.bands.decline
    bounds = {
        "approve": f"above {approve}",
        "decline": f"not above {decline}",
        "refer": f"above {decline} and not above {approve}",
    }
    penalties = [f"{row['text']} ({row['points']:+.2f} points)" for row in side.decided_by]
    return [f"score {figure(side.score)}, {bounds[side.banded]}", *penalties]
