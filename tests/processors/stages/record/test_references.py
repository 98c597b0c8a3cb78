"""How features lay in training, as a bundle's manifest says it and the warehouse keeps it."""

import json

import numpy as np
import pytest

from processors.stages.record.references import References, reference_rows
from scoring.shipped import BUNDLES, shipped_bundle_files
from stores.artefacts import ArtefactMissing
from training.reference import histogram


def manifest(**columns):
    return json.dumps(
        {"reference": {name: histogram(np.array(column, dtype=float)) for name, column in columns.items()}}
    ).encode()


@pytest.mark.parametrize("name", BUNDLES)
def test_shipped_bundles_say_how_their_features_lay(name):
    """Shares of each feature add up to one, bins follow each other, and each has a label that a person can read."""
    content = shipped_bundle_files(name)["manifest.json"]
    rows = reference_rows("sha256:x", content)
    by_feature = {}
    for row in rows:
        by_feature.setdefault(row["feature"], []).append(row)
    assert by_feature.keys() == json.loads(content)["reference"].keys()
    for bins in by_feature.values():
        assert sum(row["share"] for row in bins) == pytest.approx(1)
        assert [row["bin"] for row in bins] == [*range(len(bins) - 1), -1]
        assert [row["upper"] for row in bins[:-2]] == [row["lower"] for row in bins[1:-1]]
        assert all(row["label"] for row in bins)


def test_what_training_never_saw_and_what_never_varied_has_its_bin():
    """A feature that was always missing has that bin alone; one of a single value has all its share there."""
    rows = reference_rows("b", manifest(dti=[np.nan, np.nan], dependents=[2, 2, 2, np.nan]))
    assert [(row["feature"], row["bin"], row["share"]) for row in rows] == [
        ("dti", -1, 1.0),
        ("dependents", 0, 0.75),
        ("dependents", -1, 0.25),
    ]


def test_categories_are_bins_of_their_own():
    """Graduates and others do not share a bin, and each is called what it is."""
    rows = reference_rows("b", manifest(education=[1, 0, 1, 1], loan_term=[2, 4, 4, 20]))
    assert [(row["label"], row["lower"], row["share"]) for row in rows if row["feature"] == "education"] == [
        ("not graduate", 0, 0.25),
        ("graduate", 1, 0.75),
        ("(missing)", None, 0),
    ]
    assert [row["label"] for row in rows if row["feature"] == "loan_term"] == ["2", "4", "20", "(missing)"]


def test_a_bundle_without_a_reference_has_no_rows():
    """Nothing is made up; what is no feature of this version is left out."""
    assert reference_rows("b", b"{}") == reference_rows("b", b'{"reference": null}') == []
    assert reference_rows("b", manifest(shoe_size=[1, 2])) == []


def test_each_bundle_is_asked_for_until_it_is_written():
    """Once is enough, but a write that failed is tried again."""
    asked = []

    def files(bundle_id):
        asked.append(bundle_id)
        return {"manifest.json": manifest(dependents=[1, 2])}

    references = References(files)
    assert references.new({"a"}) == references.new({"a"}) != []
    references.met({"a"})
    assert {row["bundle_id"] for row in references.new({"a", "b"})} == {"b"}
    assert asked == ["a", "a", "b"]


@pytest.mark.parametrize(
    "broken",
    [{}, {"manifest.json": b"["}, {"manifest.json": b"[]"}, {"manifest.json": b'{"reference": {"dti": {"edges": 1}}}'}],
)
def test_a_store_that_has_no_such_manifest_stops_nothing(caplog, broken):
    """Decisions are recorded without a reference, and the log says so."""
    assert References(lambda _: broken).new({"a"}) == []
    assert "no reference of bundle a can be read" in caplog.text


def test_a_store_that_is_away_stops_nothing(caplog):
    """Nor does a bundle that it lacks."""

    def missing(bundle_id):
        raise ArtefactMissing(f"artefact {bundle_id} is not in the store")

    assert References(missing).new({"a"}) == []
    assert "ArtefactMissing" in caplog.text
