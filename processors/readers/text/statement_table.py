"""A bank statement's table: lines in, dated rows with debit, credit and balance out.

Columns come from the header's words, and where the header misleads (or is missing) from the amounts themselves: their
right edges are clustered, and the roles that make the running balance add up win.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import permutations

from processors.readers.text.amounts import Amount, parse_amount
from processors.readers.text.dates import Day, parse_day
from processors.readers.text.labels import plain
from processors.readers.text.text_layer import Cell, Line, Word

HEADERS: dict[str, tuple[str, ...]] = {
    "debit": ("debit", "debits", "withdrawal", "withdrawals", "dr", "paid out", "money out", "withdrawal amt"),
    "credit": ("credit", "credits", "deposit", "deposits", "cr", "paid in", "money in", "deposit amt"),
    "amount": ("amount", "amt", "transaction amount"),
    "balance": ("balance", "closing balance", "running balance", "available balance", "bal", "closing bal"),
}
"""Role of a column -> how headers name it, in plain words."""

NEAR = 40.0
"""Points: how far an amount's right edge may lie outside its column's header."""
SAME_EDGE = 6.0
"""Points between right edges of one column."""
HEADER_REACH = 4
"""Lines between the titles of columns and the first amounts."""
TITLES_MIN = 3
HEADERS_MAX = 4
"""Different lines of titles that are tried."""
_MONEY = re.compile(r"\d[.,]\d")
_NUMBER = re.compile(r"\d{1,4}\.?")


FORWARD = re.compile(
    r"\b(?:brought|carried|b|c) ?(?:forward|fwd|f|d)\b|\bbalance (?:forward|fwd)\b"
    r"|\b(?:opening|closing|beginning|starting|start|ending|end|previous) bal(?:ance)?\b"
)
"""In a table, a balance that is said again: of a page, or before the first and after the last row."""
_NO_ROW = re.compile(
    r"\b(?:totals?|sub ?total|turnover|average|minimum|maximum|summary|count|page|statement|balance|bal)\b"
)
"""Lines without a day that hold amounts and are no transactions."""


@dataclass(frozen=True, slots=True)
class Row:
    """One transaction. `balance` is None where none is printed; a debit and a credit are never negative.

    `doubtful` where its day is the row's above, or where amounts before it were not understood.
    """

    day: Day
    narration: str
    debit: Decimal
    credit: Decimal
    balance: Decimal | None
    page: int
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A statement's rows in the document's order; `rest` are the lines that are no column titles.

    `ends_doubtful` where amounts after the last row were not understood.
    """

    rows: tuple[Row, ...]
    rest: tuple[Line, ...]
    ends_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class _Money:
    amount: Amount
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class _RawRow:
    """A line with amounts before they have roles; `own_day` where it is printed in the line."""

    day: Day
    narration: str
    money: tuple[_Money, ...]
    page: int
    text_left: float | None
    own_day: bool = True


Columns = dict[str, tuple[float, float]]
"""Role -> (left, right) in points."""


def table_of(lines: Sequence[Line]) -> Table:
    """The table, with the roles that make most balances add up."""
    headers = [index for index in range(len(lines)) if _is_header(lines, index)]
    raw = list(_raw_rows(lines))
    readings = [
        _rows(raw, partial(_nearest, columns=columns), undated=undated)
        for columns in _distinct([_columns(lines[index]) for index in headers])
        for undated in (False, True)
    ]
    if not readings or max(balance_hits(rows) for rows, _ in readings) < sum(row.own_day for row in raw) - 1:
        readings += [
            _rows(raw, partial(_role_at, roles=roles), undated=undated)
            for roles in _edge_roles(raw)
            for undated in (False, True)
        ]
    rows, ends_doubtful = max(readings, key=lambda reading: _proof(reading[0]), default=((), False))
    rest = (line for index, line in enumerate(lines) if index not in headers and not _over_rows(lines, index))
    return Table(rows, tuple(rest), ends_doubtful)


def balance_hits(rows: Sequence[Row]) -> int:
    """How many printed balances follow from the one before, in whichever order the rows are printed."""
    return max(_hits(rows), _hits(rows[::-1]))


def _proof(rows: Sequence[Row]) -> int:
    """Balances that follow; one alone may be chance, and proves nothing against a header."""
    hits = balance_hits(rows)
    return hits if hits > 1 else 0


def newest_first(rows: Sequence[Row]) -> bool:
    """Whether more balances follow upwards than downwards."""
    return _hits(rows[::-1]) > _hits(rows)


def _hits(rows: Sequence[Row]) -> int:
    hits, running, moved = 0, None, False
    for row in rows:
        if running is not None:
            running += row.credit - row.debit
            moved = moved or row.credit != row.debit
        if row.balance is not None:
            hits += moved and running == row.balance
            running, moved = row.balance, False
    return hits


def _distinct(columns: Sequence[Columns]) -> list[Columns]:
    """Each page may repeat the titles."""
    return [one for number, one in enumerate(columns) if one not in columns[:number]][:HEADERS_MAX]


def _is_header(lines: Sequence[Line], index: int) -> bool:
    """Titles of columns over transactions; those of a summary stand over amounts without a day."""
    if len(lines[index].words) < 2 or _MONEY.search(lines[index].text):
        return False
    columns = _columns(lines[index])
    if len(columns) < 2 or not ("balance" in columns or {"debit", "credit"} <= set(columns)):
        return False
    below = _first_amounts(lines, index)
    return below is None or _leading_day(below)[0] is not None or FORWARD.search(plain(below.text)) is not None


def _over_rows(lines: Sequence[Line], index: int) -> bool:
    """Titles in other words: three of them or more, straight over a transaction."""
    if len(lines[index].cells) < TITLES_MIN or _MONEY.search(lines[index].text) or ":" in lines[index].text:
        return False
    below = _first_amounts(lines, index)
    return below is not None and _leading_day(below)[0] is not None


def _first_amounts(lines: Sequence[Line], index: int) -> Line | None:
    following = lines[index + 1 : index + 1 + HEADER_REACH]
    return next((line for line in following if any(_amount_of(cell) for cell in line.cells)), None)


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
    last: Day | None = None
    for line in lines:
        day, rest = _leading_day(line)
        if day is None and last is not None and any(_amount_of(cell) for cell in line.cells):
            day, rest = last, line.words
            own = row is not None and not row.money  # the day and the text stand in the line above
        elif day is None:
            row = _continued(row, line)
            continue
        else:
            own = True
        before = row
        if before is not None and before.money:
            yield before
        row = _raw_row(day, rest, line.page, own_day=own)
        if before is not None and not before.money and rest is line.words:
            row = replace(row, narration=f"{before.narration} {row.narration}".strip(), text_left=before.text_left)
        last = day
    if row is not None and row.money:
        yield row


def _leading_day(line: Line) -> tuple[Day | None, Sequence[Word]]:
    """The day that a line begins with, if need be after its number, and the words behind it."""
    for start in (0, 1):
        if start and not _NUMBER.fullmatch(line.words[0].text):
            break
        for count in (3, 2, 1):
            day = parse_day(" ".join(word.text for word in line.words[start : start + count]))
            if day is not None and len(line.words) > start + count:
                return day, line.words[start + count :]
    return None, line.words


def _raw_row(day: Day, words: Sequence[Word], page: int, *, own_day: bool) -> _RawRow:
    words = words[_value_date(words) :]
    money: list[_Money] = []
    text: list[Cell] = []
    side: str | None = None
    for cell in Line(page, tuple(words)).cells if words else ():
        amount = _amount_of(cell)
        if amount is not None:
            money.append(_Money(_sided(amount, side), cell.left, cell.right))
            side = None
        elif plain(cell.text) not in ("dr", "cr"):
            text.append(cell)
        elif money and money[-1].amount.side is None:
            money[-1] = replace(money[-1], amount=_sided(money[-1].amount, plain(cell.text)))
        else:
            side = plain(cell.text)
    narration = " ".join(cell.text for cell in text)
    return _RawRow(day, narration, tuple(money), page, text[0].left if text else None, own_day)


def _sided(amount: Amount, side: str | None) -> Amount:
    if side is None or amount.side is not None:
        return amount
    return replace(amount, side="debit" if side == "dr" else "credit")


def _value_date(words: Sequence[Word]) -> int:
    """How many words at the beginning are another day."""
    for count in (3, 2, 1):
        if len(words) > count and parse_day(" ".join(word.text for word in words[:count])) is not None:
            return count
    return 0


def _amount_of(cell: Cell) -> Amount | None:
    # A bare integer is a cheque number or a reference more often than money.
    return parse_amount(cell.text) if _MONEY.search(cell.text) else None


def _continued(row: _RawRow | None, line: Line) -> _RawRow | None:
    """Words alone, where the row above has its narration, carry that on; a footer starts elsewhere."""
    if row is None or row.text_left is None or abs(line.words[0].left - row.text_left) > SAME_EDGE:
        return row
    if len(row.narration) > 150 or any(_amount_of(cell) for cell in line.cells):
        return row
    return replace(row, narration=f"{row.narration} {line.text}"[:200])


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
    for edge in sorted(money.right for row in raw for money in row.money if row.own_day):
        if not edges or edge - edges[-1] > SAME_EDGE:
            edges.append(edge)
    if 2 <= len(edges) <= 4:
        for roles in permutations(HEADERS, len(edges)):
            if "balance" in roles:
                yield dict(zip(edges, roles, strict=True))


def _role_at(money: _Money, roles: dict[float, str]) -> str | None:
    return roles[min(roles, key=lambda edge: abs(edge - money.right))]


def _rows(
    raw: Sequence[_RawRow], role: Callable[[_Money], str | None], *, undated: bool
) -> tuple[tuple[Row, ...], bool]:
    """The rows, and whether amounts after the last one were not understood. `undated`: lines without a day are rows."""
    rows: list[Row] = []
    doubtful = False
    for line in raw:
        roles = [(role(money), money.amount) for money in line.money]
        words = plain(line.narration)
        forward = FORWARD.search(words) is not None
        if not line.own_day:
            if forward or _NO_ROW.search(words) or not any(name for name, _ in roles):
                continue
            moves = any(name in ("debit", "credit", "amount") for name, _ in roles)
            if not (undated and moves):
                doubtful = True
                continue
        row = _row(line, [(name, amount) for name, amount in roles if name == "balance" or not forward])
        rows.append(replace(row, doubtful=doubtful or not line.own_day))
        doubtful = False
    return tuple(rows), doubtful


def _row(raw: _RawRow, roles: Sequence[tuple[str | None, Amount]]) -> Row:
    debit, credit, balance = Decimal(0), Decimal(0), None
    for role, amount in roles:
        match role:
            case "debit":
                debit += abs(amount.value)
            case "credit":
                credit += abs(amount.value)
            case "amount" if amount.value < 0 or amount.side == "debit":
                debit += abs(amount.value)
            case "amount":
                credit += abs(amount.value)
            case "balance":
                balance = -amount.value if amount.side == "debit" else amount.value
    return Row(raw.day, raw.narration, debit, credit, balance, raw.page)
