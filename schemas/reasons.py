"""The registry of reason and basis codes: every code that a decision can carry, with its plain sentence.

A sentence speaks about the application; `{value}` stands for the applicant's own value, as sent or as computed from it.
Codes are open strings on the wire: a consumer meets new ones and falls back to the sentence beside them.
"""

from dataclasses import dataclass
from typing import Literal

Source = Literal["feature", "penalty", "rule", "check", "document", "numerical"]


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """One code: what kind of thing it speaks of, and its sentence with at most one `{value}`."""

    code: str
    source: Source
    sentence: str


NUMERICAL_RESIDUAL = "numerical_residual"

REASONS: dict[str, ReasonCode] = {
    row.code: row
    for row in (
        # Factors of the model.
        ReasonCode("dependents", "feature", "The application names {value} dependents."),
        ReasonCode("education", "feature", "The level of education is {value}."),
        ReasonCode("self_employed", "feature", "Self-employed: {value}."),
        ReasonCode("annual_income", "feature", "The annual income is {value}."),
        ReasonCode("loan_amount", "feature", "The loan amount asked for is {value}."),
        ReasonCode("loan_term", "feature", "The term asked for is {value} years."),
        ReasonCode("cibil_score", "feature", "The CIBIL score is {value}."),
        ReasonCode("residential_assets", "feature", "The declared residential assets are {value}."),
        ReasonCode("commercial_assets", "feature", "The declared commercial assets are {value}."),
        ReasonCode("luxury_assets", "feature", "The declared luxury assets are {value}."),
        ReasonCode("bank_assets", "feature", "The declared bank assets are {value}."),
        ReasonCode("total_assets", "feature", "All declared assets together are {value}."),
        ReasonCode("loan_to_income", "feature", "The loan amount is {value} times the annual income."),
        ReasonCode("asset_coverage", "feature", "The declared assets are {value} times the loan amount."),
        ReasonCode("debt_to_income", "feature", "Existing obligations take {value} of the income."),
        # Penalties of a policy.
        ReasonCode("penalty_lti_high", "penalty", "The loan is very large for the income: {value} times a year's."),
        ReasonCode("penalty_lti_elevated", "penalty", "The loan is large for the income: {value} times a year's."),
        ReasonCode("penalty_cibil_low", "penalty", "The CIBIL score of {value} is low."),
        ReasonCode("penalty_acr_low", "penalty", "The declared assets cover only {value} of the loan amount."),
        ReasonCode("penalty_dti_high", "penalty", "Existing obligations already take {value} of the income."),
        # Rules of a policy, and those that hold under every policy.
        ReasonCode("lti_above_limit", "rule", "The loan amount is {value} times the annual income, above the limit."),
        ReasonCode("dti_above_limit", "rule", "Existing obligations take {value} of the income, above the limit."),
        ReasonCode("cibil_below_limit", "rule", "The CIBIL score of {value} is below the limit."),
        ReasonCode("acr_below_limit", "rule", "The assets are {value} times the loan amount, below the limit."),
        ReasonCode("thin_file", "rule", "There is no CIBIL score: a person decides."),
        ReasonCode("no_documents", "rule", "No document supports the claims: a person decides."),
        ReasonCode("documents_suspicious", "rule", "A document shows signs of alteration: a person decides."),
        ReasonCode("documents_mismatch", "rule", "The documents contradict the application: a person decides."),
        ReasonCode("documents_unreadable", "rule", "A document could not be read: a person decides."),
        ReasonCode("reader_unavailable", "rule", "The documents could not be read in time: a person decides."),
        ReasonCode(
            "income_gap", "rule", "The income in the documents and the income claimed are more than a fifth apart."
        ),
        ReasonCode("feature_missing", "rule", "A value that the model needs is missing: a person decides."),
        ReasonCode("currency_not_modelled", "rule", "The model does not know amounts in {value}: a person decides."),
        # Claims that a document contradicts.
        ReasonCode("income_mismatch", "check", "The documents show less income than the {value} claimed."),
        ReasonCode("net_pay_mismatch", "check", "No salary credit on the statement equals the payslip's net pay."),
        ReasonCode("name_mismatch", "check", "The name on a document differs from the applicant's."),
        ReasonCode("employer_mismatch", "check", "The employer on a document differs from the one named."),
        ReasonCode("identifier_mismatch", "check", "An identifier on a document differs from the one given."),
        # What a document reader reports.
        ReasonCode("no_text_layer", "document", "A document is a picture without readable text."),
        ReasonCode("encrypted", "document", "A document is protected by a password."),
        ReasonCode("damaged", "document", "A document is damaged."),
        ReasonCode("empty", "document", "A document is empty."),
        ReasonCode("too_large", "document", "A document is too large."),
        ReasonCode("resource_limit", "document", "A document took more resources than one may."),
        ReasonCode("unsupported_media_type", "document", "A document is of a media type that cannot be read."),
        ReasonCode("unsupported_kind", "document", "A document is of a kind that cannot be read."),
        ReasonCode("no_known_fields", "document", "A document holds nothing that could be recognised."),
        ReasonCode("layout_not_understood", "document", "A document's rows were found, but most do not add up."),
        ReasonCode("document_damaged", "document", "A stored document is no longer the one that was uploaded."),
        ReasonCode("reader_failed", "document", "Reading a document ended without an answer."),
        ReasonCode("document_missing", "document", "A document that the application names was never uploaded."),
        ReasonCode("deadline", "document", "A document could not be read in time."),
        ReasonCode("arithmetic_break", "document", "The amounts on a document do not add up."),
        # What calculating in finite precision leaves.
        ReasonCode(NUMERICAL_RESIDUAL, "numerical", "What rounding leaves between the model's parts and its score."),
    )
}

BASIS: dict[str, str] = {
    "documents_verified": "Documents support the claims.",
    "no_documents": "No document that supports the claims was provided.",
    "documents_mismatch": "A document contradicts a claim.",
    "documents_suspicious": "A document shows signs of alteration.",
    "documents_unreadable": "A document could not be read.",
    "reader_unavailable": "A document was not read in time.",
    "thin_file": "The applicant has no CIBIL score.",
    "feature_missing": "A value that the model needs was missing; the model was not asked.",
    "currency_not_modelled": "The model was trained on another currency; it was not asked.",
}
"""What a decision stood on. Codes may be added; a decision's `basis` holds those that were true of it."""
