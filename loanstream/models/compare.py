"""How two bundles differ: what they were made of, and how well their cards say they do."""

from dataclasses import dataclass
from typing import Any

from loanstream.models.described import Described

MADE_OF = ("kind", "positive", "currency", "label", "data", "trainer", "calibrator", "may_be_missing", "libraries")
"""Keys of a manifest that two bundles are held against each other by; features and ranges are told by name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is otherwise: None where a side has none."""

    what: str
    a: Any
    b: Any


def differences(a: Described, b: Described) -> list[Difference]:
    """What differs, in the order of the manifest; nested values are told each by its own dotted name."""
    found = []
    for key in MADE_OF:
        ours, theirs = _flat(key, a.manifest.get(key)), _flat(key, b.manifest.get(key))
        found += [
            Difference(name, ours.get(name), theirs.get(name))
            for name in dict.fromkeys([*ours, *theirs])
            if ours.get(name) != theirs.get(name)
        ]
    for name in dict.fromkeys([*a.features, *b.features]):
        used = [name in side.features for side in (a, b)]
        ranges = [_range(side, name) for side in (a, b)]
        if not all(used):
            found.append(Difference(f"feature {name}", *("used" if uses else None for uses in used)))
        elif ranges[0] != ranges[1]:
            found.append(Difference(f"range of {name}", *ranges))
    return found


def figures(a: Described, b: Described) -> dict[str, tuple[float | None, float | None]]:
    """The cards' figures side by side. Each was measured on the bundle's own data: they compare where these are one."""
    return {name: (a.figures.get(name), b.figures.get(name)) for name in dict.fromkeys([*a.figures, *b.figures])}


def same_data(a: Described, b: Described) -> bool:
    """Whether both were trained on the same bytes."""
    ours, theirs = (side.manifest.get("data", {}).get("sha256") for side in (a, b))
    return ours is not None and ours == theirs


def _flat(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {} if value is None else {name: value}
    return {inner: held for key, part in value.items() for inner, held in _flat(f"{name}.{key}", part).items()}


def _range(side: Described, name: str) -> str | None:
    found = side.manifest.get("ranges", {}).get(name)
    return None if found is None else f"{found['low']:.12g} to {found['high']:.12g}"
