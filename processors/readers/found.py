"""What a parser finds in a document: the currency between the pure parsers and the sandbox. Plain values alone."""

from dataclasses import dataclass, field

FIELD_NAMES: dict[str, str] = {
    "holder_name": "whose document it is",
    "employer": "payslip: who pays",
    "currency": "what its amounts are in, as ISO 4217 writes it; where it says so",
    "period": "payslip: the month, YYYY-MM; statement: first and last day, YYYY-MM-DD/YYYY-MM-DD",
    "gross_monthly": "payslip: total earnings of the month",
    "net_monthly": "payslip: what is paid out",
    "gross_annual": "payslip: the yearly figure, where one is printed",
    "opening_balance": "statement: before the first row",
    "closing_balance": "statement: after the last row",
    "salary_credit": "statement: one salary that came in; as many fields as salaries, oldest first",
    "annual_net_income": "statement: twelve times the median month of the salary credits that recur",
}
"""Every field a reader can give, with its meaning. Money is a decimal string with two decimals."""

VALUE_MAX = 200
"""Characters of a value: what `schemas.values.Text` takes, which is not imported because the sandbox is kept small."""

SURE, LIKELY, UNSURE = 0.99, 0.9, 0.6
"""Confidence: labelled or proven by the document's own arithmetic; told by its place on the page; told by nothing."""


@dataclass(frozen=True, slots=True)
class FoundField:
    """One value and the page (from 1) it stands on; `confidence` is between 0 and 1."""

    name: str
    value: str
    confidence: float
    page: int


@dataclass(frozen=True, slots=True)
class Found:
    """A parser's answer: fields, or the reason (a code of `reasons.UNREADABLE`) for none; findings with either."""

    fields: tuple[FoundField, ...] = ()
    findings: tuple[str, ...] = ()
    reason: str | None = None
    pages: int = field(default=0, kw_only=True)
