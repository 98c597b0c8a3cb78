"""Features are computed in one place, by name, and missing is missing."""

import numpy as np

from schemas.reasons import REASONS
from scoring.features import FEATURE_NAMES, FEATURES, POSITION, RAW, compute, feature_matrix, raw_row


def test_ratios_are_what_the_paper_defines(make_event):
    """LTI is loan over a year's income, ACR assets over loan, DTI a year's obligations over a year's income."""
    application = make_event(
        annual_income=1_000_000,
        loan={"amount": 4_000_000},
        monthly_obligations=25_000,
        assets={"residential": 1_000_000, "commercial": -500_000, "luxury": 300_000, "bank": 200_000},
    ).application
    row = dict(zip(FEATURE_NAMES, feature_matrix([application])[0], strict=True))
    assert row["lti"] == 4.0
    assert row["acr"] == 0.25
    assert row["dti"] == 0.3
    assert row["total_assets"] == 1_000_000
    assert row["commercial_assets"] == -500_000


def test_missing_is_not_zero(make_event):
    """A missing CIBIL score or obligation stays missing in every feature made of it."""
    row = feature_matrix([make_event(cibil_score=None, monthly_obligations=None).application])[0]
    assert np.isnan(row[POSITION["cibil_score"]])
    assert np.isnan(row[POSITION["dti"]])
    assert not np.isnan(np.delete(row, [POSITION["cibil_score"], POSITION["dti"]])).any()


def test_the_trainers_columns_and_the_workers_applications_give_the_same_features(make_event):
    """Raw columns, as the trainer reads them from a file, lead to the same numbers as an application."""
    application = make_event().application
    raw = {name: np.array([value]) for name, value in zip(RAW, raw_row(application), strict=True)}
    assert np.array_equal(compute(raw), feature_matrix([application]), equal_nan=True)


def test_every_feature_has_its_reason_and_a_value_to_show():
    """Every feature has a registered reason code of its own and shows a person's value as text."""
    codes = [feature.reason for feature in FEATURES.values()]
    assert len(set(codes)) == len(codes)
    for feature in FEATURES.values():
        assert REASONS[feature.reason].source == "feature"
        assert feature.show(1.0)
