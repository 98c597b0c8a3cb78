"""One look at the flow as plain data: what the broker tells, what the warehouse tells, and what could not be asked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the broker tells of one stage: `workers` in its group (None while the group changes), records that wait
    (offsets, in partitions in which a record waits) and the seconds that the oldest of them has waited.
    """

    workers: int | None
    waiting: int
    oldest_s: float | None


@dataclass(frozen=True, slots=True)
class Pace:
    """What the warehouse tells of one stage: records a second in the last 10 seconds and in the last minute, by the
    workers' own counts (None where there are none of that time), and how long one took, in milliseconds.
    """

    per_s_10: float | None = None
    per_s_60: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the warehouse tells: the pace of each stage (and of `DECISION`, from acceptance to decision), decisions in
    the last minute and hour by outcome, dead letters of the last hour by cause, the last activation.
    """

    paces: Mapping[str, Pace]
    decisions: Mapping[str, tuple[int, int]]
    dead_letters: Mapping[str, int]
    activation: Mapping[str, Any] | None


DECISION = "decision"
"""The whole way of an application, beside the stages."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One look; `backlogs` and `told` are None where they could not be asked, and `away` says why, by who was asked.

    `ages_s` are the seconds since each of the others was heard: of one that hangs its last figures stand for a while.
    """

    at: str
    tenant: str | None
    backlogs: Mapping[str, Backlog] | None
    told: Told | None
    away: Mapping[str, str] = field(default_factory=dict)
    ages_s: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        told = None if self.told is None else asdict(self.told)
        if told is not None:
            told["decisions"] = {
                outcome: {"minute": minute, "hour": hour} for outcome, (minute, hour) in told["decisions"].items()
            }
        backlogs = None if self.backlogs is None else {name: asdict(one) for name, one in self.backlogs.items()}
        return {"at": self.at, "tenant": self.tenant, "broker": backlogs, "warehouse": told, "away": dict(self.away)}
