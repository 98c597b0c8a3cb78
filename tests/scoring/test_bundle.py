"""Bundles: complete, unaltered and computing the same bits as where they were made, or refused."""

import hashlib
from typing import Any

import numpy as np
import orjson
import pytest

from scoring.bundle import GOLDEN, LOG_ODDS_LIMIT, MANIFEST, MODEL, BundleError, load_bundle, margin_range
from scoring.shipped import BUNDLES, shipped_bundle_files


def altered(files: dict[str, bytes], **manifest: Any) -> dict[str, bytes]:
    """Files whose manifest is changed, and whose hashes are right again."""
    content = orjson.loads(files[MANIFEST]) | manifest
    content["files"] = {name: "sha256:" + hashlib.sha256(files[name]).hexdigest() for name in (MODEL, GOLDEN)}
    return {**files, MANIFEST: orjson.dumps(content)}


@pytest.fixture(scope="module")
def files():
    return shipped_bundle_files("default")


@pytest.mark.parametrize("name", BUNDLES)
def test_shipped_bundles_load_and_stay_within_what_points_can_explain(name, bundles):
    """A shipped bundle passes its own checks, and none of its log-odds can reach the clip."""
    bundle = bundles[name]
    assert bundle.name == name
    assert bundle.currency == "INR"
    assert bundle.bundle_id.startswith("sha256:")
    assert max(abs(bundle.a * m + bundle.b) for m in margin_range(bundle.booster)) <= LOG_ODDS_LIMIT


def test_layout_of_the_manifest_does_not_change_the_id(files):
    """The id is of the manifest's content, not of its spaces."""
    compact = {**files, MANIFEST: orjson.dumps(orjson.loads(files[MANIFEST]))}
    assert load_bundle(compact).bundle_id == load_bundle(files).bundle_id


@pytest.mark.parametrize("part", ["margin", "p_model", "contributions"])
def test_a_model_that_computes_other_bits_is_refused(files, part):
    """Golden vectors that differ in the last bit refuse the bundle, and the message names the part."""
    golden = orjson.loads(files[GOLDEN])
    vector = golden[3]
    if part == "contributions":
        old = float.fromhex(vector[part][0])
        vector[part][0] = float(np.nextafter(np.float32(old), np.float32(9))).hex()
    else:
        vector[part] = float(np.nextafter(float.fromhex(vector[part]), 9)).hex()
    with pytest.raises(BundleError, match=f"vector 3 gives another {part} here"):
        load_bundle(altered({**files, GOLDEN: orjson.dumps(golden)}))


def test_altered_and_missing_files_are_refused(files):
    """A file that is not the manifest's, or not there, refuses the bundle by name."""
    with pytest.raises(BundleError, match=r"golden\.json: its bytes"):
        load_bundle({**files, GOLDEN: files[GOLDEN] + b" "})
    with pytest.raises(BundleError, match=r"model\.ubj: named by"):
        load_bundle({name: data for name, data in files.items() if name != MODEL})
    with pytest.raises(BundleError, match=r"manifest\.json: missing"):
        load_bundle({})
    with pytest.raises(BundleError, match="not JSON"):
        load_bundle({MANIFEST: b"{"})
    with pytest.raises(BundleError, match="cannot read it"):
        load_bundle(altered({**files, MODEL: b"pickle"}))


def test_features_are_aligned_by_name(files):
    """Features that this code lacks, or in another order than the model's, refuse the bundle; nothing is filled in."""
    first, *others = rows = orjson.loads(files[MANIFEST])["features"]
    with pytest.raises(BundleError, match="shoe_size"):
        load_bundle(altered(files, features=[first | {"name": "shoe_size"}, *others]))
    with pytest.raises(BundleError, match="same order"):
        load_bundle(altered(files, features=rows[::-1]))


@pytest.mark.parametrize(
    ("calibrator", "says"),
    [({"a": -1.0, "b": 0.0}, "calibrator.a: .* greater than 0"), ({"a": 5.0, "b": 0.0}, "log-odds reach")],
)
def test_a_calibrator_that_cannot_be_explained_is_refused(files, calibrator, says):
    """A calibrator that turns the model round, or leads beyond what points can explain, refuses the bundle."""
    with pytest.raises(BundleError, match=says):
        load_bundle(altered(files, calibrator=calibrator))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"calibrator": {"b": 0.0}}, r"manifest\.json: calibrator\.a: Field required"),
        ({"calibrator": {"a": "1", "b": 0.0}}, r"manifest\.json: calibrator\.a: "),
        ({"features": "cibil_score"}, r"manifest\.json: features: "),
        ({"features": []}, r"manifest\.json: features: "),
        ({"format": 3}, r"manifest\.json: format: .* 1 or 2"),
        ({"format": 1}, r"manifest\.json: features\.0: "),
        ({"features": ["lti"]}, r"manifest\.json: features\.0: "),
        ({"format": 2, "features": [{"name": "lti", "unit": "years"}]}, r"manifest\.json: features\.0\.formula: "),
        ({"ranges": {"lti": {"low": 4.0, "high": 1.5, "direction": -1}}}, r"ranges\.lti: .* low is above high"),
        ({"ranges": {"lti": {"low": 1.5, "high": 4.0, "direction": 2}}}, r"ranges\.lti\.direction: "),
        ({"ranges": {"lti": {"low": 1.5, "direction": -1}}}, r"ranges\.lti\.high: "),
        ({"ranges": {"dti": {"low": 0.1, "high": 0.5, "direction": -1}}}, r"ranges: dti is no feature of the bundle"),
        ({"files": {}}, r"files: names no hash of model\.ubj"),
    ],
)
def test_a_manifest_of_another_shape_is_refused_by_its_field(files, changed, says):
    """A bundle that must not decide is one line that names the field, never an exception of ours."""
    content = orjson.dumps(orjson.loads(files[MANIFEST]) | changed)
    with pytest.raises(BundleError, match=says):
        load_bundle({**files, MANIFEST: content})


@pytest.mark.parametrize("golden", [b"[]", b"{", b'[{"features": ["x"]}]', b"[1]"])
def test_golden_vectors_of_another_shape_are_refused(files, golden):
    """A file that is no list of vectors refuses the bundle as any wrong vector does."""
    with pytest.raises(BundleError, match=r"golden\.json: "):
        load_bundle(altered({**files, GOLDEN: golden}))
