"""A payslip's figures by their columns: the month's told from the year's to date, a rate's or another month's.

A column's role comes from the words above it, beside it, or from the heading of its section; a row's, where labels
stand above their amounts, from the words it begins with. Where roles do not say which amount is the month's, none is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from processors.readers.text.amounts import parse_amount
from processors.readers.text.dates import parse_month
from processors.readers.text.labels import plain
from processors.readers.text.text_layer import Cell, Line, Word

Role = Literal["month", "to_date", "year", "other"]

ROLES: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("month", re.compile(r"\b(?:mtd|(?:month|period) to date)\b")),
    (
        "to_date",
        re.compile(
            r"\b(?:fy|c)?ytd\b|\b(?:to|till|upto|up to) date\b|\bcum(?:ulative)?\b|\b(?:fiscal|financial|tax) year\b"
            r"|\bfy ?\d|\bytd\w*\b|\byear so far\b"
        ),
    ),
    ("year", re.compile(r"\b(?:annual(?:ly|ised|ized)?|per annum|yearly|pa|per year|a year|ctc)\b")),
    (
        "other",
        re.compile(
            r"\b(?:rates?|hours?|hrs|units?|days|qty|quantity|arrears?|fixed|standard|entitle\w*|eligib\w*|master"
            r"|previous|prior|last|structure|projected|declared|balance|percent)\b"
        ),
    ),
    (
        "month",
        re.compile(r"\b(?:current|this|month|monthly|per month|pm|period|earned|earnings|payable|paid|actual|total)\b"),
    ),
)
"""What a column's words say of it; the first that fits."""

_ALONE: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("to_date", re.compile(r"(?:total )?(?:fy|c)?(?:ytd|year to date|cumulative|(?:till|to) date)")),
    ("year", re.compile(r"annual(?:ly)?|yearly|per annum|per year|pa")),
    (
        "month",
        re.compile(r"(?:for )?(?:the |this |current )?(?:current|month|period|pay period)|monthly|per month|pm|mtd"),
    ),
)
"""Words that say nothing else, between a label and its amount or over a section: 'Total Deductions' is a label."""
_OF_A_SECTION = re.compile(r" (?:summary|totals?|figures|amounts?|details|earnings|pay)$")

_MONEY = re.compile(r"\d[.,]\d")
_ENDS_IN_NUMBER = re.compile(r"(?<![\d-])\d{1,3}$")

BESIDE = 8.0
"""Points that a column's title may stand beside its amounts."""
WRAPPED = 1.8
"""Of a line's height: titles this close above one another are one title in two lines."""
ROWS_BELOW = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount that a label introduces; `role` None where nothing says what it is."""

    value: Decimal
    page: int
    line: int
    left: float
    right: float
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    left: float
    right: float
    amount: Decimal | None = None
    per_year: bool = False


def role_of(text: str, month: str | None) -> Role | None:
    """What a title says of its column, where the payslip is that of `month` (YYYY-MM).

    >>> role_of("YTD Total", None), role_of("This period", None), role_of("Feb 2026", "2026-03")
    ('to_date', 'month', 'other')
    """
    words = plain(text)
    named = next((role for role, pattern in ROLES if pattern.search(words)), None)
    if named in (None, "month") and month is not None and (of := parse_month(text)) is not None:
        return "month" if of == month else "other"
    return named


def figures_of(lines: Sequence[Line], labels: Sequence[str], month: str | None) -> list[Figure]:
    """What may be the month's amount of the first of `labels` (plain, best first) that has one: one, or not to be told.

    Empty where no label introduces an amount, or only amounts of the year and of other columns.
    """
    for label in labels:
        found = [figure for index in range(len(lines)) for figure in _introduced(lines, index, label, month)]
        pages = sorted({figure.page for figure in found})
        for page in pages:
            if chosen := _month_s([figure for figure in found if figure.page == page]):
                return chosen
    return []


def _month_s(figures: Sequence[Figure]) -> list[Figure]:
    for role in ("month", None):
        of_role = {figure.value: figure for figure in reversed(figures) if figure.role == role}
        if of_role:
            return list(of_role.values())[::-1]
    return []


def _introduced(lines: Sequence[Line], index: int, label: str, month: str | None) -> Iterator[Figure]:
    line = lines[index]
    for position, cell in enumerate(line.cells):
        rest = _after(cell, label)
        if rest is None:
            continue
        following = [token for later in line.cells[position + 1 :] for token in _tokens(later.words)]
        beside = list(_beside(lines, index, [*rest, *following], month))
        yield from beside or _below(lines, index, cell, month)


def _after(cell: Cell, label: str) -> list[_Token] | None:
    """What follows the label in its own cell; None where the cell does not begin with it, or says something else."""
    words = list(_split(cell.words))
    for count in range(len(words), 0, -1):
        if plain(" ".join(word.text for word in words[:count])) == label:
            rest = list(_tokens(words[count:]))
            means = not rest or rest[0].amount is not None or _alone(rest[0].text) is not None
            return rest if means else None
    return None


def _split(words: Iterable[Word]) -> Iterator[Word]:
    """Words cut after a colon: 'Pay:93,000' is a label and its value."""
    for word in words:
        head, colon, tail = word.text.partition(":")
        if colon and head and tail:
            yield Word(head + colon, word.left, word.right, word.top, word.bottom)
            yield Word(tail, word.left, word.right, word.top, word.bottom)
        else:
            yield word


def _tokens(words: Sequence[Word]) -> Iterator[_Token]:
    """Amounts, as long as they go, and the words between them; signs alone are left out."""
    words = list(_split(words))
    start = 0
    text: list[Word] = []
    while start < len(words):
        for count in range(min(5, len(words) - start), 0, -1):
            run = words[start : start + count]
            amount = parse_amount(" ".join(word.text for word in run).lstrip(":- "))
            if amount is not None and _one_amount(run):
                if text:
                    yield _token(text)
                    text = []
                yield _Token("", run[0].left, run[-1].right, amount.value, amount.per_year)
                start += count
                break
        else:
            if plain(words[start].text) and plain(words[start].text) not in ("rs", "inr", "usd", "gbp", "eur"):
                text.append(words[start])
            start += 1
    if text:
        yield _token(text)


def _one_amount(run: Sequence[Word]) -> bool:
    """Amounts side by side are two, though a blank may part the thousands of one."""
    return sum(bool(re.search(r"\d[.,]\d\d$|\d/-$", word.text)) for word in run) <= 1


def _token(words: Sequence[Word]) -> _Token:
    return _Token(" ".join(word.text for word in words), words[0].left, words[-1].right)


def _beside(lines: Sequence[Line], index: int, tokens: Sequence[_Token], month: str | None) -> Iterator[Figure]:
    """Amounts to the right of a label, up to the next label; a role that is said is that of the amounts after it."""
    said: Role | None = None
    for token in tokens:
        if token.amount is None:
            said = _alone(token.text)
            if said is None:
                return
        elif token.amount > 0:
            role = "year" if token.per_year else said or _role_above(lines, index, token, month)
            yield Figure(token.amount, lines[index].page, index, token.left, token.right, role)


def _below(lines: Sequence[Line], index: int, label: Cell, month: str | None) -> Iterator[Figure]:
    """Amounts under a label, up to a line without one; each line's first words say whose it is."""
    for number in range(index + 1, min(index + 1 + ROWS_BELOW, len(lines))):
        line = lines[number]
        tokens = [token for cell in line.cells for token in _tokens(cell.words)]
        under = next(
            (one for one in tokens if one.left < label.right + BESIDE and one.right > label.left - BESIDE), None
        )
        if line.page != lines[index].page or under is None or under.amount is None:
            return
        if under.amount > 0:
            head = tokens[0] if tokens[0].amount is None else None
            role = "year" if under.per_year else role_of(head.text, month) if head else None
            yield Figure(under.amount, line.page, number, under.left, under.right, role)


def _role_above(lines: Sequence[Line], index: int, amount: _Token, month: str | None) -> Role | None:
    for number in range(index - 1, -1, -1):
        if lines[number].page != lines[index].page:
            return None
        cells = lines[number].cells
        heads_rows = len(cells) == 1 and cells[0].left <= lines[index].words[0].left + BESIDE
        if heads_rows and (role := _alone(_OF_A_SECTION.sub("", plain(cells[0].text)))):
            return role
        title = _title_over(amount, cells)
        if title is not None:
            return _title_role(lines, number, title, month) if _heads_columns(cells) else None
    return None


def _title_over(amount: _Token | Cell, cells: Sequence[Cell]) -> Cell | None:
    """The words that stand straight above, or nearest to that."""

    def shared(cell: Cell) -> float:
        return min(cell.right, amount.right) - max(cell.left, amount.left)

    titles = [cell for cell in cells if shared(cell) > -BESIDE and parse_amount(cell.text) is None]
    return max(titles, key=shared, default=None)


def _heads_columns(cells: Sequence[Cell]) -> bool:
    """A line with values in it, such as 'Paid Days: 31', is no header of what stands further down."""
    return not any(
        ":" in cell.text
        or _MONEY.search(cell.text)
        or parse_amount(cell.text)
        or (_ENDS_IN_NUMBER.search(cell.text) and parse_month(cell.text) is None)
        for cell in cells
    )


def _title_role(lines: Sequence[Line], number: int, title: Cell, month: str | None) -> Role | None:
    """A title's role, together with the line it is wrapped from."""
    text = title.text
    if number and lines[number - 1].page == lines[number].page and _heads_columns(lines[number - 1].cells):
        below, above = lines[number].words[0], lines[number - 1].words[0]
        first = _title_over(title, lines[number - 1].cells)
        if first is not None and below.top - above.top < WRAPPED * below.height:
            text = f"{first.text} {text}"
    return role_of(text, month)


def _alone(text: str) -> Role | None:
    words = plain(text)
    return next((role for role, pattern in _ALONE if pattern.fullmatch(words)), None)
