"""The artefact store: bundles and policies by content hash, never changed, never deleted."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from schemas.problem import Problem
from stores.private_files import sync_directory, write_private

Named = Callable[[str], str | None]
"""The name of an artefact's id, None where it is not known."""


class ArtefactMissing(Problem):
    """An artefact that an activation or a receipt names is not in the store."""


class ArtefactStore:
    """A directory of artefacts: `<root>/<sha256 hex>/<file>`; ids are `sha256:<hex>`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _folder(self, artefact_id: str) -> Path:
        digest = artefact_id.removeprefix("sha256:")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ArtefactMissing("an artefact's id is sha256: and 64 hexadecimal digits")
        return self._root / digest

    def put(self, artefact_id: str, files: Mapping[str, bytes]) -> None:
        """Store an artefact's files, all or none; storing it again changes nothing."""
        folder = self._folder(artefact_id)
        if folder.is_dir():
            return
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._root, prefix=".put-") as draft:
            staged = Path(draft) / "artefact"
            staged.mkdir()
            for name, data in files.items():
                write_private(staged / name, data)
            try:
                staged.rename(folder)
            except OSError:
                if not folder.is_dir():  # another writer of the same content was first: that is as good
                    raise
        sync_directory(self._root)

    def holds(self, artefact_id: str) -> bool:
        """Whether it is there."""
        return self._folder(artefact_id).is_dir()

    def get(self, artefact_id: str) -> dict[str, bytes]:
        """An artefact's files. Raises `ArtefactMissing`."""
        folder = self._folder(artefact_id)
        if not folder.is_dir():
            raise ArtefactMissing(f"artefact {artefact_id} is not in the store")
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def artefact_name(artefacts: ArtefactStore) -> Named:
    """Names artefacts as they name themselves in the store."""

    def named(artefact_id: str) -> str | None:
        try:
            files = artefacts.get(artefact_id)
        except ArtefactMissing:
            return None
        return next(str(read(files[file])["name"]) for file, read in _NAMED_IN.items() if file in files)

    return named


_NAMED_IN: Mapping[str, Callable[[bytes], Any]] = {"policy.yaml": yaml.safe_load, "manifest.json": json.loads}
"""Where an artefact's name stands. Not by the loaders: they take a second, and a name needs no golden vectors."""
