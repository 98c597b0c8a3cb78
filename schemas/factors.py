"""The factors of a decision: what a principal reason is about, and every reason code that speaks of it.

A feature, a penalty and a rule of the same thing are one factor: an applicant is told of it once. A code is added to
the row of what it speaks of; a code without a row, or in two, stops every process at its start.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.reasons import NUMERICAL_RESIDUAL, REASONS


@dataclass(frozen=True, slots=True)
class Factor:
    """One underlying factor: its code on the wire, what it is in words, the reason codes that are about it."""

    code: str
    says: str
    codes: tuple[str, ...]


FACTORS: dict[str, Factor] = {
    row.code: row
    for row in (
        Factor(
            "loan_burden",
            "How heavy the loan and other obligations are for the income.",
            (
                "loan_amount",
                "loan_to_income",
                "debt_to_income",
                "penalty_lti_high",
                "penalty_lti_elevated",
                "penalty_dti_high",
                "lti_above_limit",
                "lti_elevated",
                "dti_above_limit",
                "instalment_above_limit",
                "repayments_above_limit",
            ),
        ),
        Factor(
            "credit_history",
            "How earlier credits were repaid, as the CIBIL score tells it.",
            ("cibil_score", "penalty_cibil_low", "cibil_below_limit", "thin_file"),
        ),
        Factor(
            "collateral",
            "How far the declared assets cover the loan.",
            (
                "asset_coverage",
                "total_assets",
                "residential_assets",
                "commercial_assets",
                "luxury_assets",
                "bank_assets",
                "penalty_acr_low",
                "acr_below_limit",
            ),
        ),
        Factor("income", "How high the income claimed is.", ("annual_income",)),
        Factor("term", "Over how many years the loan is to be repaid.", ("loan_term",)),
        Factor("employment", "How the income is earned.", ("self_employed",)),
        Factor("education", "The level of education.", ("education",)),
        Factor("household", "How many people live on the income.", ("dependents",)),
        Factor(
            "income_evidence",
            "Whether documents bear out the income claimed.",
            (
                "income_gap",
                "income_from_net_credits",
                "income_mismatch",
                "net_pay_mismatch",
                "employer_mismatch",
            ),
        ),
        Factor(
            "identity",
            "Whether the documents are the applicant's.",
            ("name_mismatch", "identifier_mismatch", "holders_differ", "holder_not_checked", "holder_not_read"),
        ),
        Factor(
            "documents",
            "What the documents are, and whether they could be read.",
            (
                "no_documents",
                "documents_suspicious",
                "documents_mismatch",
                "documents_unreadable",
                "reader_unavailable",
                "currency_mismatch",
                *(code for code, row in REASONS.items() if row.source == "document"),
            ),
        ),
        Factor(
            "missing_information",
            "What the application does not say.",
            ("obligations_missing", "feature_missing"),
        ),
        Factor(
            "experience",
            "Whether the model has seen applications like this one.",
            ("beyond_training_range", "outside_experience", "currency_not_modelled"),
        ),
        Factor("bank_policy", "Another rule of the bank's own policy.", ()),
    )
}
"""In the order in which factors that cost the same are told. A bank's own codes are about what their condition looks
at, and where that is none of these, about its policy.
"""

BANK_POLICY = "bank_policy"

OF_NO_FACTOR = frozenset({NUMERICAL_RESIDUAL})
"""Codes that are about the calculation and never about the applicant."""


def faults(factors: dict[str, Factor]) -> Iterator[str]:
    """Reason codes that are in no factor or in several, and codes in a factor that nobody registered.

    >>> list(faults(FACTORS))
    []
    """
    held = [code for row in factors.values() for code in row.codes]
    yield from (f"{code} is in no factor" for code in REASONS if code not in held and code not in OF_NO_FACTOR)
    yield from (f"{code} is in several factors" for code in dict.fromkeys(held) if held.count(code) > 1)
    yield from (f"{code} is no reason code of a factor" for code in held if code not in REASONS.keys() - OF_NO_FACTOR)


def factor_of_codes(factors: dict[str, Factor]) -> dict[str, str]:
    """The factor of each reason code. Raises ValueError where a code has not exactly one."""
    if wrong := list(faults(factors)):
        raise ValueError(f"schemas.factors: {'; '.join(wrong)}")
    return {code: row.code for row in factors.values() for code in row.codes}


FACTOR_OF: dict[str, str] = factor_of_codes(FACTORS)
"""The factor of each registered reason code."""
