"""The registry of reason and basis codes: every code that a decision can carry, with its plain sentence.

A sentence speaks about the application; `{value}` stands for the applicant's own value, as sent or as computed from it,
`{bound}` for the share that the policy's own condition allows.
Codes are open strings on the wire: a consumer meets new ones and falls back to the sentence beside them.
"""

from dataclasses import dataclass
from typing import Literal

Source = Literal["feature", "penalty", "rule", "check", "document", "numerical"]


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """One code: its kind, its sentence with at most one `{value}`, and what that promises of a policy's row.

    `about` is what the condition looks at: "lti above" (a feature and the bound that matters), "missing cibil_score",
    "verification mismatch", "income_gap"; MODEL_ALONE where no policy may use the code. `outcome` is the one that the
    sentence tells. `at_least` is the least lower bound of the condition with which the sentence is true, `at_most` the
    greatest upper one. None: the sentence says nothing of it. `beyond` is a code whose sentence says less of the same:
    "large" where this says "very large".
    """

    code: str
    source: Source
    sentence: str
    about: str | None = None
    outcome: Literal["refer", "decline"] | None = None
    at_least: float | None = None
    at_most: float | None = None
    beyond: str | None = None

    @property
    def promises(self) -> tuple[str, ...]:
        """What the sentence promises besides `about`, in words.

        >>> REASONS["penalty_lti_elevated"].promises, REASONS["thin_file"].promises
        (('a lower bound of 1 or more',), ('outcome: refer',))
        """
        told = (
            ("outcome: {}", self.outcome),
            ("a lower bound of {:g} or more", self.at_least),
            ("an upper bound of {:g} or less", self.at_most),
            ("a bound beyond that of `{}`", self.beyond),
        )
        return tuple(words.format(value) for words, value in told if value is not None)


MODEL_ALONE = "what the model knows"
"""Of rules that hold under every policy, because the model could not be asked."""


def _penalty(
    code: str,
    about: str,
    sentence: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    beyond: str | None = None,
) -> ReasonCode:
    return ReasonCode(code, "penalty", sentence, about, at_least=at_least, at_most=at_most, beyond=beyond)


def _rule(code: str, about: str, sentence: str, at_least: float | None = None) -> ReasonCode:
    return ReasonCode(code, "rule", sentence, about, at_least=at_least)


def _refers(code: str, about: str, sentence: str) -> ReasonCode:
    """A rule whose sentence says that a person decides."""
    return ReasonCode(code, "rule", sentence, about, outcome="refer")


CIBIL_GOOD = 750
"""From here up lenders call a CIBIL score good, and none is low."""

OWN = "own_"
"""How the codes begin that a bank's policy brings itself. Their sentences stand in the policy and in each decision that
they led to; no row below begins so.
"""

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
        _penalty(
            "penalty_lti_high",
            "lti above",
            "The loan is very large for the income: {value} times a year's.",
            at_least=2,
            beyond="penalty_lti_elevated",
        ),
        _penalty(
            "penalty_lti_elevated",
            "lti above",
            "The loan is large for the income: {value} times a year's.",
            at_least=1,
        ),
        _penalty("penalty_cibil_low", "cibil_score below", "The CIBIL score of {value} is low.", at_most=CIBIL_GOOD),
        _penalty(
            "penalty_acr_low", "acr below", "The declared assets cover only {value} of the loan amount.", at_most=1
        ),
        _penalty("penalty_dti_high", "dti above", "Existing obligations already take {value} of the income."),
        # Rules of a policy, and those that hold under every policy.
        _rule("lti_above_limit", "lti above", "The loan amount is {value} times the annual income, above the limit."),
        _refers("lti_elevated", "lti above", "The loan amount is {value} times the annual income: a person decides."),
        _rule("dti_above_limit", "dti above", "Existing obligations take {value} of the income, above the limit."),
        _rule(
            "instalment_above_limit",
            "affordability instalment",
            "The instalment of this loan would take {value} of the income, above the limit.",
        ),
        _refers(
            "repayments_above_limit",
            "affordability instalment_and_obligations",
            "The instalment and existing obligations together would take {value} of the income, above the limit: a "
            "person decides.",
        ),
        _rule("cibil_below_limit", "cibil_score below", "The CIBIL score of {value} is below the limit."),
        _rule("acr_below_limit", "acr below", "The assets are {value} times the loan amount, below the limit."),
        _refers("thin_file", "missing cibil_score", "There is no CIBIL score: a person decides."),
        _refers("obligations_missing", "missing dti", "Existing obligations are not named: a person decides."),
        _refers("no_documents", "verification not_provided", "No document supports the claims: a person decides."),
        _refers(
            "documents_suspicious", "verification suspicious", "A document shows signs of alteration: a person decides."
        ),
        _refers(
            "documents_mismatch", "verification mismatch", "The documents contradict the application: a person decides."
        ),
        _refers("documents_unreadable", "verification unreadable", "A document could not be read: a person decides."),
        _refers(
            "reader_unavailable",
            "verification unavailable",
            "The documents could not be read in time: a person decides.",
        ),
        _rule(
            "income_gap",
            "income_gap",
            "The income in the documents and the income claimed are more than {bound} of the claim apart.",
        ),
        _refers(
            "income_from_net_credits",
            "income_from net_credits",
            "The income was inferred from net credits, no document that names the applicant showed a gross income: "
            "a person decides.",
        ),
        _refers(
            "beyond_training_range",
            "beyond training_range",
            "Beyond what the model was trained on: {value}. A person decides.",
        ),
        _refers(
            "outside_experience",
            "beyond training_range",
            "Outside what the model has experience of: {value}. A person decides.",
        ),
        _refers("feature_missing", MODEL_ALONE, "A value that the model needs is missing: a person decides."),
        _refers("currency_not_modelled", MODEL_ALONE, "The model does not know amounts in {value}: a person decides."),
        # Claims that a document contradicts.
        ReasonCode("income_mismatch", "check", "The documents show less income than the {value} claimed."),
        ReasonCode("net_pay_mismatch", "check", "No salary credit on the statement equals the payslip's net pay."),
        ReasonCode("name_mismatch", "check", "The name on a document differs from the applicant's."),
        ReasonCode("currency_mismatch", "check", "The amounts on a document are in another currency."),
        ReasonCode("employer_mismatch", "check", "The employer on a document differs from the one named."),
        ReasonCode("identifier_mismatch", "check", "An identifier on a document differs from the one given."),
        # Whose the documents are was not shown.
        ReasonCode(
            "holder_not_checked",
            "check",
            "Nobody checked whose the documents are: the application gives no name to hold them against.",
        ),
        ReasonCode(
            "holder_not_read",
            "check",
            "Nobody checked whose a document is: no name could be read on it, nothing else ties it to the applicant.",
        ),
        ReasonCode("holders_differ", "check", "The documents name different persons."),
        # What a document reader reports.
        ReasonCode("no_text_layer", "document", "A document is a picture without readable text."),
        ReasonCode("encrypted", "document", "A document is protected by a password."),
        ReasonCode("damaged", "document", "A document is damaged."),
        ReasonCode("empty", "document", "A document is empty."),
        ReasonCode("too_large", "document", "A document is too large."),
        ReasonCode("resource_limit", "document", "A document took more resources than one may."),
        ReasonCode("unsupported_media_type", "document", "A document is of a media type that cannot be read."),
        ReasonCode(
            "media_type_differs",
            "document",
            "A document is a PDF and its media_type in the application says otherwise: expected application/pdf.",
        ),
        ReasonCode(
            "size_differs",
            "document",
            "A document's size in the application is not that of the stored one: expected its length in bytes.",
        ),
        ReasonCode("unsupported_kind", "document", "A document is of a kind that cannot be read."),
        ReasonCode("no_known_fields", "document", "A document holds nothing that could be recognised."),
        ReasonCode("layout_not_understood", "document", "A document's rows were found, but most do not add up."),
        ReasonCode("document_damaged", "document", "A stored document is no longer the one that was uploaded."),
        ReasonCode("reader_failed", "document", "Reading a document ended without an answer."),
        ReasonCode("document_missing", "document", "A document that the application names was never uploaded."),
        ReasonCode("deadline", "document", "A document could not be read in time."),
        ReasonCode("arithmetic_break", "document", "The amounts on a document do not add up."),
        ReasonCode("hidden_text", "document", "A document holds an amount or a name that nobody sees."),
        # What calculating in finite precision leaves.
        ReasonCode(NUMERICAL_RESIDUAL, "numerical", "What rounding leaves between the model's parts and its score."),
    )
}

BASIS: dict[str, str] = {
    "documents_verified": "Documents support the claims.",
    "no_documents": "No document that supports the claims was provided.",
    "income_from_net_credits": "The income was inferred from net credits: no document that names the applicant showed "
    "a gross income.",
    "holder_not_checked": "Nobody checked whose the documents are: the application gives no name.",
    "holder_not_read": "Nobody checked whose a document is: no name could be read on it.",
    "holders_differ": "The documents name different persons.",
    "documents_mismatch": "A document contradicts a claim.",
    "documents_suspicious": "A document shows signs of alteration.",
    "documents_unreadable": "A document could not be read.",
    "reader_unavailable": "A document was not read in time.",
    "thin_file": "The applicant has no CIBIL score.",
    "obligations_missing": "Existing obligations were not named: the instalment alone was held against the income.",
    "outside_experience": "A value lies outside what the model was trained on: its score is an extrapolation.",
    "feature_missing": "A value that the model needs was missing; the model was not asked.",
    "currency_not_modelled": "The model was trained on another currency; it was not asked.",
    "training_range_unknown": "The policy looks at a training range that this bundle does not state.",
}
"""What a decision stood on. Codes may be added; a decision's `basis` holds those that were true of it."""
