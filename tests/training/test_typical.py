"""The typical approved applicant is made of the approved rows alone."""

import numpy as np

from training.typical import typical_approved


def test_the_typical_applicant_is_the_median_of_the_approved():
    """Who was rejected says nothing of it, a missing value counts for nobody, and what all lack is left out."""
    rows = np.array([[700.0, 2.0, np.nan], [720.0, np.nan, np.nan], [780.0, 4.0, np.nan], [300.0, 9.0, 0.5]])
    found = typical_approved(["cibil_score", "lti", "dti"], rows, np.array([1, 1, 1, 0]))
    assert found == {"cibil_score": 720.0, "lti": 3.0}
