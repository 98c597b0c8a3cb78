"""A payslip's figures by their columns: the month's told from the year's to date, a rate's or another month's.

A column's role comes from the words above it, beside it, or from the heading of its section; a row's, where labels
stand above their amounts, from the words it begins with. Where roles do not say which amount is the month's, none is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from processors.readers.text.amounts import parse_amount
from processors.readers.text.dates import months_in, parse_month, without_months
from processors.readers.text.labels import plain
from processors.readers.text.pay_period import of_a_month
from processors.readers.text.text_layer import Cell, Line, Word

Role = Literal["month", "total", "to_date", "year", "other", "unknown"]

_SPANS: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("month", re.compile(r"\b(?:mtd|(?:month|period) to date)\b")),
    (
        "to_date",
        re.compile(
            r"\b(?:fy|c)?ytd\b|\b(?:to|till|upto|up to) date\b|\bcum(?:ul\w*)?\b|\b(?:fiscal|financial|tax) year\b"
            r"|\bfy ?\d|\bytd\w*\b|\byear so far\b|\b(?:up ?to|till|until|since|so far|running|aggregate|progressive)\b"
            r"|\b\d+ months\b|\bquarter\w*\b|\bq[1-4]\b|\bhalf ?year\w*\b"
        ),
    ),
    ("year", re.compile(r"\b(?:annual(?:ly|ised|ized)?|per annum|yearly|pa|per year|a year|year|ctc)\b")),
    (
        "other",
        re.compile(
            r"\b(?:rates?|hours?|hrs|units?|days|qty|quantity|arrears?|fixed|standard|entitle\w*|eligib\w*|master"
            r"|previous|prior|last|structure|projected|declared|balance|percent|full|weeks?|weekly|fortnight\w*"
            r"|(?:bi|semi) ?month\w*|adjust\w*|budget\w*|bonus)\b"
        ),
    ),
)
"""Words that name another span than the payslip's month, or another thing than its pay, wherever they stand in a title.
"""
_THE_MONTH_S = frozenset(("current", "curr", "this", "month", "monthly", "pm"))
_ITS_PAY = frozenset(("period", "earned", "earnings", "payable", "paid", "actual", "actuals"))
"""Of the payslip's own pay; with 'total' they may be of any."""
_TOTAL = frozenset(("total", "totals"))
_SAYS_NOTHING = frozenset(
    (
        "amount",
        "amounts",
        "amt",
        "rs",
        "inr",
        "usd",
        "gbp",
        "eur",
        "rupees",
        "in",
        "of",
        "the",
        "for",
        "per",
        "a",
        "pay",
    )
) | {
    "salary",
    "value",
    "income",
    "gross",
    "earning",
    "1",
    "and",
    "payslip",
    "slip",
    "pays",
    "description",
    "deductions",
}
"""All words of a title that is believed are one of these; a title with any other word is not known."""

_ALONE: tuple[tuple[Role, re.Pattern[str]], ...] = (
    ("to_date", re.compile(r"(?:total )?(?:fy|c)?(?:ytd|year to date|cumulative|(?:till|to) date)")),
    ("year", re.compile(r"annual(?:ly)?|yearly|per annum|per year|pa")),
    (
        "month",
        re.compile(r"(?:for )?(?:the |this |current )?(?:current|month|period|pay period)|monthly|per month|pm|mtd"),
    ),
)
"""Words that say nothing else, between a label and its amount or over a section: 'Total Deductions' is a label."""
_TAX_YEAR = re.compile(r"\b(?:financial|fiscal|tax|assessment) year\b|\bfy\b")
_OF_A_SECTION = re.compile(r" (?:summary|totals?|figures|amounts?|details|earnings|pay)$")

_MONEY = re.compile(r"\d[.,]\d")
_ENDS_IN_NUMBER = re.compile(r"(?<![\d-])\d{1,3}$")

_TITLES = ("payslip", "pay slip", "salary slip", "pay advice", "wage slip", "earnings statement")

BESIDE = 8.0
"""Points that a column's title may stand beside its amounts."""
WRAPPED = 1.8
"""Of a line's height: titles this close above one another are one title in two lines."""
ROWS_BELOW = 4
MORE = Decimal("1.25")
"""A total may be more than its month's part by what the check of an income allows."""


@dataclass(frozen=True, slots=True)
class Figure:
    """An amount that a label introduces; `role` None where nothing says what it is."""

    value: Decimal
    page: int
    line: int
    left: float
    right: float
    role: Role | None = None
    told: bool = False
    """Whether the page shows that it is the month's, and no other column's."""


@dataclass(frozen=True, slots=True)
class Token:
    """An amount, or the words between two of them."""

    text: str
    left: float
    right: float
    amount: Decimal | None = None
    per_year: bool = False


def role_of(text: str, month: str | None) -> Role | None:
    """What a title says of its column, where the payslip is that of `month` (YYYY-MM).

    `unknown` for a title with a word that is not in the tables; None where it says nothing, as 'Amount' does.

    >>> role_of("YTD Total", None), role_of("This period", None), role_of("Feb 2026", "2026-03")
    ('to_date', 'month', 'other')
    >>> role_of("Running tally", None), role_of("Tally", None), role_of("Amount (Rs.)", None)
    ('to_date', 'unknown', None)
    """
    words = plain(text)
    named = next((role for role, pattern in _SPANS if pattern.search(words)), None)
    if named is not None:
        return named
    months = months_in(text)
    rest = set(of_a_month(plain(without_months(text))).split())
    if len(months) > 1:
        return "to_date"
    if months and not _is(months[0], month):
        return "other"
    if rest - _THE_MONTH_S - _ITS_PAY - _TOTAL - _SAYS_NOTHING:
        return "unknown"
    if months or rest & _THE_MONTH_S:
        return "month"
    if rest & _TOTAL:
        return "total"
    return "month" if rest & _ITS_PAY else None


def _is(named: tuple[int, int | None], month: str | None) -> bool:
    """Whether a title's month is the payslip's; where that is not known, it may be."""
    if month is None:
        return True
    year, number = (int(part) for part in month.split("-"))
    return named[0] == number and named[1] in (None, year)


def figures_of(lines: Sequence[Line], labels: Sequence[str], month: str | None) -> list[Figure]:
    """What may be the month's amount of the first of `labels` (plain, best first) that has one: one, or not to be told.

    Empty where no label introduces an amount, or only amounts of the year and of other columns.
    """
    for label in labels:
        found = [figure for index in range(len(lines)) for figure in _introduced(lines, index, label, month)]
        pages = sorted({figure.page for figure in found})
        for page in pages:
            here = [figure for figure in found if figure.page == page]
            if chosen := _month_s(here):
                return [replace(figure, told=_told(figure, here)) for figure in chosen]
    return []


def _month_s(figures: Sequence[Figure]) -> list[Figure]:
    for roles in (("month", "total"), (None, "unknown")):
        of_role = {figure.value: figure for figure in reversed(figures) if figure.role in roles}
        if of_role:
            return list(of_role.values())[::-1]
    return []


def _told(figure: Figure, printed: Sequence[Figure]) -> bool:
    """Whether `figure`, of those printed for its label, is the month's: its own title says so and every other title
    says something else, or it has none and nothing beside it could be mistaken for it.
    """
    others = [one for one in printed if one.value != figure.value]
    spans = [one.value for one in others if one.role in ("to_date", "year")]
    known = all(one.role in ("to_date", "year", "other") for one in others if one.role not in ("month", "total"))
    if not known or any(figure.value > value for value in spans):
        return False
    beside = {role: [one.value for one in others if one.role == role] for role in ("month", "total")}
    match figure.role:
        case "month":
            return not beside["month"] and all(value <= figure.value * MORE for value in beside["total"])
        case "total":
            return bool(beside["month"]) and all(figure.value <= value * MORE for value in beside["month"])
        case None:
            return not others or any(one.role == "to_date" for one in others)
        case _:
            return False


def _introduced(lines: Sequence[Line], index: int, label: str, month: str | None) -> Iterator[Figure]:
    line = lines[index]
    for position, cell in enumerate(line.cells):
        rest = _after(cell, label)
        if rest is None:
            continue
        following = [token for later in line.cells[position + 1 :] for token in _tokens(later.words)]
        beside = list(_beside(lines, index, [*rest, *following], month))
        yield from beside or _below(lines, index, cell, month)


def _after(cell: Cell, label: str) -> list[Token] | None:
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


def _tokens(words: Sequence[Word]) -> Iterator[Token]:
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
                yield Token("", run[0].left, run[-1].right, amount.value, amount.per_year)
                start += count
                break
        else:
            if plain(words[start].text) and plain(words[start].text) not in ("rs", "inr", "usd", "gbp", "eur"):
                text.append(words[start])
            start += 1
    if text:
        yield _token(text)


def tokens_of(line: Line) -> list[Token]:
    """A line's amounts and the words between them, in order; words of two cells are not one token."""
    return [token for cell in line.cells for token in _tokens(cell.words)]


def _one_amount(run: Sequence[Word]) -> bool:
    """Amounts side by side are two, though a blank may part the thousands of one."""
    return sum(bool(re.search(r"\d[.,]\d\d$|\d/-$", word.text)) for word in run) <= 1


def _token(words: Sequence[Word]) -> Token:
    return Token(" ".join(word.text for word in words), words[0].left, words[-1].right)


def _beside(lines: Sequence[Line], index: int, tokens: Sequence[Token], month: str | None) -> Iterator[Figure]:
    """Amounts to the right of a label, up to the next label; a role that is said is that of the amounts after it.

    Words behind the last amount of a line are said of it: '10,00,000 (April to January)'.
    """
    said: Role | None = None
    for number, token in enumerate(tokens):
        if token.amount is None:
            said = _alone(token.text)
            if said is None:
                return
        elif token.amount > 0:
            after = role_of(_behind(lines[index], token, tokens[number + 1 :]), month)
            role = "year" if token.per_year else said or role_above(lines, index, token, month)
            if after in ("to_date", "year", "other"):
                role = after
            yield Figure(token.amount, lines[index].page, index, token.left, token.right, role)


def _behind(line: Line, amount: Token, tokens: Sequence[Token]) -> str:
    """The words after an amount in its own cell, or alone after it in the line."""
    cell = next(cell for cell in line.cells if cell.right >= amount.right)
    own = " ".join(word.text for word in cell.words if word.left >= amount.right)
    if own and not _MONEY.search(own):
        return own
    return tokens[0].text if len(tokens) == 1 else ""


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
            over = role_above(lines, index, Token("", label.left, label.right), month)
            role = "year" if under.per_year else role_of(head.text, month) if head else over
            yield Figure(under.amount, line.page, number, under.left, under.right, role)


def role_above(lines: Sequence[Line], index: int, amount: Token, month: str | None) -> Role | None:
    """What the title over an amount of the line `index` says of it."""
    below_head = False
    for number in range(index - 1, -1, -1):
        if lines[number].page != lines[index].page:
            return None
        cells = lines[number].cells
        heads_rows = len(cells) == 1 and cells[0].left <= lines[index].words[0].left + BESIDE
        if heads_rows and (role := _section_role(cells[0], month)):
            return None if role == "unknown" and below_head else role
        title = _title_over(amount, cells)
        if title is not None:
            role = _title_role(lines, number, title, month) if _heads_columns(cells) else _numbered(cells, title, month)
            return None if role == "unknown" and below_head else role
        below_head = below_head or _of_the_head(lines[number])
    return None


def _of_the_head(line: Line) -> bool:
    """A line that says whose payslip it is, and of when: words above it are an employer's and no column's title."""
    words = plain(line.text)
    return not _MONEY.search(line.text) and (":" in line.text or any(title in words for title in _TITLES))


def _section_role(heading: Cell, month: str | None) -> Role | None:
    """What a line alone over rows says of them; a tax year may be said of the payslip, or of the figures."""
    if role := _alone(_OF_A_SECTION.sub("", plain(heading.text))):
        return role
    names = role_of(heading.text, month)
    if names not in ("to_date", "year") or not _heads_columns([heading]):
        return None
    return "unknown" if _TAX_YEAR.search(plain(heading.text)) else names


def _title_over(amount: Token | Cell, cells: Sequence[Cell]) -> Cell | None:
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


def _numbered(cells: Sequence[Cell], title: Cell, month: str | None) -> Role | None:
    """Of 'Week 12' over an amount it is not known whether it is a title; 'Paid Days 31' and rows are none."""
    values = any(":" in cell.text or _MONEY.search(cell.text) or parse_amount(cell.text) for cell in cells)
    if values or "days" in plain(title.text).split() or role_of(title.text, month) in (None, "month"):
        return None
    return "unknown"


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
