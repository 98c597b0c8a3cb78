"""A bank statement's table: lines in, dated rows with debit, credit and balance out.

Columns come from the header's words, and where the header misleads (or is missing) from the amounts themselves: their
right edges are clustered, and the roles that make the running balance add up win.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise, permutations

from processors.readers.text.amounts import Amount, parse_amount
from processors.readers.text.dates import Day, parse_day
from processors.readers.text.labels import plain
from processors.readers.text.text_layer import Cell, Line, Word

HEADERS: dict[str, tuple[str, ...]] = {
    "debit": ("debit", "debits", "withdrawal", "withdrawals", "dr", "paid out", "money out", "withdrawal amt"),
    "credit": ("credit", "credits", "deposit", "deposits", "cr", "paid in", "money in", "deposit amt"),
    "amount": ("amount", "amt", "transaction amount"),
    "balance": ("balance", "closing balance", "running balance"),
}
"""Role of a column -> how headers name it, in plain words."""

NEAR = 40.0
"""Points: how far an amount's right edge may lie outside its column's header."""
SAME_EDGE = 6.0
"""Points between right edges of one column."""


@dataclass(frozen=True, slots=True)
class Row:
    """One dated transaction. `balance` is None where none is printed; a debit and a credit are never negative."""

    day: Day
    narration: str
    debit: Decimal
    credit: Decimal
    balance: Decimal | None
    page: int


@dataclass(frozen=True, slots=True)
class _Money:
    amount: Amount
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class _RawRow:
    """A dated line before its amounts have roles; `side` where a word beside them says debit or credit."""

    day: Day
    narration: str
    money: tuple[_Money, ...]
    side: str | None
    page: int
    text_left: float | None


Columns = dict[str, tuple[float, float]]
"""Role -> (left, right) in points."""


def rows_of(lines: Sequence[Line]) -> list[Row]:
    """The table's rows in the document's order, with the roles that make most balances add up."""
    header = next((columns for line in lines if "balance" in (columns := _columns(line)) and len(columns) > 1), {})
    raw = list(_raw_rows(lines))
    candidates = [_with_columns(raw, header)] if header else []
    if not candidates or balance_hits(candidates[0]) < len(raw) - 1:
        candidates += [_with_edges(raw, roles) for roles in _edge_roles(raw)]
    return max(candidates, key=balance_hits, default=[])


def balance_hits(rows: Sequence[Row]) -> int:
    """How many rows' printed balances follow from the row before, in whichever order the rows are printed."""
    return max(_hits(rows), _hits(rows[::-1]))


def newest_first(rows: Sequence[Row]) -> bool:
    """Whether more balances follow upwards than downwards."""
    return _hits(rows[::-1]) > _hits(rows)


def _hits(rows: Sequence[Row]) -> int:
    return sum(
        before.balance is not None
        and row.balance is not None
        and before.balance + row.credit - row.debit == row.balance
        and row.credit != row.debit
        for before, row in pairwise(rows)
    )


def _columns(line: Line) -> Columns:
    columns: Columns = {}
    words = [(plain(word.text), word) for word in line.words]
    for role, names in HEADERS.items():
        for name in sorted(names, key=len, reverse=True):
            count = len(name.split())
            for start in range(len(words) - count + 1):
                if role not in columns and " ".join(text for text, _ in words[start : start + count]) == name:
                    columns[role] = (words[start][1].left, words[start + count - 1][1].right)
    return columns


def _raw_rows(lines: Sequence[Line]) -> Iterator[_RawRow]:
    row: _RawRow | None = None
    for line in lines:
        day, rest = _leading_day(line)
        if day is None:
            row = _continued(row, line)
            continue
        if row is not None:
            yield row
        row = _raw_row(day, rest, line.page)
    if row is not None:
        yield row


def _leading_day(line: Line) -> tuple[Day | None, Sequence[Word]]:
    for count in (3, 2, 1):
        day = parse_day(" ".join(word.text for word in line.words[:count]))
        if day is not None and len(line.words) > count:
            return day, line.words[count:]
    return None, line.words


def _raw_row(day: Day, words: Sequence[Word], page: int) -> _RawRow | None:
    if _is_value_date(words):
        words = words[1:]
    money: list[_Money] = []
    text: list[Cell] = []
    side = None
    for cell in Line(page, tuple(words)).cells if words else ():
        amount = _amount_of(cell)
        if amount is not None:
            money.append(_Money(amount, cell.left, cell.right))
        elif plain(cell.text) in ("dr", "cr") and money:
            side = plain(cell.text)
        else:
            text.append(cell)
    narration = " ".join(cell.text for cell in text)
    return _RawRow(day, narration, tuple(money), side, page, text[0].left if text else None) if money else None


def _is_value_date(words: Sequence[Word]) -> bool:
    return len(words) > 1 and parse_day(words[0].text) is not None


def _amount_of(cell: Cell) -> Amount | None:
    # A bare integer is a cheque number or a reference more often than money.
    return parse_amount(cell.text) if re.search(r"\d[.,]\d", cell.text) else None


def _continued(row: _RawRow | None, line: Line) -> _RawRow | None:
    """Words alone, where the row above has its narration, carry that on; a footer starts elsewhere."""
    if row is None or row.text_left is None or abs(line.words[0].left - row.text_left) > SAME_EDGE:
        return row
    if len(row.narration) > 150 or any(_amount_of(cell) for cell in line.cells):
        return row
    return replace(row, narration=f"{row.narration} {line.text}"[:200])


def _with_columns(raw: Sequence[_RawRow], columns: Columns) -> list[Row]:
    return [_row(row, [(_nearest(money, columns), money.amount) for money in row.money]) for row in raw]


def _nearest(money: _Money, columns: Columns) -> str | None:
    def distance(role: str) -> tuple[float, float]:
        left, right = columns[role]
        apart = max(left - money.right, money.left - right, 0.0)
        return (apart, abs(right - money.right))

    best = min(columns, key=distance)
    return best if distance(best)[0] <= NEAR else None


def _edge_roles(raw: Sequence[_RawRow]) -> Iterator[dict[float, str]]:
    """Every way to give roles to at most four clusters of right edges."""
    edges: list[float] = []
    for edge in sorted(money.right for row in raw for money in row.money):
        if not edges or edge - edges[-1] > SAME_EDGE:
            edges.append(edge)
    if 2 <= len(edges) <= 4:
        for roles in permutations(HEADERS, len(edges)):
            if "balance" in roles:
                yield dict(zip(edges, roles, strict=True))


def _with_edges(raw: Sequence[_RawRow], roles: dict[float, str]) -> list[Row]:
    def role(money: _Money) -> str:
        return roles[min(roles, key=lambda edge: abs(edge - money.right))]

    return [_row(row, [(role(money), money.amount) for money in row.money]) for row in raw]


def _row(raw: _RawRow, roles: Sequence[tuple[str | None, Amount]]) -> Row:
    debit, credit, balance = Decimal(0), Decimal(0), None
    for role, amount in roles:
        match role:
            case "debit":
                debit += abs(amount.value)
            case "credit":
                credit += abs(amount.value)
            case "amount" if _takes_away(amount, raw.side):
                debit += abs(amount.value)
            case "amount":
                credit += abs(amount.value)
            case "balance":
                balance = -amount.value if amount.side == "debit" else amount.value
    return Row(raw.day, raw.narration, debit, credit, balance, raw.page)


def _takes_away(amount: Amount, side: str | None) -> bool:
    return amount.value < 0 or amount.side == "debit" or side == "dr"
