"""Whether a bundle is what it says: its files, its figures, and, with the data, its training."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from loanstream.models.described import Described
from schemas.problem import Problem
from scoring.bundle import BundleError, load_bundle
from scoring.canonical import sha256


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
        load_bundle(bundle.files)
    except BundleError as error:
        yield Checked("files, features and golden vectors", ok=False, said=str(error))
    else:
        yield Checked("files, features and golden vectors", ok=True, said="as the manifest says; the same bits here")
    yield _card_is_of_it(bundle)
    yield _trained_again(bundle, data)


def _card_is_of_it(bundle: Described) -> Checked:
    """A card is in no hash; its name for the bundle says at least whose it was."""
    claim = "the card is this bundle's"
    if not bundle.card:
        return Checked(claim, ok=None, said="the bundle has no card.json")
    same = bundle.card.get("bundle_id") == bundle.bundle_id
    return Checked(claim, ok=same, said="it names the bundle's id" if same else "it names another bundle's id")


def _trained_again(bundle: Described, data: Path | None) -> Checked:
    claim = "trained again it is the same, byte for byte"
    if data is None:
        return Checked(claim, ok=None, said="not asked; name the training data with --data")
    expected = bundle.manifest.get("data", {}).get("sha256")
    if sha256(data.read_bytes()).removeprefix("sha256:") != str(expected).removeprefix("sha256:"):
        return Checked(claim, ok=False, said=f"{data.name} is not the file that the manifest names by its SHA-256")
    try:
        again = _again(bundle)(data)
    except Problem as error:
        return Checked(claim, ok=False, said=str(error))
    differing = sorted(name for name in {*again, *bundle.files} if again.get(name) != bundle.files.get(name))
    if differing:
        return Checked(claim, ok=False, said=f"{', '.join(differing)} would be otherwise")
    return Checked(claim, ok=True, said=f"{len(again)} files")


def _again(bundle: Described) -> Callable[[Path], dict[str, bytes]]:
    """The training that a manifest names. Raises Problem for a recipe that this code does not have."""
    from training.data import read_loans
    from training.recipes import RECIPES
    from training.train import make_bundle

    named = bundle.manifest.get("trainer", {}).get("recipe")
    if named not in RECIPES:
        raise Problem(f"this code has no recipe {named}; expected one of {', '.join(RECIPES)}")
    return lambda data: make_bundle(read_loans(data), RECIPES[named], bundle.manifest["currency"])[0]
