"""The one line in which a fault is told that a person, or the surroundings, can mend."""

import errno

from loanstream.extras import way_out
from schemas.problem import Problem

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""What a disk that is full, over its quota or read-only says."""

PATHS = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
"""A path leads to something else than was meant."""

FOREIGN = (
    "clickhouse_connect.driver.exceptions.ClickHouseError",
    "confluent_kafka.KafkaException",
)
"""Other libraries' errors that are a person's to mend. By name: importing them would make every command slow."""


def describe_problem(error: Exception) -> str | None:
    """The line for `error`; None where it is a bug, whose trace is wanted."""
    if isinstance(error, ModuleNotFoundError):
        return way_out(error)
    if isinstance(error, PATHS):
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        # Opening names the file, writing does not.
        return f"{error.filename or 'writing failed'}: {error.strerror}"
    refused = _refused(error)
    if refused is not None:
        return (
            f"the broker refuses it to this account ({refused}): see LOANSTREAM_KAFKA_ADMIN_SECURITY, and "
            "docs/reference/access.md for the rights that are needed"
        )
    if not isinstance(error, Problem) and _kinds(error).isdisjoint(FOREIGN):
        return None
    return " ".join(str(error).split()) or type(error).__name__


def _refused(error: Exception) -> str | None:
    """The right that is lacking, by Kafka's name for its absence; None where the broker refused nothing."""
    name = getattr(error.args[0], "name", None) if error.args else None
    found = str(name()) if callable(name) else ""
    return found if found.endswith("_AUTHORIZATION_FAILED") else None


def _kinds(error: Exception) -> set[str]:
    """The full names of an exception's classes; confluent_kafka's live in its C module."""
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return names | {
        name.replace("confluent_kafka.cimpl", "confluent_kafka").replace("cimpl.", "confluent_kafka.") for name in names
    }
