"""How features lay in the data that a bundle was trained on: what its manifest says, as rows of the warehouse.

Drift is measured against it. A bundle may bring none, and the store of artefacts may not be there for the record stage:
then there are no rows, and who shows drift says so.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import orjson

from schemas.problem import Problem
from scoring.features import FEATURES
from stores.warehouse.sealed import Row

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
MISSING, MISSING_BIN = "(missing)", -1


class References:
    """Gives the rows of a bundle's reference, once a bundle. `files` gives an artefact's files by its id, or raises
    Problem.
    """

    def __init__(self, files: Callable[[str], Mapping[str, bytes]]) -> None:
        self._files = files
        self._met: set[str] = set()

    def new(self, bundle_ids: set[str]) -> list[Row]:
        """The rows of those of `bundle_ids` that were not met yet; `met` says that they are written."""
        return [row for bundle_id in sorted(bundle_ids - self._met) for row in self._rows(bundle_id)]

    def met(self, bundle_ids: set[str]) -> None:
        """Ask no more for these."""
        self._met |= bundle_ids

    def _rows(self, bundle_id: str) -> list[Row]:
        try:
            return reference_rows(bundle_id, self._files(bundle_id)[MANIFEST])
        except (Problem, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("no reference of bundle %s can be read: %s", bundle_id, type(error).__name__)
            return []


def reference_rows(bundle_id: str, manifest: bytes) -> list[Row]:
    """The rows of a manifest's `reference`; none where it has none. ValueError, KeyError, TypeError, AttributeError
    where it is no manifest.
    """
    found = orjson.loads(manifest).get("reference") or {}
    return [
        {"bundle_id": bundle_id, "feature": name, **row}
        for name, histogram in found.items()
        if name in FEATURES
        for row in _bins(name, histogram)
    ]


def _bins(name: str, histogram: Mapping[str, Any]) -> Iterator[Row]:
    edges, counts, missing = histogram["edges"], histogram["counts"], histogram["missing"]
    whole = max(sum(counts) + missing, 1)
    bounds = list(pairwise(edges)) or [(edge, edge) for edge in edges]  # one value was all there was
    labels = _labels(name, bounds, histogram.get("values"))
    for number, ((lower, upper), count, label) in enumerate(zip(bounds, counts, labels, strict=True)):
        yield {"bin": number, "label": label, "lower": lower, "upper": upper, "share": count / whole}
    yield {"bin": MISSING_BIN, "label": MISSING, "lower": None, "upper": None, "share": missing / whole}


def _labels(name: str, bounds: Sequence[tuple[float, float]], values: Sequence[float] | None) -> list[str]:
    """Categories, each a bin of its own, are called by their value."""
    show = FEATURES[name].show
    return [f"{show(lower)} to {show(upper)}" for lower, upper in bounds] if values is None else [*map(show, values)]
