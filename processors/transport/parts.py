"""What the parts of a worker share, whatever its stage does: who it is, whom it tells, how it ends."""

from dataclasses import dataclass

from processors.transport.membership import Member
from processors.transport.meters import Meters
from processors.transport.runtime import Die, Progress
from processors.transport.specs import RangeSpec, StageSpec, WorkerKafka


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """One worker's own: its broker, its membership, its metrics and health, and its end."""

    kafka: WorkerKafka
    member: Member
    meters: Meters
    progress: Progress
    die: Die

    @classmethod
    def of(cls, spec: StageSpec | RangeSpec, kafka: WorkerKafka, slot: int, die: Die) -> "WorkerParts":
        """Those of the worker that runs `spec` in `slot`."""
        return cls(kafka, Member(spec.name, slot), Meters(spec.name, slot), Progress(spec.patience_s), die)
