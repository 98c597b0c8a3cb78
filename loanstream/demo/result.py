"""What the demo counted, and how its figures hang together."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ASKED = ("outcomes", "reasons", "principal_reasons", "documents", "latency", "dead_letters")
"""The questions of `dashboards.queries` that the summary answers."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """An equation of the summary, and whether it holds."""

    said: str
    holds: bool


@dataclass
class Result:
    """`published` counts what was sent, by what it was; `over_https` what went to the gateway, `answered` what it
    said. Decision records and dead letters are an independent consumer's count, `recorded` and `answers`
    the warehouse's, `decided` its outcome of each application. `picture` is where *Today* was drawn.
    """

    stack_ready_s: float = 0.0
    published: Counter[str] = field(default_factory=Counter)
    over_https: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    truth: dict[str, str] = field(default_factory=dict)
    decision_records: int = 0
    decision_ids: int = 0
    dead_letters: int = 0
    recorded: int = 0
    decided: dict[str, str] = field(default_factory=dict)
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    differences: list[Any] = field(default_factory=list)
    replay: dict[str, int] = field(default_factory=dict)
    picture: Path | None = None

    def note(self, truth: str, key: str, *, over_https: bool = False) -> None:
        """One record was sent."""
        self.published[truth] += 1
        self.over_https += over_https
        if truth != "repeated":
            self.truth[key] = truth

    @property
    def repeats(self) -> int:
        """Decision records beyond the first of their id: a bank's own repeats."""
        return self.decision_records - self.decision_ids

    @property
    def proofs(self) -> list[Proof]:
        """Nothing lost, nothing twice, all of it recorded, each decision the same when it is made again."""
        published, ended = self.published.total(), self.decision_ids + self.dead_letters + self.repeats
        made = f"{self.decision_ids} decided + {self.dead_letters} dead letters + {self.repeats} repeats"
        replayed = ", ".join(f"{count} {verdict}" for verdict, count in self.replay.items()) or "none"
        accepted = self.answered["accepted"]
        return [
            Proof(f"{published} published = {made}", published == ended),
            Proof(
                f"{self.over_https} of them over HTTPS = {accepted} accepted by the gateway",
                self.over_https == accepted,
            ),
            Proof(
                f"{self.decision_ids} distinct decision ids = {self.recorded} recorded",
                self.decision_ids == self.recorded,
            ),
            Proof(f"warehouse against topics: {len(self.differences) or 'no'} differences", not self.differences),
            Proof(f"made again from their receipts: {replayed}", self.replay.keys() == {"equal"}),
        ]

    @property
    def adds_up(self) -> bool:
        """Whether every proof holds: what the exit code says."""
        return all(proof.holds for proof in self.proofs)

    @property
    def outcomes(self) -> dict[str, int]:
        """Decisions by outcome, over all banks."""
        counted: Counter[str] = Counter()
        for row in self.answers["outcomes"]:
            counted[row["outcome"]] += row["decisions"]
        return dict(counted)

    @property
    def causes(self) -> dict[str, int]:
        """Dead letters by cause, over all banks."""
        counted: Counter[str] = Counter()
        for row in self.answers["dead_letters"]:
            counted[row["cause"]] += row["records"]
        return dict(counted)

    @property
    def latency_ms(self) -> dict[str, dict[str, float]]:
        """Percentiles by stage; verify's lanes apart, `decision` from acceptance to decision in the fast lane."""
        names = {("verify", "fast"): "verify", ("verify", "slow"): "verify-slow"}
        names |= {(stage, "fast"): stage for stage in ("score", "decision")}
        names |= {("decision", "slow"): "decision-slow"}
        return {
            names[row["stage"], row["lane"]]: {name: float(row[name]) for name in ("p50", "p95", "p99")}
            for row in self.answers["latency"]
            if (row["stage"], row["lane"]) in names
        }

    def caught(self) -> Iterator[Row]:
        """For each kind of application how it ended: (kind, sent, approved, referred, declined)."""
        ended: Counter[tuple[str, str]] = Counter(
            (truth, self.decided[key]) for key, truth in self.truth.items() if key in self.decided
        )
        for kind in sorted({truth for truth, _ in ended}):
            counts = [ended[kind, outcome] for outcome in ("approve", "refer", "decline")]
            yield (kind, sum(counts), *counts)
