"""The layout of the public loan-approval set: a CSV of applications, and what became of each.

Its headers and values have blanks before them, which are no part of them.
"""

from collections.abc import Mapping

ID = "loan_id"

LABEL = "loan_status"
"""The column that says what became of the application: `APPROVED` or `REJECTED`."""

APPROVED, REJECTED = "Approved", "Rejected"

FIELDS: Mapping[str, str] = {
    ID: "application_id",
    "no_of_dependents": "applicant.dependents",
    "education": "applicant.education",
    "self_employed": "applicant.self_employed",
    "income_annum": "annual_income",
    "loan_amount": "loan.amount",
    "loan_term": "loan.term_years",
    "cibil_score": "cibil_score",
    "residential_assets_value": "assets.residential",
    "commercial_assets_value": "assets.commercial",
    "luxury_assets_value": "assets.luxury",
    "bank_asset_value": "assets.bank",
}
"""Column -> the field of LoanApplication that it holds."""

COLUMNS: Mapping[str, str] = {field: column for column, field in FIELDS.items()}
"""Field of LoanApplication -> its column."""
