"""What can be activated: bundles and policies, one row each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

from registry.named import bundle_files, policy_text
from registry.scorers import POLICY_FILE, Artefacts, stored_bundle, stored_policy
from scoring.bundle import load_bundle
from scoring.policy_document import parse_policy

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of artefact. `files` finds one by a shipped name, a folder or a file; `id_of` checks its files as those of
    an author, `id_as_stored` as a worker would; `stored` does so with what the store has. All raise Problem, `stored`
    an `Unusable`.

    `named_by` is its id in an activation, a step of a history, or whatever else has a field for each kind.
    """

    field: str
    files: Callable[[str], Files]
    id_of: Callable[[Files], str]
    id_as_stored: Callable[[Files], str]
    stored: Callable[[Artefacts, str], object]

    @property
    def named_by(self) -> Callable[[Any], str | None]:
        """Reads the kind's id from what names one, or None."""
        return attrgetter(self.field)


def _policy_id(files: Files, *, stored: bool) -> str:
    return parse_policy(files[POLICY_FILE].decode(), stored=stored).policy_id


def _bundle_id(files: Files) -> str:
    return load_bundle(files).bundle_id


KINDS: Mapping[str, Kind] = {
    "policy": Kind(
        "policy_id",
        lambda named: {POLICY_FILE: policy_text(named).encode()},
        partial(_policy_id, stored=False),
        partial(_policy_id, stored=True),
        stored_policy,
    ),
    "bundle": Kind("bundle_id", bundle_files, _bundle_id, _bundle_id, stored_bundle),
}
