"""Whether a bundle is what it says: its files, its figures, and, with the data, its training."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loanstream.models.again import trained_again
from loanstream.models.described import REPORT, Described
from schemas.problem import Problem
from scoring.bundle import BundleError, is_of_other_data, load_bundle


@dataclass(frozen=True, slots=True)
class Checked:
    """One claim: `ok`, or what is otherwise. None: it could not be asked, and why."""

    claim: str
    ok: bool | None
    said: str


def verify(bundle: Described, data: Path | None) -> Iterator[Checked]:
    """Every claim of a bundle, each as it is known. With the `data` it was trained on it is trained again, byte for
    byte, which takes as long as training did.
    """
    try:
        _load(bundle)
    except BundleError as error:
        yield Checked("files, features and golden vectors", ok=False, said=str(error))
    else:
        yield Checked("files, features and golden vectors", ok=True, said="as the manifest says; the same bits here")
    yield _card_is_of_it(bundle)
    yield from _trained_again(bundle, data)


def _load(bundle: Described) -> None:
    if is_of_other_data(bundle.files):
        from training.tabular.bundle import load_table_bundle

        load_table_bundle(bundle.files)
    else:
        load_bundle(bundle.files)


def _card_is_of_it(bundle: Described) -> Checked:
    """A card is in no hash; its name for the bundle says at least whose it was."""
    claim = "the card is this bundle's"
    if not bundle.card:
        return Checked(claim, ok=None, said="the bundle has no card.json")
    same = bundle.card.get("bundle_id") == bundle.bundle_id
    return Checked(claim, ok=same, said="it names the bundle's id" if same else "it names another bundle's id")


def _trained_again(bundle: Described, data: Path | None) -> Iterator[Checked]:
    claim = "trained again it is the same, byte for byte"
    if data is None:
        yield Checked(claim, ok=None, said="not asked; name the training data with --data")
        return
    try:
        again = trained_again(bundle, data)
    except Problem as error:
        yield Checked(claim, ok=False, said=str(error))
        return
    there = {name: content for name, content in bundle.files.items() if name != REPORT}
    differing = sorted(name for name in {*again.files, *there} if again.files.get(name) != there.get(name))
    if differing:
        yield Checked(claim, ok=False, said=f"{', '.join(differing)} would be otherwise")
    else:
        yield Checked(claim, ok=True, said=f"{len(again.files)} files")
    if REPORT in bundle.files:
        same = again.report() == bundle.files[REPORT]
        yield Checked("the report is of this training", ok=same, said="the same" if same else "it would be otherwise")
