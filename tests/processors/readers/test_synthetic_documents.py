"""The documents that `producers` draws, read by a reader that knows nothing of how they are drawn."""

from datetime import date
from random import Random

import pytest

from processors.readers.text.reading import read_document
from producers.synthetic.account import movements
from producers.synthetic.broken import PASSWORD, scanned, truncated
from producers.synthetic.documents import Earner, bank_statement, payslip
from producers.synthetic.pay import monthly_pay, months_before

EARNER = Earner("Priya Nair", "Deccan Tools Private Limited", "E123", "4321")


@pytest.mark.parametrize("seed", range(12))
def test_what_is_drawn_is_read(seed: int) -> None:
    """Payslip and statement of one earner give the same net pay, and the figures they were drawn from."""
    rng = Random(seed)
    pay = monthly_pay(rng.randrange(60_000, 40_000_000))
    months = list(months_before(date(2026, 1 + seed % 12, 9), 3))
    opening, rows = movements(rng, EARNER.employer, pay.net, months)
    slip = read_document(payslip(EARNER, pay, months[-1]), "payslip")
    statement = read_document(bank_statement(EARNER, opening, rows), "bank_statement")
    assert {field.name: field.value for field in slip.fields} == {
        "holder_name": "Priya Nair",
        "employer": "Deccan Tools Private Limited",
        "period": f"{months[-1]:%Y-%m}",
        "gross_monthly": f"{pay.gross}.00",
        "net_monthly": f"{pay.net}.00",
    }
    found = {field.name: field.value for field in statement.fields}
    assert found.pop("period").startswith(f"{months[0]}/")
    assert found == {
        "holder_name": "Priya Nair",
        "currency": "INR",
        "opening_balance": f"{opening}.00",
        "closing_balance": f"{rows[-1].balance}.00",
        "salary_credit": f"{pay.net}.00",
        "annual_net_income": f"{12 * pay.net}.00",
    }
    assert (slip.findings, statement.findings) == ((), ())


def test_what_is_broken_says_how() -> None:
    """A locked, a cut off and a scanned payslip each give their own reason."""
    month = date(2026, 3, 1)
    slip = payslip(EARNER, monthly_pay(900_000), month)
    locked = payslip(EARNER, monthly_pay(900_000), month, PASSWORD)
    assert read_document(locked, "payslip").reason == "encrypted"
    assert read_document(truncated(slip), "payslip").reason == "damaged"
    assert read_document(scanned(slip), "payslip").reason == "no_text_layer"
