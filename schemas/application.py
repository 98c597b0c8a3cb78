"""`loan.application.submitted`: what a bank sends us."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from schemas.values import (
    EXTENSION_NAME,
    WHOLE,
    ApplicationId,
    Code,
    Currency,
    Event,
    Money,
    NonNegativeMoney,
    OwnEvent,
    PositiveMoney,
    Revision,
    Sha256,
    Tenant,
    Text,
    Timestamp,
    Years,
)

EXTENSIONS_MAX = 32
"""Keys in an `extensions` object."""

DOCUMENTS_MAX = 20
"""Documents of one application."""

DocumentKind = Literal["payslip", "bank_statement", "tax_return", "identity", "other"]


class Identifier(Event):
    """A customer number, tax number or the like: compared with documents, never a feature."""

    kind: Code
    value: Text


class Applicant(Event):
    """Who applies. `name`, `employer` and `identifiers` are for document checks alone."""

    dependents: Annotated[int, Field(ge=0, le=50), WHOLE]
    education: Literal["graduate", "not_graduate"]
    self_employed: bool
    name: Text | None = None
    employer: Text | None = None
    identifiers: Annotated[tuple[Identifier, ...], Field(max_length=8)] = ()


class Loan(Event):
    """What is asked for; `amount` in the application's currency, `term_years` in years."""

    amount: PositiveMoney
    term_years: Years
    product: Text | None = None
    purpose: Text | None = None


class Assets(Event):
    """Declared values by kind; a debt on an asset can make its value negative."""

    residential: Money
    commercial: Money
    luxury: Money
    bank: Money


class DocumentRef(Event):
    """A document in the document store, named by its content; `size` in bytes."""

    kind: DocumentKind
    sha256: Sha256
    media_type: Annotated[str, Field(pattern=r"^[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}$")]
    size: Annotated[int, Field(ge=0, le=100 * 1024 * 1024), WHOLE]


class Monitoring(Event):
    """Protected attributes, for fairness monitoring alone: verify strips them before anything else is done."""

    gender: Text | None = None
    ethnicity: Text | None = None
    marital_status: Text | None = None
    age_band: Text | None = None


Scalar = Annotated[str, Field(max_length=1000)] | int | float | bool | None
_EXTENSION_NAME = re.compile(EXTENSION_NAME[1:-1])


def _extension_names(value: dict[str, Any]) -> dict[str, Any]:
    if not all(_EXTENSION_NAME.fullmatch(name) for name in value):
        raise ValueError("names are of letters, digits, '_', '.', '-', at most 64 characters")
    for item in value.values():
        if isinstance(item, int) and not isinstance(item, bool) and abs(item) > 2**53:
            raise ValueError("whole numbers are at most 2^53")
    return value


Extensions = Annotated[
    dict[str, Scalar],
    Field(max_length=EXTENSIONS_MAX, json_schema_extra={"propertyNames": {"pattern": EXTENSION_NAME}}),
    AfterValidator(_extension_names),
]


class LoanApplication(Event):
    """An application, or a later revision of it. The record's key is `application_id`.

    `cibil_score` may be missing (a thin file) and is then missing, never zero. `monthly_obligations` serve
    debt-to-income. `documents` name what was uploaded before.
    """

    tenant: Tenant
    application_id: ApplicationId
    revision: Revision = 1
    submitted_at: Timestamp
    currency: Currency
    applicant: Applicant
    loan: Loan
    annual_income: PositiveMoney
    monthly_obligations: NonNegativeMoney | None = None
    cibil_score: Annotated[int, Field(ge=300, le=900), WHOLE] | None = None
    assets: Assets
    documents: Annotated[tuple[DocumentRef, ...], Field(max_length=DOCUMENTS_MAX)] = ()
    monitoring: Monitoring | None = None
    extensions: Extensions = Field(default_factory=dict)


class ApplicationAccepted(OwnEvent):
    """`loan.application.accepted`: an application on its way to the slow lane, without its `monitoring` block."""

    application: LoanApplication
    accepted_at: Timestamp
    fast_lane_started_at: Timestamp
