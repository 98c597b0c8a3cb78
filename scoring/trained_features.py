"""What a bundle was trained with, feature by feature, and whether this code still has it.

A bundle is held to the rows it uses and to nothing else of the table of features: by name, by unit, and by what the
formula makes of some fixed applicants, because a formula is code and has no other content. Rows that are added,
directions and the sentences of reasons are free to change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256 as digest_of

import numpy as np

from scoring.canonical import canonical_json, sha256
from scoring.features import FEATURES, RAW, Column, Columns

_APPLICANTS = 64


@dataclass(frozen=True, slots=True)
class TrainedFeature:
    """One feature as a model was trained with it; `formula` is the hash of its values for the fixed applicants."""

    name: str
    unit: str
    formula: str

    @classmethod
    def of(cls, name: str) -> "TrainedFeature":
        """The feature of that name as this code has it. Raises KeyError where it has none."""
        row = FEATURES[name]
        values = [float(value).hex() for value in row.formula(_applicants())]
        return cls(name, row.unit, sha256(canonical_json(values)))

    def why_not_here(self) -> str | None:
        """Why a model trained with it cannot decide here, in one line; None where it can."""
        if self.name not in FEATURES:
            return f"feature {self.name} is not in this version's table of features"
        here = TrainedFeature.of(self.name)
        if here.unit != self.unit:
            return f"feature {self.name} is in {here.unit!r} here; the bundle was trained with it in {self.unit!r}"
        if here.formula != self.formula:
            return f"feature {self.name} has another formula here than the bundle was trained with"
        return None


@cache
def _applicants() -> Columns:
    return {name: _column(name) for name in RAW}


def _column(name: str) -> Column:
    """Numbers that are nobody's, up to some hundred millions, every fourth negative and every eighth missing.

    They follow from the name of the raw number alone: what else is known of an applicant changes no formula's hash.
    """
    digests = [digest_of(f"{name} of applicant {number}".encode()).digest() for number in range(_APPLICANTS)]
    # Whole numbers by a hundred: exact up to one rounding, the same on every machine.
    numbers = [(1 + int.from_bytes(digest[:2])) * 10 ** (digest[2] % 7) / 100 for digest in digests]
    signs = [-1 if digest[3] < 64 else 1 for digest in digests]
    missing = [digest[4] < 32 for digest in digests]
    return np.where(missing, np.nan, np.multiply(signs, numbers))


FORMAT_1_TABLE = "sha256:e6ace1306b5d6a49e2e0e674db2a4eed44ddfdc4486eb98929b05cc6cd017f72"
"""The hash by which manifests of format 1 name the whole table of features they were made with."""

_FORMAT_1 = {
    "dependents": ("persons", "24ff0822bf5de45dd53432ea019b58eedeeb7ead8d7008aa20eae2c963fe0afe"),
    "education": ("1: graduate, 0: not", "f066eaa22668220c72335c159de1ddf4e6b406e68ce1db9c296b6908c994e6d1"),
    "self_employed": ("1: yes, 0: no", "ee49c7d8cccd0e23eae00618c5890174dd22f270c6710debbda0492a29bf219e"),
    "annual_income": ("currency a year", "14881a911192ccb797dc50ceaed7728c35a44c75efbf9d24690f7db36f25b880"),
    "loan_amount": ("currency", "583f742a95ebc1fd642dcad96f7ef153e09501664dd66f608ad5a3df050b8201"),
    "loan_term": ("years", "146d913523acf2e764609d22da021452ca531e731e7d5a33dbe301408e4f4300"),
    "cibil_score": ("CIBIL points", "f1756cc94a0e7bd1f2c983c27f1be6997fd33abcbc61943298934b7e857a2fd9"),
    "residential_assets": ("currency", "f88871e0436704d3e37e87653bec70186e95d7479ed55921dacb6657ff65d421"),
    "commercial_assets": ("currency", "94a35b7c06a610136a83e09a8c4a757cdfb3ecbe120f5297171d0e8ac616fe3c"),
    "luxury_assets": ("currency", "e681c67a54b16c9ff92446cb06110345274e127ad7d10b704ad81792fc121f6f"),
    "bank_assets": ("currency", "71d2c8a896dee490825e7c8f9aee1f40fefbc4ae4a3a22d4b5a3e5708cb68aea"),
    "total_assets": ("currency", "d5f8d3c52cb8e775ba2d3403175fc0c0acb22e491edd87237d3bce1bf10583e9"),
    "lti": ("years of income", "4797ce3233bf375700dd1e272ed532c3c3fa18490fa2fa37e0670538559698d7"),
    "acr": ("times the loan", "178cef4403065d7c3ca6d6d30aba20e817c86249c0607b8db244e7e175a89ba1"),
    "dti": ("share of income", "12ff14042b2f70e121e9efcc0369b4bb0413bbe9bab0c9e2931c31eb94f2dd51"),
}
"""That table, by name: unit, and the formula's hash. Fixed for ever, like the bundles that were made with it."""


def features_of_format_1(names: Sequence[str]) -> tuple[TrainedFeature, ...]:
    """The rows behind the bare names in a manifest of format 1. Raises KeyError for a name it did not have."""
    return tuple(
        TrainedFeature(name, unit, f"sha256:{formula}") for name in names for unit, formula in (_FORMAT_1[name],)
    )
