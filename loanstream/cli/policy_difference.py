"""What differs between two policies, part by part, each side as a sentence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from loanstream.cli.policy_sentences import bands_words, bundle_words, penalty_words, points_words, rule_words
from scoring.policy import Penalty, Policy, Rule

Part = Literal["name", "bundle", "points", "bands", "penalty", "rule", "order of penalties", "order of rules"]

Row = TypeVar("Row", Penalty, Rule)


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that is not the same; `code` is a penalty's or a rule's, a side is None where it has no such part."""

    part: Part
    code: str | None
    a: str | None
    b: str | None

    def lines(self) -> list[tuple[str, str]]:
        """A heading, and the sentence of each side that has one."""
        about = self.code or self.part
        if self.a is None or self.b is None:
            return [("A alone" if self.b is None else "B alone", f"{about}: {self.a or self.b}")]
        return [("differs", f"{about}:"), ("  in A", self.a), ("  in B", self.b)]


def differences(a: Policy, b: Policy) -> list[Difference]:
    """Every difference; none where the two have the same id.

    Penalties and rules are held together by their codes; their order counts, since of a group only the first penalty
    applies, and reasons stand in the order of the rules.
    """
    found = [Difference(part, None, words(a), words(b)) for part, words in _WHOLE.items() if part_differs(part, a, b)]
    found += _rows("penalty", a.penalties, b.penalties, penalty_words)
    found += _rows("rule", a.rules, b.rules, rule_words)
    found += _order("order of penalties", a.penalties, b.penalties)
    found += _order("order of rules", a.rules, b.rules)
    return found


_WHOLE: Mapping[Part, Callable[[Policy], str]] = {
    "name": lambda policy: policy.name,
    "bundle": lambda policy: bundle_words(policy.bundle),
    "points": lambda policy: points_words(policy.points),
    "bands": lambda policy: bands_words(policy.bands),
}


def part_differs(part: str, a: Policy, b: Policy) -> bool:
    """Whether a part of both, by its name in `Policy`, is another."""
    return bool(getattr(a, part) != getattr(b, part))


def _rows(part: Part, a: Sequence[Row], b: Sequence[Row], words: Callable[[Row], str]) -> Iterator[Difference]:
    in_a, in_b = ({row.code: row for row in rows} for rows in (a, b))
    for code in {**in_a, **in_b}:
        was, becomes = in_a.get(code), in_b.get(code)
        if was != becomes:
            yield Difference(
                part, code, None if was is None else words(was), None if becomes is None else words(becomes)
            )


def _order(part: Part, a: Sequence[Row], b: Sequence[Row]) -> Iterator[Difference]:
    of_a, of_b = [row.code for row in a], [row.code for row in b]
    shared_a, shared_b = [code for code in of_a if code in of_b], [code for code in of_b if code in of_a]
    if shared_a != shared_b:
        yield Difference(part, None, ", ".join(shared_a), ", ".join(shared_b))
