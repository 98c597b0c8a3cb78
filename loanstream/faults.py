"""Which exceptions are faults of a person's making or of the surroundings, and the one line each is told in."""

import errno

from loanstream.extras import way_out

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""What a disk that is full, over its quota or read-only says."""

FAULTS = (
    "loanstream.ask.decisions.NotComparable",
    "loanstream.ask.reconcile.SinkBehind",
    "loanstream.ask.replay.NothingDecided",
    "loanstream.ask.topics.TopicsUnreadable",
    "loanstream.deadletters.LetterProblem",
    "loanstream.deadletters.LettersUnreadable",
    "loanstream.settings.SettingProblem",
    "loanstream.stack.problem.StackProblem",
    "processors.activations.NothingActive",
    "processors.artefacts.ArtefactMissing",
    "processors.documents.blobs.StoreDownError",
    "processors.warehouse.migrate.MigrationChanged",
    "producers.errors.ProducerError",
    "producers.files.UnknownKindError",
    "training.data.DataError",
    "scoring.bundle.BundleError",
    "scoring.policy.PolicyError",
    "clickhouse_connect.driver.exceptions.ClickHouseError",
    "confluent_kafka.KafkaException",
)
"""By name: importing them all would make every command slow."""


def describe_fault(error: Exception) -> str | None:
    """The line for `error`; None where it is a bug, whose trace is wanted."""
    if isinstance(error, ModuleNotFoundError):
        return way_out(error)
    if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError | NotADirectoryError):
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        # Opening names the file, writing does not.
        return f"{error.filename or 'writing failed'}: {error.strerror}"
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    # confluent_kafka's exceptions live in its C module.
    names |= {
        name.replace("confluent_kafka.cimpl", "confluent_kafka").replace("cimpl.", "confluent_kafka.") for name in names
    }
    if names.isdisjoint(FAULTS):
        return None
    return " ".join(str(error).split()) or type(error).__name__
