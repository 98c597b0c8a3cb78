"""Statements as lines of words: every order of rows and columns, and lines that make no sense."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.readers.found import FIELD_NAMES
from processors.readers.text import bank_statement, payslip
from processors.readers.text.text_layer import Line, Word, group_lines
from schemas.verification import ExtractedField

COLUMNS = (340.0, 430.0, 520.0)
KINDS = {"payslip": payslip.parse, "bank_statement": bank_statement.parse}


def words(text: str, x: float, y: float, *, right: bool = False) -> list[Word]:
    """Courier at 6 points a character, starting (or ending) at `x`."""
    left = x - 6 * len(text) if right else x
    result = []
    for word in text.split(" "):
        result.append(Word(word, left, left + 6 * len(word), y, y + 10))
        left += 6 * len(word) + 6
    return result


def page(number: int, texts: Sequence[list[Word]]) -> list[Line]:
    return group_lines(number, [word for some in texts for word in some])


@given(
    movements=st.lists(st.integers(-50_000, 90_000).filter(bool), min_size=6, max_size=40),
    order=st.permutations(["debit", "credit", "balance"]),
    header=st.booleans(),
    newest_first=st.booleans(),
)
@example(
    movements=[-1, -1, -9999, *[-50_000] * 3], order=["debit", "credit", "balance"], header=True, newest_first=False
)
@settings(max_examples=60, deadline=None)
def test_a_statement_is_proven_in_any_layout(
    movements: list[int], order: list[str], *, header: bool, newest_first: bool
) -> None:
    """Columns in any order, with or without a header, rows upwards or downwards over pages: balances and salary hold."""
    balance = opening = Decimal(100_000)
    rows = []
    for index, amount in enumerate([*movements, 60_000]):
        balance += amount
        texts = {"credit" if amount > 0 else "debit": f"{abs(amount):,}.00", "balance": f"{balance:,}.00"}
        text = "ACME PAYROLL" if index == len(movements) else "TRANSFER"
        rows.append((f"{1 + index % 28:02}/{1 + index // 28:02}/2026", text, texts))
    top = [words("Opening Balance:", 40, 20), words(f"{opening}.00", 200, 20)]
    top += [words("Closing Balance:", 40, 40), words(f"{balance}.00", 200, 40)]
    if header:
        top += [words("Date", 40, 60), words("Narration", 120, 60)]
        top += [words(name.title(), edge, 60, right=True) for name, edge in zip(order, COLUMNS, strict=True)]
    lines = page(1, top)
    for index, (day, text, texts) in enumerate(rows[::-1] if newest_first else rows):
        y = 80 + 15 * (index % 30)
        cells = [
            words(texts[name], edge, y, right=True) for name, edge in zip(order, COLUMNS, strict=True) if name in texts
        ]
        lines += page(1 + index // 30, [words(day, 40, y), words(text, 120, y), *cells])
    found = bank_statement.parse(lines)
    fields = {field.name: (field.value, field.confidence) for field in found.fields}
    assert found.findings == ()
    assert fields["opening_balance"] == (f"{opening}.00", 0.99)
    assert fields["closing_balance"] == (f"{balance}.00", 0.99)
    assert fields["salary_credit"] == ("60000.00", 0.99)


SENSE = (
    "Date Balance Debit Credit Amount Gross Net Pay Name : Period 01/02/2026 31/02 SALARY Opening 1,000.00 -5.00 "
    "9999999999999.99 Dr 2026-03 Mar to 0.00 LPA"
)
TOKENS = st.sampled_from(SENSE.split()) | st.text(min_size=1, max_size=12)


@given(
    st.lists(st.tuples(TOKENS, st.floats(0, 600), st.integers(0, 60).map(lambda row: row * 12.0)), max_size=80),
    st.sampled_from(sorted(KINDS)),
)
@settings(max_examples=150, deadline=None)
def test_no_document_breaks_a_parser(tokens: list[tuple[str, float, float]], kind: str) -> None:
    """Lines of any words in any place give fields that are valid events, or a reason; never an exception."""
    lines = page(1, [words(text, x, y) for text, x, y in tokens if text.strip() and text.isprintable()])
    found = KINDS[kind](lines)
    assert (found.reason is None) == bool(found.fields)
    for field in found.fields:
        ExtractedField.model_validate(asdict(field))
        assert field.name in FIELD_NAMES
