"""Honest statements in many layouts are read without suspicion; one that was changed is suspicious in each of them."""

import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

import pikepdf
import pytest
from pdf_drawing import Drawing, bound

from processors.readers.found import Found
from processors.readers.text.reading import read_document, refusal


class Moved(NamedTuple):
    """One transaction: rupees in (positive) or out, and the balance after it where it is printed."""

    day: str
    text: str
    amount: int
    balance: int | None = None


MOVES = (
    Moved("03/11/2025", "UPI-GROCERIES", -2_500),
    Moved("28/11/2025", "NEFT SALARY ACME", 93_000),
    Moved("05/12/2025", "NEFT-HOUSE RENT", -25_000),
    Moved("28/12/2025", "NEFT SALARY ACME", 93_000),
    Moved("06/01/2026", "POS-STORE", -8_500),
    Moved("28/01/2026", "NEFT SALARY ACME", 93_000),
)
UNDATED = (*MOVES[:3], Moved("", "BILL PAY", -9_000), *MOVES[3:])


def rupees(amount: int) -> str:
    head, tail = str(abs(amount))[:-3], str(abs(amount))[-3:]
    groups = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return ("-" if amount < 0 else "") + ",".join([*groups, tail]) + ".00"


def running(moves: Sequence[Moved] = MOVES, opening: int = 100_000) -> list[Moved]:
    rows = []
    for move in moves:
        opening += move.amount
        rows.append(move._replace(balance=opening))
    return rows


class Statement:
    """Pages written from top to bottom; a cell is (x, text), or (x, text, True) where x is its right edge."""

    def __init__(self, period: str = "01/11/2025 to 31/01/2026", opening: str = "1,00,000.00", closing: str = ""):
        self._pages = [Drawing()]
        self._y = 800.0
        for line in (
            "Sahya Gramin Bank",
            "Account Statement",
            "Account Holder: Asha Rao",
            f"Statement Period: {period}",
            f"Opening Balance: {opening}" if opening else "",
            f"Closing Balance: {closing}" if closing else "",
        ):
            self.line(*([(40, line)] if line else []))

    def line(self, *cells: tuple) -> "Statement":
        for left, text, *right in cells:
            (self._pages[-1].right if right else self._pages[-1].text)(left, self._y, text)
        self._y -= 15
        return self

    def page(self) -> "Statement":
        self._pages.append(Drawing(pdf=self._pages[0].pdf))
        self._y = 800.0
        return self

    def titles(self, debit: str = "Debit", credit: str = "Credit", balance: str = "Balance") -> "Statement":
        return self.line(
            (40, "Date"), (110, "Narration"), (360, debit, True), (440, credit, True), (530, balance or " ", True)
        )

    def rows(self, moves: Sequence[Moved], printed: Callable[[int], str] = rupees) -> "Statement":
        for move in moves:
            balance = [(530, printed(move.balance), True)] if move.balance is not None else []
            day = [(40, move.day)] if move.day else []
            self.line(
                *day, (110, move.text), (440 if move.amount > 0 else 360, rupees(abs(move.amount)), True), *balance
            )
        return self

    def finished(self) -> bytes:
        return bound(self._pages)


def titled(debit: str, credit: str, balance: str, opening: str = "") -> bytes:
    return Statement(opening=opening).titles(debit, credit, balance).rows(running()).finished()


def forwarded(
    brought: str, carried: str, *, opening: str = "1,00,000.00", closing: str = "", dated: bool = False, edge: int = 530
) -> bytes:
    """Three pages; each ends with what it carries forward, and the next one begins with it."""
    statement, rows = Statement(opening=opening, closing=closing), running()
    for page in range(3):
        if page:
            statement.page()
        statement.titles()
        of_page = rows[2 * page : 2 * page + 2]
        day = [(40, of_page[0].day)] if dated else []
        if page:
            statement.line(*day, (110, brought), (edge, rupees(rows[2 * page - 1].balance), True))
        statement.rows(of_page)
        day = [(40, of_page[-1].day)] if dated else []
        if page < 2:
            statement.line(*day, (110, carried), (edge, rupees(of_page[-1].balance), True))
    return statement.finished()


def sided(amount: int) -> str:
    return f"{rupees(abs(amount))} {'Dr' if amount < 0 else 'Cr'}"


def with_sides_in_cells() -> bytes:
    statement = Statement(opening="50,000.00 Dr", closing="1,93,000.00 Cr")
    statement.line((40, "Date"), (110, "Narration"), (400, "Amount", True), (520, "Balance", True))
    for move in running(opening=-50_000):
        statement.line(
            (40, move.day),
            (110, move.text),
            (400, rupees(abs(move.amount)), True),
            (410, "Dr" if move.amount < 0 else "Cr"),
            (520, rupees(abs(move.balance)), True),
            (530, "Dr" if move.balance < 0 else "Cr"),
        )
    return statement.finished()


def with_a_side_before_the_amount() -> bytes:
    statement = Statement(closing="3,43,000.00")
    statement.line((40, "Date"), (110, "Narration"), (320, "Dr/Cr"), (440, "Amount", True), (530, "Balance", True))
    for move in running():
        side = "DR" if move.amount < 0 else "CR"
        amounts = (440, rupees(abs(move.amount)), True), (530, rupees(move.balance), True)
        statement.line((40, move.day), (110, move.text), (320, side), *amounts)
    return statement.finished()


def numbered() -> bytes:
    statement = Statement(closing="3,43,000.00")
    right = (360, "Debit", True), (440, "Credit", True), (530, "Balance", True)
    statement.line((40, "S No"), (70, "Date"), (140, "Narration"), *right)
    for number, move in enumerate(running(), start=1):
        amount = (440 if move.amount > 0 else 360, rupees(abs(move.amount)), True)
        statement.line((40, str(number)), (70, move.day), (140, move.text), amount, (530, rupees(move.balance), True))
    return statement.finished()


def with_an_opening_line(*, dated: bool = False, in_credit: bool = False) -> bytes:
    statement = Statement(opening="").titles()
    first = [(40, "01/11/2025")] if dated else []
    credit = [(440, "1,00,000.00", True)] if in_credit else []
    statement.line(*first, (110, "Opening Balance"), *credit, (530, "1,00,000.00", True)).rows(running())
    last = [(40, "31/01/2026")] if dated else []
    return statement.line(*last, (110, "Closing Balance"), (530, "3,43,000.00", True)).finished()


def with_totals() -> bytes:
    statement = Statement(closing="3,43,000.00").titles().rows(running())
    statement.line((110, "Total"), (360, "36,000.00", True), (440, "2,79,000.00", True))
    statement.line((110, "Average balance"), (530, "2,00,000.00", True))
    return statement.line((40, "Minimum balance required 5,000.00")).finished()


def with_a_summary() -> bytes:
    statement = Statement(opening="")
    names = ("Opening Balance", "Debits", "Credits", "Closing Balance")
    amounts = ("1,00,000.00", "36,000.00", "2,79,000.00", "3,43,000.00")
    for texts in (names, amounts):
        statement.line(*zip((40, 200, 300, 400), texts, strict=True))
    return statement.line().titles().rows(running()).finished()


def with_two_accounts() -> bytes:
    statement = Statement(opening="5,00,000.00")
    return statement.line((40, "Opening Balance: 1,00,000.00")).titles().rows(running()).finished()


def with_foreign_amounts() -> bytes:
    statement = Statement(closing="3,43,000.00").titles()
    for move in running():
        statement.rows([move]).line((110, "USD 1,234.00 AT 83.20"))
    return statement.finished()


def newest_first(pages: int) -> bytes:
    statement, rows = Statement(closing="3,43,000.00"), running()[::-1]
    for page in range(pages):
        if page:
            statement.page()
        size = len(rows) // pages
        statement.titles().rows(rows[page * size : (page + 1) * size])
    return statement.finished()


def balance_at_the_days_end() -> bytes:
    rows = running(UNDATED)
    rows[2] = rows[2]._replace(balance=None)
    return Statement(closing="3,34,000.00").titles().rows(rows).finished()


HONEST: dict[str, Callable[[], bytes]] = {
    "plain": lambda: Statement(closing="3,43,000.00").titles().rows(running()).finished(),
    "titled Closing Balance": lambda: titled("Withdrawal Amt.", "Deposit Amt.", "Closing Balance"),
    "titled Closing Balance, and an opening one": lambda: titled(
        "Withdrawals", "Deposits", "Closing Balance", "1,00,000.00"
    ),
    "titled Closing Bal": lambda: titled("Dr", "Cr", "Closing Bal"),
    "titled Running Balance": lambda: titled("Debit", "Credit", "Running Balance"),
    "titled Available Balance": lambda: titled("Paid out", "Paid in", "Available Balance"),
    "titled in two lines": lambda: (
        Statement(opening="").line((530, "Closing", True)).titles().rows(running()).finished()
    ),
    "carried forward": lambda: forwarded("Balance brought forward", "Balance carried forward"),
    "in capitals": lambda: forwarded("BROUGHT FORWARD", "CARRIED FORWARD"),
    "in letters": lambda: forwarded("B/F", "C/F"),
    "shortened": lambda: forwarded("Balance b/fwd", "Balance c/fwd"),
    "with days": lambda: forwarded("Brought forward", "Carried forward", dated=True),
    "and a closing balance": lambda: forwarded("Brought forward", "Carried forward", closing="3,43,000.00"),
    "and no opening balance": lambda: forwarded("Brought forward", "Carried forward", opening=""),
    "in the column of credits": lambda: forwarded("Brought forward", "Carried forward", edge=440),
    "as balances of the page": lambda: forwarded("Opening Balance", "Closing Balance"),
    "as a page's total": lambda: forwarded("Page opening balance", "Page total"),
    "its opening in a line": with_an_opening_line,
    "with its day": lambda: with_an_opening_line(dated=True),
    "as if it were paid in": lambda: with_an_opening_line(dated=True, in_credit=True),
    "newest first": lambda: newest_first(1),
    "newest first over pages": lambda: newest_first(2),
    "sides behind balances": lambda: (
        Statement(opening="1,00,000.00 Cr", closing="3,43,000.00 Cr").titles().rows(running(), sided).finished()
    ),
    "overdrawn": lambda: (
        Statement(opening="50,000.00 Dr", closing="1,93,000.00 Cr")
        .titles()
        .rows(running(opening=-50_000), sided)
        .finished()
    ),
    "sides in cells": with_sides_in_cells,
    "a side before the amount": with_a_side_before_the_amount,
    "numbered rows": numbered,
    "a day for several rows": lambda: Statement(closing="3,34,000.00").titles().rows(running(UNDATED)).finished(),
    "a balance at the day's end": balance_at_the_days_end,
    "totals below": with_totals,
    "a summary above": with_a_summary,
    "two accounts": with_two_accounts,
    "foreign amounts": with_foreign_amounts,
    "no balances": lambda: (
        Statement(closing="3,43,000.00")
        .titles(balance="")
        .rows([move._replace(balance=None) for move in running()])
        .finished()
    ),
}


def values(found: Found) -> dict[str, str]:
    return {field.name: field.value for field in found.fields}


@pytest.mark.parametrize("which", HONEST)
def test_an_honest_statement_is_read_without_suspicion(which: str) -> None:
    """Titles, forward lines, sides, orders and days as banks print them: the salary is read, and nothing is suspected."""
    found = read_document(HONEST[which](), "bank_statement")
    assert (found.reason, found.findings) == (None, ())
    assert values(found)["annual_net_income"] == "1116000.00"
    assert values(found)["salary_credit"] == "93000.00"
    assert values(found).get("opening_balance", "100000.00") in ("100000.00", "-50000.00")
    assert values(found)["closing_balance"] in ("343000.00", "193000.00", "334000.00")


def raised(rows: Sequence[Moved], which: Sequence[int] = (1, 3, 5)) -> list[Moved]:
    return [row._replace(amount=193_000) if number in which else row for number, row in enumerate(rows)]


CHANGED: dict[str, Callable[[], bytes]] = {
    "every salary": lambda: Statement(closing="3,43,000.00").titles().rows(raised(running())).finished(),
    "one salary": lambda: Statement().titles().rows(raised(running(), [3])).finished(),
    "one salary, under Closing Balance": lambda: (
        Statement().titles(balance="Closing Balance").rows(raised(running(), [3])).finished()
    ),
    "one salary, newest first": lambda: Statement().titles().rows(raised(running(), [3])[::-1]).finished(),
    "a debit is gone": lambda: (
        Statement(closing="3,43,000.00").titles().rows([*running()[:2], *running()[3:]]).finished()
    ),
    "the last balance": lambda: (
        Statement(closing="9,43,000.00")
        .titles()
        .rows([*running()[:-1], running()[-1]._replace(balance=943_000)])
        .finished()
    ),
    "the closing balance": lambda: Statement(closing="9,43,000.00").titles().rows(running()).finished(),
}


@pytest.mark.parametrize("which", CHANGED)
def test_a_changed_statement_is_suspicious(which: str) -> None:
    """Balances that were understood and do not follow are a sign of alteration, in whatever layout."""
    assert read_document(CHANGED[which](), "bank_statement").findings == ("arithmetic_break",)


def american(period: str, day: str) -> bytes:
    rows = [move._replace(day=date(*map(int, reversed(move.day.split("/")))).strftime(day)) for move in running()]
    return Statement(period, closing="3,43,000.00").titles().rows(rows).finished()


@pytest.mark.parametrize(
    ("period", "day", "said"),
    [
        ("11/01/2025 to 01/31/2026", "%m/%d/%Y", "2025-11-01/2026-01-31"),
        ("11-01-2025 - 01-31-2026", "%m-%d-%Y", "2025-11-01/2026-01-31"),
        ("11/01/25 to 01/31/26", "%m/%d/%y", "2025-11-01/2026-01-31"),
        ("11/01/2025 through 12/01/2025", "%m/%d/%Y", "2025-11-01/2025-12-01"),
        ("01/11/2025 to 01/12/2025", "%d/%m/%Y", "2025-11-01/2025-12-01"),
        ("11/01/2025 to 01/31/2026", "%m/%d", "2025-11-01/2026-01-31"),
        ("01 Nov 2025 - 31 Jan 2026", "%d %b", "2025-11-01/2026-01-31"),
    ],
)
def test_a_period_is_in_the_order_of_the_other_days(period: str, day: str, said: str) -> None:
    """11/01 is the first of November where any other day of the statement shows that months come first."""
    found = read_document(american(period, day), "bank_statement")
    field = next(field for field in found.fields if field.name == "period")
    assert (field.value, field.confidence, found.findings) == (said, 0.99, ())


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("01/02/2026 to 05/02/2026", ("01/02/2026", "02/02/2026", "03/02/2026", "04/02/2026")),
        ("11/01/2025 to 12/01/2025", ("1 Nov 2025", "2 Nov 2025", "28 Nov 2025", "1 Dec 2025")),
    ],
)
def test_a_period_that_may_be_read_in_two_ways_is_unsure(period: str, days: Sequence[str]) -> None:
    """Where no day says which part is the month, the period is given without confidence."""
    moves = [Moved(day, "UPI", -500) for day in days]
    found = read_document(Statement(period).titles().rows(running(moves)).finished(), "bank_statement")
    assert next(field.confidence for field in found.fields if field.name == "period") == 0.6
    assert found.findings == ()


def test_amounts_that_are_not_understood_raise_no_suspicion() -> None:
    """An unknown line between two rows may be what their balances differ by: nothing is concluded from it."""
    statement = Statement().titles().rows(running()[:3])
    statement.line((110, "Insurance cover"), (360, "1,999.00", True))
    rows = [row._replace(balance=row.balance + 500) for row in running()[3:]]
    found = read_document(statement.rows(rows).finished(), "bank_statement")
    assert found.findings == ()
    assert {field.confidence for field in found.fields if field.name == "annual_net_income"} == {0.6}


PLAIN = HONEST["plain"]
HEADS = (b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"Content-Type: application/pdf\r\n\r\n", bytes(1000))


@pytest.mark.parametrize("head", HEADS, ids=range(len(HEADS)))
def test_bytes_before_the_document_do_not_damage_it(head: bytes) -> None:
    """A blank line or a header that a gateway left before %PDF is looked over, as viewers do."""
    data = head + PLAIN()
    assert refusal(data, "bank_statement", "application/pdf") is None
    assert values(read_document(data, "bank_statement")) == values(read_document(PLAIN(), "bank_statement"))


def test_a_signature_that_was_added_later_is_no_alteration() -> None:
    """A bank signs its statement by appending to the file: a second end of file, and an object more."""
    data = PLAIN()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        count = len(pdf.objects) + 1
    at = len(data) + 1
    added = f"\n{count} 0 obj<</Type/Sig/Filter/Adobe.PPKLite>>endobj\n".encode()
    start = data[data.rindex(b"startxref") :].split()[1].decode()
    table = f"xref\n{count} 1\n{at:010} 00000 n \ntrailer<</Size {count + 1}/Root 1 0 R/Prev {start}>>\n"
    signed = data + added + f"{table}startxref\n{len(data + added)}\n%%EOF\n".encode()
    found = read_document(signed, "bank_statement")
    assert values(found) == values(read_document(data, "bank_statement"))
    assert found.findings == ()


def test_the_opening_balance_is_the_one_that_the_rows_give() -> None:
    """Of two accounts' opening balances on one page the statement's own is told by its rows."""
    assert values(read_document(with_two_accounts(), "bank_statement"))["opening_balance"] == "100000.00"


def test_a_short_statement_that_hardly_follows_is_not_understood() -> None:
    """Of three balances two do not follow: that may be our reading, and nothing of it is believed or suspected."""
    rows = [row._replace(balance=row.balance + 777 * number) for number, row in enumerate(running()[:3])]
    found = read_document(Statement(opening="").titles().rows(rows).finished(), "bank_statement")
    assert (found.reason, found.findings, found.fields) == ("layout_not_understood", (), ())
