"""Files that people name on the command line."""

from pathlib import Path

from loanstream.stack.problem import StackProblem

APPLICATION_FILES = (".csv", ".jsonl", ".ndjson")


def application_file(path: Path) -> Path:
    """`path`, where it is of a kind that applications can be read from. StackProblem where it is not."""
    if path.suffix.lower() not in APPLICATION_FILES:
        raise StackProblem(f"{path.name}: expected a file of applications ({', '.join(APPLICATION_FILES)})")
    return path
