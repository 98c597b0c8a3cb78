"""A bundle is held to the rows of features that it uses, and to no others."""

import dataclasses

import numpy as np
import orjson
import pytest

from scoring import trained_features
from scoring.bundle import MANIFEST, BundleError, load_bundle
from scoring.canonical import canonical_json, sha256
from scoring.features import FEATURES, RAW
from scoring.shipped import shipped_bundle_files
from scoring.trained_features import FORMAT_1_TABLE, TrainedFeature, features_of_format_1


def as_format_2(files):
    """A bundle of format 1 as training wrote the next format at first."""
    manifest = orjson.loads(files[MANIFEST])
    del manifest["tables"]
    rows = [dataclasses.asdict(row) for row in features_of_format_1(manifest["features"])]
    return {**files, MANIFEST: orjson.dumps(manifest | {"format": 2, "features": rows})}


@pytest.fixture
def earlier(bundle_files):
    """The files of a bundle of format 1."""
    return bundle_files("default-618c3d3a")


@pytest.fixture(params=["format 1", "format 2", "format 2 with ranges"])
def files(request, earlier):
    if request.param == "format 2 with ranges":
        return shipped_bundle_files("default")
    return earlier if request.param == "format 1" else as_format_2(earlier)


def put(feature_table, name, **changes):
    """The table of features with one row changed."""
    feature_table(*(dataclasses.replace(row, **changes) if row.name == name else row for row in FEATURES.values()))


@pytest.mark.parametrize(
    "formula",
    [
        lambda c: c["annual_income"] / c["amount"],
        lambda c: c["amount"] * (1 / c["annual_income"]),
        lambda c: np.minimum(c["amount"] / c["annual_income"], 1000),
        lambda c: np.maximum(c["amount"] / c["annual_income"], 0),
        lambda c: np.nan_to_num(c["amount"] / c["annual_income"]),
    ],
    ids=["upside down", "rounds otherwise", "capped", "never negative", "missing is nought"],
)
def test_another_formula_of_a_used_row_is_refused_by_its_name(files, feature_table, formula):
    """A model never meets numbers made otherwise than those it learned from."""
    put(feature_table, "lti", formula=formula)
    with pytest.raises(BundleError, match=r"^manifest\.json: feature lti has another formula here than the bundle .*$"):
        load_bundle(files)


def test_another_unit_of_a_used_row_is_refused_by_its_name(files, feature_table):
    """Lakhs are not rupees."""
    put(feature_table, "loan_amount", unit="lakhs")
    says = r"^manifest\.json: feature loan_amount is in 'lakhs' here; the bundle was trained with it in 'currency'$"
    with pytest.raises(BundleError, match=says):
        load_bundle(files)


def test_a_used_row_that_is_gone_is_refused_by_its_name(files, feature_table):
    """Nothing is filled in for a feature that this code has no more."""
    feature_table(*(row for row in FEATURES.values() if row.name != "acr"))
    with pytest.raises(BundleError, match=r"^manifest\.json: feature acr is not in this version's table of features$"):
        load_bundle(files)


def test_rows_that_a_bundle_does_not_use_are_free(files, feature_table):
    """A changed, a dropped and an added row beside a bundle's own do not unload it."""
    before = load_bundle(files).bundle_id
    assert not {"dti", "total_assets"} & set(load_bundle(files).features)
    put(feature_table, "dti", formula=lambda c: c["monthly_obligations"], unit="currency a month")
    added = dataclasses.replace(FEATURES["lti"], name="fresh", formula=lambda c: c["amount"] - c["annual_income"])
    feature_table(added, *(row for row in FEATURES.values() if row.name != "total_assets"))
    assert load_bundle(files).bundle_id == before


def test_a_new_number_of_an_application_changes_no_formula(monkeypatch):
    """What else becomes known of an applicant unloads no bundle."""
    before = [TrainedFeature.of(name) for name in FEATURES]
    monkeypatch.setattr(trained_features, "RAW", ("guarantors", *RAW[::-1]))
    monkeypatch.setattr(trained_features, "_applicants", trained_features._applicants.__wrapped__)
    assert [TrainedFeature.of(name) for name in FEATURES] == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tables": {"features": "sha256:" + "0" * 64}}, r"tables: names a table of features that format 1 never had"),
        ({"tables": {}}, r"tables: names a table of features that format 1 never had"),
        ({"features": ["shoe_size"]}, r"feature shoe_size is not in the table that it names"),
    ],
)
def test_a_manifest_of_format_1_names_the_table_of_format_1(earlier, change, says):
    """What a bare name stood for follows from the table's hash; under another one nobody knows."""
    content = orjson.dumps(orjson.loads(earlier[MANIFEST]) | change)
    with pytest.raises(BundleError, match=rf"^manifest\.json: {says}$"):
        load_bundle({**earlier, MANIFEST: content})


def assets(c):
    return c["residential"] + c["commercial"] + c["luxury"] + c["bank"]


TABLE_OF_FORMAT_1 = [
    # name, unit, reason, direction, formula: as commit 28c9944 had them. Not to follow any later change.
    ("dependents", "persons", "dependents", 0, lambda c: c["dependents"]),
    ("education", "1: graduate, 0: not", "education", 0, lambda c: c["graduate"]),
    ("self_employed", "1: yes, 0: no", "self_employed", 0, lambda c: c["self_employed"]),
    ("annual_income", "currency a year", "annual_income", 0, lambda c: c["annual_income"]),
    ("loan_amount", "currency", "loan_amount", 0, lambda c: c["amount"]),
    ("loan_term", "years", "loan_term", 0, lambda c: c["term_years"]),
    ("cibil_score", "CIBIL points", "cibil_score", 1, lambda c: c["cibil_score"]),
    ("residential_assets", "currency", "residential_assets", 1, lambda c: c["residential"]),
    ("commercial_assets", "currency", "commercial_assets", 1, lambda c: c["commercial"]),
    ("luxury_assets", "currency", "luxury_assets", 1, lambda c: c["luxury"]),
    ("bank_assets", "currency", "bank_assets", 1, lambda c: c["bank"]),
    ("total_assets", "currency", "total_assets", 1, assets),
    ("lti", "years of income", "loan_to_income", 0, lambda c: c["amount"] / c["annual_income"]),
    ("acr", "times the loan", "asset_coverage", 1, lambda c: assets(c) / c["amount"]),
    ("dti", "share of income", "debt_to_income", 0, lambda c: 12 * c["monthly_obligations"] / c["annual_income"]),
]
RAW_OF_FORMAT_1 = (
    *("dependents", "graduate", "self_employed", "annual_income", "amount", "term_years", "cibil_score"),
    *("residential", "commercial", "luxury", "bank", "monthly_obligations"),
)


def hexadecimal(values):
    return [float(value).hex() for value in values]


def test_the_table_of_format_1_is_the_one_that_its_manifests_name(earlier, bundle_files):
    """The hash in the manifests of format 1 is that of the table as it was, and the rows kept here are that table's."""
    numbers = np.array([[3.0 + 7.0 * row + 11.0 * column for column in range(12)] for row in range(8)])
    numbers[np.arange(8), (5 * np.arange(8)) % 12] = np.nan
    then = dict(zip(RAW_OF_FORMAT_1, numbers.T, strict=True))
    table = [[*row, hexadecimal(formula(then))] for *row, formula in TABLE_OF_FORMAT_1]
    assert sha256(canonical_json(table)) == FORMAT_1_TABLE
    manifests = [orjson.loads(files[MANIFEST]) for files in (earlier, bundle_files("paper-78df5460"))]
    assert {manifest["tables"]["features"] for manifest in manifests} == {FORMAT_1_TABLE}
    now = {name: trained_features._column(name) for name in RAW_OF_FORMAT_1}
    assert features_of_format_1([row[0] for row in TABLE_OF_FORMAT_1]) == tuple(
        TrainedFeature(name, unit, sha256(canonical_json(hexadecimal(formula(now)))))
        for name, unit, _, _, formula in TABLE_OF_FORMAT_1
    )
