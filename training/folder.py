"""Where a bundle is written: a folder of its own, in which another bundle stays as it is."""

import os
from collections.abc import Mapping
from pathlib import Path

from schemas.problem import Problem

REPORT = "report.html"
"""The validation report, which is for people and in no hash."""


class AnotherBundleError(Problem):
    """The folder holds another bundle, which stays as it is."""


class NoFolderError(Problem):
    """A bundle cannot be written there."""


def check_folder(out: Path) -> None:
    """Before a training of minutes ends in a file that stands where the folder would be. Raises NoFolderError."""
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NoFolderError(f"{there} is a file; expected a folder for the bundle, or a name that is free")
    if not os.access(there, os.W_OK | os.X_OK):
        raise NoFolderError(f"{there} cannot be written; expected a folder for the bundle that can")


def write_files(files: Mapping[str, bytes], out: Path, *, overwrite: bool) -> None:
    """Write a bundle's files. Raises AnotherBundleError where the folder holds another one that may not be overwritten,
    OSError where they cannot be written. The report of a bundle that is overwritten goes with it.
    """
    differing = [
        name for name, content in files.items() if (out / name).exists() and (out / name).read_bytes() != content
    ]
    if differing and not overwrite:
        raise AnotherBundleError(f"{out} holds another bundle ({', '.join(differing)} differ); nothing was written")
    out.mkdir(parents=True, exist_ok=True)
    if differing and REPORT not in files:
        (out / REPORT).unlink(missing_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
