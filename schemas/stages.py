"""The stages of the flow, one row each: what a stage reads, what it writes, as which consumer group.

The broker's groups and offsets, the workers, the architecture page and (with broker security) the ACLs are made from
this table. A stage's consumer group, static member id and transactional id all derive from its name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """One kind of worker process.

    `reads`, `writes` and `consults` are names of rows in `schemas.topics.TOPICS`; what it consults it reads whole and
    beside its group. `name` is also what its workers' processes are called in `stack.json`, before their `-N`.
    """

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    does: str
    consults: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The consumer group; also the stem of `group.instance.id` and `transactional.id` (`<group>-<slot>`)."""
        return self.name


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(
            "verify",
            reads=("applications",),
            writes=("applications_slow", "verifications", "applications_dlq", "rejections", "metrics"),
            does="reads documents with a text layer within 300 ms a batch, checks claims against them",
        ),
        Stage(
            "verify-slow",
            reads=("applications_slow",),
            writes=("verifications", "applications_slow_dlq", "metrics"),
            does="reads what the fast lane had no time for, the tenants in turn, up to 6 s a document",
        ),
        Stage(
            "score",
            reads=("verifications",),
            writes=("decisions", "verifications_dlq", "metrics"),
            does="features, model, calibration, policy: one pure call a batch",
            consults=("control",),
        ),
        Stage(
            "record",
            reads=(
                "applications",
                "verifications",
                "decisions",
                "outcomes",
                "control",
                "metrics",
                "letters_handled",
                "applications_dlq",
                "applications_slow_dlq",
                "verifications_dlq",
                "decisions_dlq",
                "outcomes_dlq",
                "control_dlq",
                "metrics_dlq",
                "letters_handled_dlq",
            ),
            writes=(
                "applications_dlq",
                "applications_slow_dlq",
                "verifications_dlq",
                "decisions_dlq",
                "outcomes_dlq",
                "control_dlq",
                "metrics_dlq",
                "letters_handled_dlq",
                "rejections",
                "metrics",
            ),
            does="writes every event into the warehouse in planned offset ranges; a refused row becomes a dead letter",
        ),
    )
}
