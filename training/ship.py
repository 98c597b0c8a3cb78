"""The bundles that come with the package, made again: `python -m training.ship FILE` (`make bundles`).

FILE is the public loan set, held against its hash. The sums beside the bundles hold the cards, which no manifest names.
"""

import hashlib
import sys
from pathlib import Path

from schemas.problem import Problem
from scoring import shipped
from training.data import PUBLIC_SET_SHA256, read_loans
from training.recipes import RECIPES
from training.train import make_bundle

FOLDER = Path(shipped.__file__).parent / "bundles"
SUMS = "SHA256SUMS"
CURRENCY = "INR"
"""CIBIL scores are India's, and the set's amounts are rupees."""


def ship(data: Path, folder: Path = FOLDER) -> list[str]:
    """Write every shipped bundle into `folder`, and their sums; the lines that say what changed.

    Raises Problem where `data` is not the public set, OSError where files cannot be read or written.
    """
    loans = read_loans(data)
    if loans.sha256 != PUBLIC_SET_SHA256:
        raise Problem(f"{data} is not the public loan set: expected sha256 {PUBLIC_SET_SHA256}")
    told = []
    for name in shipped.BUNDLES:
        files, card = make_bundle(loans, RECIPES[name], CURRENCY)
        there = folder / name
        there.mkdir(parents=True, exist_ok=True)
        same = all((there / file).is_file() and (there / file).read_bytes() == data for file, data in files.items())
        for file, content in files.items():
            (there / file).write_bytes(content)
        told.append(f"{name}: {'unchanged' if same else 'written'}, {card.bundle_id}")
    (folder / SUMS).write_text(sums(folder), "utf-8")
    return told


def sums(folder: Path) -> str:
    """SHA-256 of every file of the shipped bundles, as `sha256sum` writes them."""
    files = sorted(path for name in shipped.BUNDLES for path in (folder / name).iterdir())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}" for path in files
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Exit code 2 without the one FILE."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m training.ship FILE (the public loan set's CSV)\n")
        return 2
    for line in ship(Path(arguments[0])):
        sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
