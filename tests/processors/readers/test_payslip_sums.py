"""Gross less deductions is not always the net: what honest payslips add to it, and what a forged one cannot."""

import pytest
from pdf_drawing import payslip_of

from processors.readers.text.reading import read_document

EARNED = (
    ("Basic Salary", ["60,000.00"]),
    ("House Rent Allowance", ["24,000.00"]),
    ("Special Allowance", ["16,000.00"]),
    ("Gross Earnings", ["1,00,000.00"]),
)
DEDUCTED = (("Provident Fund", ["1,800.00"]), ("Income Tax", ["5,200.00"]), ("Total Deductions", ["7,000.00"]))
Line = tuple[str, list[str]]


def slip(*rest: Line) -> bytes:
    """Gross 1,00,000, deductions 7,000, and what comes after them."""
    return payslip_of(*EARNED, *DEDUCTED, *rest)


HONEST: dict[str, tuple[bytes, float]] = {
    "reimbursements": (slip(("Total Reimbursements", ["4,500.00"]), ("Net Pay", ["97,500.00"])), 0.99),
    "each reimbursement": (
        slip(("Fuel Reimbursement", ["2,000.00"]), ("Phone Reimbursement", ["2,500.00"]), ("Net Pay", ["97,500.00"])),
        0.99,
    ),
    "each, and their total": (
        slip(
            ("Fuel Reimbursement", ["2,000.00"]),
            ("Phone Reimbursement", ["2,500.00"]),
            ("Total Reimbursements", ["4,500.00"]),
            ("Net Pay", ["97,500.00"]),
        ),
        0.99,
    ),
    "five of them": (
        slip(
            *((f"{name} Reimbursement", ["1,111.00"]) for name in ("Fuel", "Phone", "Book", "Meal", "Travel")),
            ("Net Pay", ["98,555.00"]),
        ),
        0.99,
    ),
    "in one line": (slip(("Add: Reimbursements: 4,500.00", []), ("Net Pay: 97,500.00", [])), 0.99),
    "the net first": (
        payslip_of(("Net Pay", ["97,500.00"]), *EARNED, *DEDUCTED, ("Reimbursements", ["4,500.00"])),
        0.99,
    ),
    "claims": (slip(("Expense Claims Paid", ["1,250.00"]), ("Net Pay", ["94,250.00"])), 0.99),
    "an advance": (slip(("Salary Advance Recovered", ["10,000.00"]), ("Net Pay", ["83,000.00"])), 0.99),
    "a loan and what is left of it": (
        slip(("Loan EMI", ["8,000.00"]), ("Loan Balance", ["1,20,000.00"]), ("Net Pay", ["85,000.00"])),
        0.99,
    ),
    "arrears": (slip(("Arrears", ["12,345.00"]), ("Net Pay", ["1,05,345.00"])), 0.99),
    "up and down": (
        slip(("Reimbursements", ["4,500.00"]), ("Loan Recovery", ["2,000.00"]), ("Net Pay", ["95,500.00"])),
        0.99,
    ),
    "rounding": (slip(("Round Off", ["0.40"]), ("Net Pay", ["93,000.40"])), 0.99),
    "rounding that is not printed": (slip(("Net Pay", ["92,990.00"])), 0.6),
    "the employer's share": (slip(("Employer PF Contribution", ["1,800.00"]), ("Net Pay", ["93,000.00"])), 0.99),
    "the employer's share in the gross": (
        payslip_of(
            ("Basic Salary", ["98,200.00"]),
            ("Employer PF", ["1,800.00"]),
            ("Gross Earnings", ["1,00,000.00"]),
            ("Total Deductions", ["7,000.00"]),
            ("Net Pay", ["91,200.00"]),
        ),
        0.99,
    ),
    "a word nobody knows": (slip(("Sodexo", ["2,200.00"]), ("Net Pay", ["90,800.00"])), 0.6),
    "two such words": (slip(("Sodexo", ["2,200.00"]), ("Gym", ["1,000.00"]), ("Net Pay", ["89,800.00"])), 0.6),
    "two ways of payment": (
        slip(("Bank Transfer", ["90,000.00"]), ("Cash", ["3,000.00"]), ("Net Pay", ["93,000.00"])),
        0.99,
    ),
    "deductions with a minus": (
        payslip_of(*EARNED, ("Total Deductions", ["-7,000.00"]), ("Net Pay", ["93,000.00"])),
        0.99,
    ),
}


@pytest.mark.parametrize("which", HONEST)
def test_an_honest_net_is_not_suspicious(which: str) -> None:
    """Whatever an employer adds to pay or takes off it, the payslip is read; it is sure where the page says what it is."""
    data, confidence = HONEST[which]
    found = read_document(data, "payslip")
    gross = next(field for field in found.fields if field.name == "gross_monthly")
    assert (gross.value, gross.confidence) == ("100000.00", confidence)
    assert found.findings == ()


RAISED = ("Gross Earnings", ["3,00,000.00"])
REST = (("Total Deductions", ["7,000.00"]), ("Net Pay", ["93,000.00"]))


@pytest.mark.parametrize(
    "data",
    [
        slip(("Net Pay", ["1,43,000.00"])),
        payslip_of(*EARNED[:3], RAISED, *REST),
        payslip_of(("Basic Salary", ["2,60,000.00"]), *EARNED[1:3], RAISED, *REST),
        payslip_of(RAISED, *REST),
        payslip_of(("Annual CTC", ["14,00,000.00"]), RAISED, *REST),
    ],
)
def test_a_raised_amount_is_suspicious(data: bytes) -> None:
    """Where every amount is understood and no honest formula gives the net, somebody changed one of them."""
    assert read_document(data, "payslip").findings == ("arithmetic_break",)


def test_an_adjustment_that_does_not_explain_the_net_is_not_understood() -> None:
    """A loan and a net that do not fit leave the payslip to a person: it is neither believed nor suspected."""
    found = read_document(slip(("Loan Recovery", ["5,000.00"]), ("Net Pay", ["71,000.00"])), "payslip")
    assert (found.reason, found.findings, found.fields) == ("layout_not_understood", (), ())
