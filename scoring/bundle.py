"""A model bundle: native XGBoost model, calibrator, manifest and golden vectors, from bytes and checked as a whole.

Files of a bundle: `manifest.json` (what of this code it was trained with: each feature's name, unit and formula;
range in the training data, currency, hashes of the other files, calibrator, reference histograms, provenance),
`model.ubj`, `golden.json`;
`card.json` and `card.md` are for people, and in no hash: what proves their figures is training again
(docs/train-a-model.md). `bundle_id` is the hash of the canonical manifest, which holds the hashes of all the rest.
Manifests of format 1 name features alone, and the whole table they came from by one hash. Ranges may be absent:
bundles from before them state none.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from schemas.problem import Problem
from scoring.booster import xgboost
from scoring.canonical import canonical_json, sha256
from scoring.features import POSITION
from scoring.trained_features import FORMAT_1_TABLE, TrainedFeature, features_of_format_1
from scoring.trained_range import TrainedRange
from scoring.tree_tables import TreeTables

MANIFEST = "manifest.json"
MODEL = "model.ubj"
GOLDEN = "golden.json"
FORMAT = 2
"""Of manifests that training writes. Bundles of format 1 stay what they are, and decide as they did."""

LOG_ODDS_LIMIT = 13.8
"""No calibrated log-odds may lie beyond: points clip probabilities at 1e-6, whose log-odds are 13.8155, and rows of an
explanation could not add up to what is cut off there."""

OTHER_KIND = "table"
"""What the manifest of a bundle of another data set has as its kind (training/tabular/bundle.py)."""

OTHER_DATA = (
    "a bundle of another data set: its features are not those of an application, so it decides none and cannot be "
    "activated; it scores files of its own columns (score FILE --bundle DIR)"
)

_LEAF = re.compile(r"leaf=([^,\s]+)")

Matrix = npt.NDArray[np.float64]


class BundleError(Problem):
    """A bundle that must not decide: incomplete, altered, or computing otherwise here than where it was made."""


@dataclass(frozen=True, slots=True)
class Raw:
    """What the model says of n applicants, before calibration.

    `margin`: log-odds, float64 of XGBoost's float32, (n,). `contributions`: exact TreeSHAP in the same unit, (n, k),
    which sums with `bias` to the margin up to float32.
    """

    margin: npt.NDArray[np.float64]
    contributions: Matrix
    bias: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A loaded bundle. `a` and `b` are Platt's: calibrated log-odds = a * margin + b.

    `may_be_missing` names features of which training saw missing values; the model is not asked about others that are
    missing. `ranges` are of the features that training saw a value of; an older bundle has none. `golden` are the rows
    of its golden vectors; `typical` is the typical approved applicant of its training data, feature by feature, where
    the manifest states one.
    """

    bundle_id: str
    name: str
    features: tuple[str, ...]
    currency: str
    a: float
    b: float
    may_be_missing: frozenset[str]
    ranges: Mapping[str, TrainedRange]
    booster: Any
    tree_tables: TreeTables | None
    golden: tuple[tuple[float, ...], ...]
    typical: Mapping[str, float]

    @property
    def columns(self) -> list[int]:
        """Where the bundle's features stand in the table's matrix."""
        return [POSITION[name] for name in self.features]

    def raw(self, features: Matrix) -> Raw:
        """Margins and contributions of (n, k) rows, columns in the order of `features`. Safe to call from threads."""
        return margins_and_contributions(self.booster, features, self.tree_tables)

    def margins(self, features: Matrix) -> npt.NDArray[np.float64]:
        """The margins alone, of rows as for `raw`: the same bits."""
        if self.tree_tables is not None:
            return self.tree_tables.margins(features).astype(np.float64)
        if not len(features):  # XGBoost warns of nobody, and answers in another shape
            return np.zeros(0)
        margins: npt.NDArray[np.float64] = self.booster.predict(
            xgboost.DMatrix(features, nthread=1), output_margin=True
        ).astype(np.float64)
        return margins

    @property
    def used(self) -> list[int]:
        """The places of the features that its trees look at, ascending."""
        return sorted(int(name.removeprefix("f")) for name in self.booster.get_score(importance_type="weight"))


def margins_and_contributions(booster: Any, features: Matrix, tree_tables: TreeTables | None = None) -> Raw:
    """Margins and exact contributions of a booster for (n, k) float64 rows; missing is NaN. Its `tree_tables`, where it
    has some, give the same bits sooner.
    """
    if tree_tables is not None:
        margins, added = tree_tables.margins_and_contributions(features)
        bias = np.full(len(features), tree_tables.bias, np.float64)
        return Raw(margins.astype(np.float64), added.astype(np.float64), bias)
    if not len(features):
        return Raw(np.zeros(0), np.zeros(features.shape), np.zeros(0))
    data = xgboost.DMatrix(features, nthread=1)
    margin = booster.predict(data, output_margin=True).astype(np.float64)
    contributions = booster.predict(data, pred_contribs=True).astype(np.float64)
    return Raw(margin, contributions[:, :-1], contributions[:, -1])


def open_model(data: bytes) -> Any:
    """A booster from native bytes, held to one thread: the sum of its trees must not depend on a schedule."""
    booster = xgboost.Booster({"nthread": 1})
    try:
        booster.load_model(bytearray(data))
    except xgboost.core.XGBoostError as error:
        raise BundleError(f"{MODEL}: XGBoost {xgboost.__version__} cannot read it") from error
    return booster


def margin_range(booster: Any) -> tuple[float, float]:
    """Bounds that no margin of a booster can leave, whatever the features: each tree's least and greatest leaf."""
    start = orjson.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"]
    p = float(start.strip("[]"))
    low = high = math.log(p / (1 - p))
    for tree in booster.get_dump():
        leaves = [float(leaf) for leaf in _LEAF.findall(tree)]
        low, high = low + min(leaves), high + max(leaves)
    return low, high


def sigmoid(log_odds: float) -> float:
    """The probability of given log-odds."""
    return 1.0 / (1.0 + math.exp(-log_odds)) if log_odds >= 0 else 1.0 - 1.0 / (1.0 + math.exp(log_odds))


def bundle_id_of(manifest: Mapping[str, Any]) -> str:
    """The id of the bundle with this manifest."""
    return sha256(canonical_json(dict(manifest)))


def golden_vectors(booster: Any, rows: Matrix, tree_tables: TreeTables | None = None) -> list[dict[str, Any]]:
    """What a booster says of some rows, as exact hexadecimal floats: the content of `golden.json`."""
    raw = margins_and_contributions(booster, rows, tree_tables)
    return [
        {
            "features": _hex(row),
            "margin": float(margin).hex(),
            "p_model": sigmoid(float(margin)).hex(),
            "contributions": _hex([*contributions, bias]),
        }
        for row, margin, contributions, bias in zip(rows, raw.margin, raw.contributions, raw.bias, strict=True)
    ]


def load_bundle(files: Mapping[str, bytes]) -> Bundle:
    """The bundle in `files` (name -> bytes), after checking hashes, features and golden vectors.

    Raises BundleError, with one line that says what is wrong: a file that is missing or not the manifest's, a feature
    of the bundle's that this code has no more or with another unit or formula, or a model that computes other bits here
    than where it was trained. Features that the bundle does not use, and the words of reasons, are not its business.
    """
    content, manifest = _manifest(files)
    for name, expected in manifest.files.items():
        if name not in files:
            raise BundleError(f"{name}: named by {MANIFEST}, but missing")
        if sha256(files[name]) != expected:
            raise BundleError(f"{name}: its bytes are not those that {MANIFEST} names")
    trained = manifest.trained()
    for feature in trained:
        if (why := feature.why_not_here()) is not None:
            raise BundleError(f"{MANIFEST}: {why}")
    names = tuple(feature.name for feature in trained)
    for part, stated in (("ranges", manifest.ranges), ("typical_approved", manifest.typical_approved)):
        for name in stated:
            if name not in names:
                raise BundleError(f"{MANIFEST}: {part}: {name} is no feature of the bundle")
    booster = open_model(files[MODEL])
    if booster.feature_names is not None and tuple(booster.feature_names) != names:
        raise BundleError(f"{MODEL}: its features are not those of {MANIFEST}, in the same order")
    booster = _without_names(booster)
    tree_tables = TreeTables.of(booster)
    golden = _check_golden(booster, tree_tables, files[GOLDEN], len(names))
    _check_range(booster, manifest.calibrator)
    return Bundle(
        bundle_id=bundle_id_of(content),
        name=manifest.name,
        features=names,
        currency=manifest.currency,
        a=manifest.calibrator.a,
        b=manifest.calibrator.b,
        may_be_missing=manifest.may_be_missing,
        ranges=manifest.ranges,
        booster=booster,
        tree_tables=tree_tables,
        golden=golden,
        typical=manifest.typical_approved,
    )


def is_of_other_data(files: Mapping[str, bytes]) -> bool:
    """Whether a bundle's manifest says that it is of another data set than applications."""
    try:
        manifest = orjson.loads(files[MANIFEST])
    except (KeyError, orjson.JSONDecodeError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == OTHER_KIND


class _Read(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Calibrator(_Read):
    """Platt's: a higher margin must mean a higher probability."""

    a: float = Field(gt=0, allow_inf_nan=False)
    b: float = Field(allow_inf_nan=False)


class _Manifest(_Read):
    """What loading needs of a manifest; the rest of it is for people."""

    name: str
    currency: str
    files: dict[str, str]
    calibrator: _Calibrator
    may_be_missing: frozenset[str]


class _Manifest1(_Manifest):
    """Format 1: names of features, and the hash of the whole table they stood in."""

    features: Annotated[tuple[str, ...], Field(min_length=1)]
    tables: dict[str, str]
    ranges: ClassVar[dict[str, TrainedRange]] = {}
    typical_approved: ClassVar[dict[str, float]] = {}

    def trained(self) -> tuple[TrainedFeature, ...]:
        if self.tables.get("features") != FORMAT_1_TABLE:
            raise BundleError(f"{MANIFEST}: tables: names a table of features that format 1 never had")
        try:
            return features_of_format_1(self.features)
        except KeyError as unknown:
            raise BundleError(f"{MANIFEST}: feature {unknown.args[0]} is not in the table that it names") from None


class _Manifest2(_Manifest):
    """Format 2: every feature with its unit and the hash of its formula; younger ones with its range, and with the
    typical approved applicant of the training data.
    """

    features: Annotated[tuple[TrainedFeature, ...], Field(min_length=1)]
    ranges: dict[str, TrainedRange] = Field(default_factory=dict)
    typical_approved: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict)

    def trained(self) -> tuple[TrainedFeature, ...]:
        return self.features


class _Format(_Read):
    format: Literal[1, 2]


_FORMATS: dict[int, type[_Manifest1 | _Manifest2]] = {1: _Manifest1, 2: _Manifest2}


def _manifest(files: Mapping[str, bytes]) -> tuple[dict[str, Any], _Manifest1 | _Manifest2]:
    """The manifest as it stands, whose hash is the bundle's id, and what loading needs of it."""
    if MANIFEST not in files:
        raise BundleError(f"{MANIFEST}: missing")
    if is_of_other_data(files):
        raise BundleError(OTHER_DATA)
    try:
        made = _Format.model_validate_json(files[MANIFEST]).format
        manifest = _FORMATS[made].model_validate_json(files[MANIFEST])
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        at = ".".join(map(str, wrong["loc"])) or "not JSON"
        raise BundleError(f"{MANIFEST}: {at}: {wrong['msg']}") from None
    for name in (MODEL, GOLDEN):
        if name not in manifest.files:
            raise BundleError(f"{MANIFEST}: files: names no hash of {name}")
    return orjson.loads(files[MANIFEST]), manifest


class _Golden(_Read):
    """Exact hexadecimal floats: what the model says of one row."""

    features: list[str]
    margin: str
    p_model: str
    contributions: list[str]


def _check_golden(
    booster: Any, tree_tables: TreeTables | None, data: bytes, width: int
) -> tuple[tuple[float, ...], ...]:
    """The rows of the golden vectors, after a look at what the model says of them here."""
    try:
        golden = TypeAdapter(list[_Golden]).validate_json(data)
        cells = [[float.fromhex(cell) for cell in vector.features] for vector in golden]
    except ValueError:
        raise BundleError(f"{GOLDEN}: expected vectors of hexadecimal floats, as training writes them") from None
    if not golden or any(len(row) != width for row in cells):
        raise BundleError(f"{GOLDEN}: needs vectors of {width} features")
    again = golden_vectors(booster, np.array(cells), tree_tables)
    for index, (expected, found) in enumerate(zip(golden, again, strict=True)):
        for part in ("margin", "p_model", "contributions"):
            if getattr(expected, part) != found[part]:
                raise BundleError(
                    f"{GOLDEN}: vector {index} gives another {part} here (XGBoost {xgboost.__version__}) than where "
                    "the bundle was made; decisions would not be reproducible"
                )
    return tuple(map(tuple, cells))


def _check_range(booster: Any, calibrator: _Calibrator) -> None:
    extremes = [abs(calibrator.a * margin + calibrator.b) for margin in margin_range(booster)]
    if max(extremes) > LOG_ODDS_LIMIT:
        raise BundleError(
            f"{MANIFEST}: with this calibrator log-odds reach {max(extremes):.1f}; points can explain up to "
            f"{LOG_ODDS_LIMIT}"
        )


def _without_names(booster: Any) -> Any:
    # Names are checked once, against the manifest; afterwards plain matrices are asked, in that order.
    booster.feature_names = None
    booster.feature_types = None
    return booster


def _hex(values: Sequence[float] | Matrix) -> list[str]:
    return [float(value).hex() for value in values]
