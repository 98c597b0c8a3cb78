from datetime import date
from random import Random

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.synthetic.account import movements
from producers.synthetic.documents import Earner, bank_statement, payslip, rupees
from producers.synthetic.pay import monthly_pay, months_before

EARNER = Earner("Meera Kulkarni", "Kaveri Infotech Pvt Ltd", "KI-20417", "4821")
MONTHS = tuple(months_before(date(2026, 11, 23), 3))


@given(st.integers(200_000, 9_900_000))
def test_pay_adds_up(income):
    """Twelve months' gross is the yearly income within rounding, and something is left after deductions."""
    pay = monthly_pay(income)
    assert abs(pay.gross * 12 - income) <= 6
    assert 0 < pay.net < pay.gross
    assert all(amount >= 0 for _, amount in (*pay.earnings, *pay.deductions))


@given(st.integers(), st.integers(10_000, 1_000_000))
def test_balances_run_on(seed, net):
    """Each balance is the one before plus the movement, never below nothing, and the pay comes in once a month."""
    balance, rows = movements(Random(seed), "Kaveri Infotech Pvt Ltd", net, MONTHS)
    for row in rows:
        balance += row.amount
        assert row.balance == balance > 0
    assert [row.day for row in rows] == sorted(row.day for row in rows)
    assert [row.day.replace(day=1) for row in rows if row.amount > 0] == list(MONTHS)
    assert {row.amount for row in rows if row.amount > 0} == {net}
    assert len(rows) <= 40


@given(st.integers(0, 10**10))
def test_rupees_group_by_two(amount):
    """Indian grouping loses no digit."""
    text = rupees(amount)
    assert text.replace(",", "") == f"{amount}.00"
    assert all(len(group) == 2 for group in text.removesuffix(".00").split(",")[1:-1])


@pytest.mark.parametrize("earner", [EARNER, Earner("Zoya Sen", "Udaan Foods Pvt Ltd", "UD-1", "0001")])
def test_documents_fit_on_a_page(earner):
    """Payslip and statement are one page each, with everything drawn inside its edges and no text over another."""
    opening, rows = movements(Random(2), earner.employer, 825_000, MONTHS)
    for document in (payslip(earner, monthly_pay(9_900_000), MONTHS[-1]), bank_statement(earner, opening, rows)):
        opened = pypdfium2.PdfDocument(document)
        assert len(opened) == 1
        text = opened[0].get_textpage()
        boxes = [text.get_rect(index) for index in range(text.count_rects())]
        assert all(30 < left < right < 565 and 30 < bottom < top < 812 for left, bottom, right, top in boxes)
        for index, (left, bottom, right, top) in enumerate(boxes):
            for other in boxes[index + 1 :]:
                apart = right <= other[0] or other[2] <= left or top <= other[1] or other[3] <= bottom
                assert apart, (boxes[index], other)
