"""Who would be decided otherwise under another policy, and by what."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.decision import Outcome
from schemas.verification import ApplicationVerified
from scoring.decision import Scorer
from scoring.policy import Bands
from scoring.receipt import ReceiptKey

Decision = dict[str, Any]

BANDS = "bands"
"""In the place of a code, where the same score falls into another band."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one policy made of an application: the outcome, and the rows of the explanation that decided.

    These are the rules and findings that decided without points, else the penalties that were taken from the score.
    `banded` is what the score alone would have led to; it and the score are None where the model was not asked.
    """

    outcome: Outcome
    score: float | None
    banded: Outcome | None
    penalties: dict[str, float]
    decided_by: tuple[Decision, ...]

    @classmethod
    def of(cls, decision: Decision, bands: Bands) -> "Side":
        """The side of a decision under a policy with these bands."""
        rows, penalties = decision["reasons"], {row["code"]: row["size"] for row in decision["penalties"]}
        decided = [row for row in rows if row["decisive"]] or [row for row in rows if row["code"] in penalties]
        score = decision["score_final"]
        banded = None if score is None else bands.outcome(score)
        return cls(decision["outcome"], score, banded, penalties, tuple(decided))

    @property
    def decisive(self) -> dict[str, Outcome]:
        """The codes that decided without points, with what they led to."""
        return {row["code"]: self.outcome for row in self.decided_by if row["decisive"]}


@dataclass(frozen=True, slots=True)
class Flip:
    """An application whose outcome is another under policy B than under policy A."""

    application_id: str
    revision: int
    a: Side
    b: Side

    @property
    def causes(self) -> list[str]:
        """The codes that make the difference: of what decided without points on one side alone, and, where the scores
        fall into different bands, of penalties; BANDS where those are the same.
        """
        rules = _one_sided(self.a.decisive, self.b.decisive)
        if self.a.banded == self.b.banded:
            return rules
        return rules + (_one_sided(self.a.penalties, self.b.penalties) or [BANDS])


def _one_sided(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return [code for code in {**a, **b} if a.get(code) != b.get(code)]


@dataclass(slots=True)
class Comparison:
    """Two scorers over one stream of applications; it keeps counts alone.

    `counts` by (outcome of A, outcome of B); `causes` of those who are decided otherwise, by that and the code.
    """

    a: Scorer
    b: Scorer
    key: ReceiptKey
    code_version: str
    counts: Counter[tuple[Outcome, Outcome]] = field(default_factory=Counter)
    causes: Counter[tuple[Outcome, Outcome, str]] = field(default_factory=Counter)

    def flips(self, batches: Iterable[Sequence[ApplicationVerified]]) -> Iterator[Flip]:
        """The applications that are decided otherwise, in their order; the counts are complete at its end."""
        bands_a, bands_b = self.a.policy.bands, self.b.policy.bands
        for batch in batches:
            pairs = (scorer.decide(batch, lambda _: self.key, self.code_version) for scorer in (self.a, self.b))
            for was, becomes in zip(*pairs, strict=True):
                self.counts[was["outcome"], becomes["outcome"]] += 1
                if was["outcome"] != becomes["outcome"]:
                    flip = Flip(
                        was["application_id"], was["revision"], Side.of(was, bands_a), Side.of(becomes, bands_b)
                    )
                    self.causes.update((flip.a.outcome, flip.b.outcome, code) for code in flip.causes)
                    yield flip

    @property
    def compared(self) -> int:
        """Applications decided by both."""
        return self.counts.total()

    @property
    def flipped(self) -> int:
        """Applications decided otherwise."""
        return sum(count for (was, becomes), count in self.counts.items() if was != becomes)
