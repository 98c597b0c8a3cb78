"""Payslips and bank statements as PDFs with a text layer: one layout each, the same bytes for the same arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from producers.synthetic.account import Movement
from producers.synthetic.pay import Pay
from producers.synthetic.sheet import BOLD, LEFT, RIGHT, Sheet

STATEMENT_RIGHT_EDGES = {"Debit": 388.0, "Credit": 470.0, "Balance": RIGHT - 6}
BANK = "Sahyadri Cooperative Bank"


@dataclass(frozen=True, slots=True)
class Earner:
    """Who a document is about. `staff_number` and `account` (its last four digits) are printed, never claimed."""

    name: str
    employer: str
    staff_number: str
    account: str


def rupees(amount: int) -> str:
    """An amount as Indian documents print it: the last three digits, then groups of two.

    >>> rupees(1234567), rupees(999)
    ('12,34,567.00', '999.00')
    """
    head, tail = str(amount)[:-3], str(amount)[-3:]
    groups = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*groups, tail]) + ".00"


def payslip(earner: Earner, pay: Pay, month: date, password: str | None = None) -> bytes:
    """The payslip of one month. With a `password` nobody opens it without."""
    sheet = Sheet(f"Payslip {month:%B %Y}", password)
    sheet.heading(earner.employer, f"Payslip for {month:%B %Y}")
    sheet.labels((("Employee Name", earner.name), ("Employee ID", earner.staff_number)))
    sheet.labels((("Pay Period", f"{month:%B %Y}"), ("Bank Account", f"XXXXXXXX{earner.account}")))
    sheet.skip()
    middle = (LEFT + RIGHT) / 2
    edges = (middle - 10, RIGHT - 6)
    sheet.band(
        ("Earnings", LEFT + 6, "l"), ("Amount", edges[0], "r"), ("Deductions", middle, "l"), ("Amount", edges[1], "r")
    )
    for index in range(max(len(pay.earnings), len(pay.deductions))):
        for rows, x, edge in ((pay.earnings, LEFT + 6, edges[0]), (pay.deductions, middle, edges[1])):
            if index < len(rows):
                sheet.text(x, rows[index][0])
                sheet.right(edge, rupees(rows[index][1]))
        sheet.skip()
    sheet.rule()
    sheet.text(LEFT + 6, "Gross Earnings", BOLD)
    sheet.right(edges[0], rupees(pay.gross), BOLD)
    sheet.text(middle, "Total Deductions", BOLD)
    sheet.right(edges[1], rupees(pay.deducted), BOLD)
    sheet.skip(2)
    sheet.text(LEFT + 6, f"Net Pay: Rs. {rupees(pay.net)}", BOLD)
    sheet.skip(2)
    sheet.text(LEFT + 6, "This is a computer generated payslip and does not require a signature.")
    return sheet.finished()


def bank_statement(earner: Earner, opening: int, rows: Sequence[Movement]) -> bytes:
    """The statement over the whole months of `rows` (at least one, at most 40: one page)."""
    first = rows[0].day.replace(day=1)
    last = (rows[-1].day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    closing = rows[-1].balance
    sheet = Sheet(f"Account statement {first:%d/%m/%Y}", None)
    sheet.heading(BANK, "Account Statement")
    sheet.labels((("Account Holder", earner.name), ("Account Number", f"XXXXXXXX{earner.account}")))
    sheet.labels((("Statement Period", f"{first:%d/%m/%Y} to {last:%d/%m/%Y}"), ("Currency", "INR")))
    sheet.labels((("Opening Balance", rupees(opening)), ("Closing Balance", rupees(closing))))
    sheet.skip()
    edges = STATEMENT_RIGHT_EDGES
    sheet.band(
        ("Date", LEFT + 6, "l"), ("Narration", LEFT + 70, "l"), *((name, edge, "r") for name, edge in edges.items())
    )
    for row in rows:
        sheet.text(LEFT + 6, f"{row.day:%d/%m/%Y}")
        sheet.text(LEFT + 70, row.narration)
        sheet.right(edges["Credit" if row.amount > 0 else "Debit"], rupees(abs(row.amount)))
        sheet.right(edges["Balance"], rupees(row.balance))
        sheet.skip()
    sheet.rule()
    sheet.text(LEFT + 6, "End of statement. Balances are in rupees.")
    return sheet.finished()
