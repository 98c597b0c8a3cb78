"""What a bundle says of itself: its manifest, and its card where it has one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from registry.named import bundle_files
from scoring.bundle import MANIFEST, BundleError, bundle_id_of

CARD = "card.json"
CARD_TEXT = "card.md"
REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Described:
    """A bundle's files with its manifest and card (empty where it has none); nothing of it has been checked."""

    named: str
    files: Mapping[str, bytes]
    manifest: dict[str, Any]
    card: dict[str, Any]

    @property
    def bundle_id(self) -> str:
        """The hash of the manifest, which names the hashes of the rest."""
        return bundle_id_of(self.manifest)

    @property
    def features(self) -> list[str]:
        """Names; an old manifest has nothing else of them."""
        return [one["name"] if isinstance(one, dict) else one for one in self.manifest["features"]]

    @property
    def figures(self) -> dict[str, float]:
        """The card's out-of-fold figures that are numbers."""
        told = self.card.get("figures") or {
            name: found.get("value") for name, found in self.card.get("metrics", {}).items() if isinstance(found, dict)
        }
        return {name: value for name, value in told.items() if isinstance(value, int | float)}


def described(named: str) -> Described:
    """A shipped bundle (by name) or a folder's. Raises Problem where there is none, BundleError where its manifest or
    card is no JSON object.
    """
    files = bundle_files(named)
    return Described(named, files, _object(files, MANIFEST), _object(files, CARD) if CARD in files else {})


def _object(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        content = orjson.loads(files[name])
    except orjson.JSONDecodeError:
        raise BundleError(f"{name}: expected JSON") from None
    if not isinstance(content, dict):
        raise BundleError(f"{name}: expected a JSON object")
    return content
