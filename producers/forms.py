"""What a file may hold: the events of one kind, and the columns of a CSV of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from schemas import public_loans
from schemas.application import LoanApplication
from schemas.cells import WRITTEN, spelled
from schemas.operations import LoanOutcome
from schemas.values import Event


class Repayment(LoanOutcome):
    """An outcome of a loan that was paid out: what a file of outcomes holds. What persons decided has other doors."""

    kind: Literal["repayment"] = "repayment"


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of file. `noun` and `phrase` are its events in words, `listing` the command that prints its columns.

    `columns` says where a column's value belongs (None: it is not read), `own` the fields that may have one, in the
    order in which they are shown. Of those, `optional` ones may be absent or blank; `given` are the same for all lines
    where the file does not say them (-> who says them then); `money` are amounts. `spelled` makes a cell's text what
    its field takes; `written` are fields that a CSV writes in another way than JSON does; `beside` are columns that are
    known and not read.
    """

    model: type[Event]
    noun: str
    phrase: str
    listing: str
    own: tuple[str, ...]
    columns: Mapping[str, str | None]
    optional: frozenset[str]
    given: Mapping[str, str]
    money: frozenset[str]
    spelled: Callable[[str, str], str]
    written: Mapping[str, str]
    beside: tuple[tuple[str, str, str], ...] = ()


OWN = (
    *("tenant", "application_id", "revision", "submitted_at", "currency"),
    *("annual_income", "monthly_obligations", "cibil_score"),
    *("applicant.dependents", "applicant.education", "applicant.self_employed", "applicant.name", "applicant.employer"),
    *("loan.amount", "loan.term_years", "loan.product", "loan.purpose"),
    *("assets.residential", "assets.commercial", "assets.luxury", "assets.bank"),
    *("monitoring.gender", "monitoring.ethnicity", "monitoring.marital_status", "monitoring.age_band"),
)
"""The fields of LoanApplication that a column may hold, in the order in which they are shown."""

COLUMNS: Mapping[str, str | None] = {
    **public_loans.FIELDS,
    public_loans.LABEL: None,
    **{field: field for field in OWN},
}
"""Column -> where its value belongs; None is not read."""

OPTIONAL = frozenset(
    {
        *("revision", "monthly_obligations", "cibil_score", "applicant.name", "applicant.employer"),
        *("loan.product", "loan.purpose"),
        *("monitoring.gender", "monitoring.ethnicity", "monitoring.marital_status", "monitoring.age_band"),
    }
)
"""Fields whose column may be absent and whose value may be blank."""

GIVEN: Mapping[str, str] = {
    "tenant": "or by --tenant",
    "currency": "or by --currency",
    "submitted_at": "optional: the moment of sending",
}
"""Fields that are the same for all lines where the file does not say them -> who says them then."""

MONEY = frozenset(
    {
        *("annual_income", "monthly_obligations", "loan.amount"),
        *("assets.residential", "assets.commercial", "assets.luxury", "assets.bank"),
    }
)
"""Fields that hold amounts."""

APPLICATIONS = Form(
    model=LoanApplication,
    noun="application",
    phrase="a loan application",
    listing="submit --columns",
    own=OWN,
    columns=COLUMNS,
    optional=OPTIONAL,
    given=GIVEN,
    money=MONEY,
    spelled=spelled,
    written=WRITTEN,
    beside=((public_loans.LABEL, "not read", f"{public_loans.APPROVED} or {public_loans.REJECTED}"),),
)

_OF_OUTCOMES = ("tenant", "application_id", "revision", "at", "kind", "repayment", "days_past_due", "balance")
_WHOLE = frozenset({"revision", "days_past_due"})

OUTCOMES = Form(
    model=Repayment,
    noun="outcome",
    phrase="a loan's outcome",
    listing="outcomes import --columns",
    own=_OF_OUTCOMES,
    columns={field: field for field in _OF_OUTCOMES},
    optional=frozenset({"revision", "kind", "days_past_due", "balance"}),
    given={"tenant": "or by --tenant"},
    money=frozenset({"balance"}),
    # Pydantic takes "7_78" for 778, as in a file of applications.
    spelled=lambda field, text: text.replace("_", " ") if field in _WHOLE else text,
    written={},
)
