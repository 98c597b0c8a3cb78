"""A bundle of another data set: its specification, encoders, trees, logistic model, calibrator and golden rows.

It scores files that have the columns of its specification. It cannot be activated: the decisions of this product are
made by features of its own applications. `manifest.json` holds the hashes of all files that scoring depends on; the
bundle's id is the hash of the manifest. `card.json` and `card.md` are for people, and in no hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from scoring.booster import xgboost
from scoring.bundle import MANIFEST, MODEL, OTHER_KIND, BundleError, bundle_id_of, is_of_other_data, open_model
from scoring.canonical import sha256
from training.derived import derive
from training.design import encode_columns, feature_names
from training.encode import encoders
from training.encode.encoders import Encoder
from training.folds import Matrix
from training.intake.table import Table
from training.learner import calibrators
from training.learner.boosted import margins_of
from training.learner.calibrators import Calibrator
from training.learner.learn import Model, mixed
from training.learner.linear import Linear
from training.specification import Specification, parse_specification, specification_yaml
from training.typed import Typed, check_columns, typed

Vector = npt.NDArray[np.float64]

FORMAT = 1
SPECIFICATION, LEARNED, REFERENCE, GOLDEN = "specification.yaml", "learned.json", "reference.json", "golden.json"
HASHED = (MODEL, SPECIFICATION, LEARNED, REFERENCE, GOLDEN)
GOLDEN_ROWS = 16
DIGITS = 9
"""Of a probability."""


@dataclass(frozen=True, slots=True)
class TableBundle:
    """A loaded bundle of another data set."""

    bundle_id: str
    manifest: Mapping[str, Any]
    specification: Specification
    encoders: list[Encoder]
    booster: Any
    linear: Linear
    trees_share: float
    calibrator: Calibrator

    def matrix(self, table: Table) -> tuple[Matrix, list[str]]:
        """The features of a table's rows, and sentences on cells that could not be read.

        Raises SpecificationError where a column is lacking, or a cell is not as the specification says.
        """
        check_columns(table, self.specification.features)
        columns: dict[str, Typed] = {}
        said = []
        for name in self.specification.features:
            columns[name], told = typed(table, name, self.specification)
            said += told
        columns |= {name: derive(derived, columns) for name, derived in self.specification.derived.items()}
        return encode_columns(self.encoders, columns), said

    def probabilities(self, rows: Matrix) -> Vector:
        """Of the positive class, (n,), rounded to nine digits."""
        margins = mixed(self.trees_share, margins_of(self.booster, rows), self.linear.margins(rows))
        return np.round(self.calibrator.calibrated(margins), DIGITS)


def files_of(
    model: Model, fitted: list[Encoder], specification: Specification, rows: Matrix, about: Mapping[str, Any]
) -> dict[str, bytes]:
    """The files that scoring depends on, and the manifest. `about`: what else the manifest says, with `reference`."""
    learned = {
        "encoders": [encoders.as_json(encoder) for encoder in fitted],
        "linear": model.linear.as_json(),
        "trees_share": model.trees_share,
        "calibrator": calibrators.as_json(model.calibrator),
    }
    about = dict(about)
    files = {
        MODEL: bytes(model.booster.save_raw(raw_format="ubj")),
        SPECIFICATION: specification_yaml(specification).encode(),
        LEARNED: _json(learned),
        REFERENCE: _json(about.pop("reference")),
    }
    files[GOLDEN] = _json(_golden(_unchecked({}, files), _golden_rows(rows)))
    manifest = {
        "format": FORMAT,
        "kind": OTHER_KIND,
        "name": specification.name,
        "positive": {"column": specification.target.column, "values": list(specification.target.positive)},
        "features": list(feature_names(fitted)),
        "files": {name: sha256(files[name]) for name in HASHED},
        **about,
    }
    files[MANIFEST] = _json(manifest)
    load_table_bundle(files)
    return files


def load_table_bundle(files: Mapping[str, bytes]) -> TableBundle:
    """The bundle in `files`, after checking hashes and golden rows. Raises BundleError with one line."""
    if not is_of_other_data(files):
        raise BundleError(f"{MANIFEST}: no bundle of another data set")
    manifest = orjson.loads(files[MANIFEST])
    if manifest.get("format") != FORMAT or not isinstance(manifest.get("files"), dict):
        raise BundleError(f"{MANIFEST}: expected format {FORMAT} with the hashes of its files")
    for name in HASHED:
        if name not in files:
            raise BundleError(f"{name}: missing")
        if sha256(files[name]) != manifest["files"].get(name):
            raise BundleError(f"{name}: its bytes are not those that {MANIFEST} names")
    try:
        bundle = _unchecked(manifest, files)
        golden = orjson.loads(files[GOLDEN])
        rows = np.array([[float.fromhex(cell) for cell in row["features"]] for row in golden])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{LEARNED} or {GOLDEN}: not as training writes it") from error
    for at, (expected, found) in enumerate(zip(golden, _golden(bundle, rows), strict=True)):
        if expected != found:
            raise BundleError(
                f"{GOLDEN}: row {at} gives another probability here (XGBoost {xgboost.__version__}, numpy "
                f"{np.__version__}) than where the bundle was made"
            )
    return bundle


def _unchecked(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> TableBundle:
    learned = orjson.loads(files[LEARNED])
    return TableBundle(
        bundle_id_of(manifest),
        manifest,
        parse_specification(files[SPECIFICATION].decode(), SPECIFICATION),
        [encoders.from_json(content) for content in learned["encoders"]],
        open_model(files[MODEL]),
        Linear.from_json(learned["linear"]),
        learned["trees_share"],
        calibrators.from_json(learned["calibrator"]),
    )


def _golden(bundle: TableBundle, rows: Matrix) -> list[dict[str, Any]]:
    return [
        {"features": [float(cell).hex() for cell in row], "p_calibrated": float(p).hex()}
        for row, p in zip(rows, bundle.probabilities(rows), strict=True)
    ]


def _golden_rows(rows: Matrix) -> Matrix:
    """Rows across the data's range that are nobody's: quantiles of the columns, mixed; and one all missing."""
    levels = np.arange(GOLDEN_ROWS) / (GOLDEN_ROWS - 1)
    mixed_up = [
        np.full(GOLDEN_ROWS, np.nan) if np.isnan(column).all() else np.nanquantile(column, np.roll(levels, 5 * at))
        for at, column in enumerate(rows.T)
    ]
    return np.vstack([np.column_stack(mixed_up), np.full((1, rows.shape[1]), np.nan)])


def _json(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)
