"""A specification for a file never seen: what each column seems to be, by rules that are said.

What is inferred is a draft. It is written beside the bundle, every choice with its reason, for a person to review.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from training.derived import inferred_derived
from training.intake.dates import formats_of, read_dates
from training.intake.missing import MISSING, WORDS_FOR_MISSING
from training.intake.numbers import best_notation, read_numbers
from training.intake.table import Table
from training.specification import Column, Specification, SpecificationError, Target, spelled_label

NUMBERS_ENOUGH = 0.95
"""A column is of numbers, or of dates, where so many of its cells are, those not counted that stand for missing."""

NEARLY_ALL_DISTINCT = 0.9
"""Words of which more than this share is distinct name the row, or are free text: they are no category."""

SOME_DATES = 0.2
"""Of words of which so many are dates nobody knows what the others are."""

LOOKED_AT = 400
"""Distinct cells by which the formats of dates are told."""

IDENTIFIER = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|index|rownum|row|serial)$|^(id|unnamed|column 1$|index)|(number|_no|nr)$|[a-z]ID$"
)
"""Names of columns that count or name rows, where every cell is another."""

PROTECTED = re.compile(
    r"(^|[_\W])(sex|gender|race|ethnicity|ethnic|religion|national_origin|nationality|marital|marriage|married|foreign"
    r"|black|hispanic)([_\W]|$)",
    re.IGNORECASE,
)
"""Names of columns that no lender may decide by (ECOA, Regulation B, 12 CFR 1002.6; Directive 2004/113/EC)."""

ADVERSE = frozenset(
    {
        "deny", "denied", "bad", "default", "defaulted", "reject", "rejected", "declined", "decline", "charged off",
        "charge off", "charged-off", "delinquent", "late", "fail", "failed", "loss", "chgoff", "npl", "unpaid",
        "not paid",
        "fraud", "churn", "churned", "bankrupt", "risk", "high risk", "refused", "overdue", "non-performing",
    }
)  # fmt: skip
"""Names of the value that a risk model tells, in small letters."""

AFFIRMATIVE = frozenset({"1", "yes", "y", "true", "t"})
NEGATIVE = frozenset({"0", "no", "n", "false", "f", "-1"})
"""Of two values that are one of these each, the first is positive."""


@dataclass(frozen=True)
class Facts:
    """What the rules ask of a column."""

    name: str
    cells: Sequence[str]
    decimal_comma: bool

    @cached_property
    def counts(self) -> Counter[str]:
        """Distinct cells that stand for a value, with how often each occurs."""
        missing = set(MISSING)
        return Counter({cell: count for cell, count in Counter(self.cells).items() if cell not in missing})

    @cached_property
    def present(self) -> int:
        """Cells that stand for a value."""
        return sum(self.counts.values())

    @cached_property
    def notation(self) -> tuple[str, float]:
        """How its numbers are written, and the share of cells that are numbers; words for missing are not counted."""
        words = [cell for cell in self.counts if cell.casefold() not in WORDS_FOR_MISSING]
        name, _ = best_notation(words, decimal_comma=self.decimal_comma)
        read = ~np.isnan(read_numbers(words, name))
        total = sum(self.counts[cell] for cell in words)
        return name, sum(self.counts[cell] for cell, is_number in zip(words, read, strict=True) if is_number) / max(
            total, 1
        )

    @cached_property
    def formats(self) -> list[str]:
        """How its dates are written; see `formats_of`."""
        return formats_of(sorted(self.counts)[:: max(len(self.counts) // LOOKED_AT, 1)])

    @property
    def numeric(self) -> bool:
        """Whether it is of numbers."""
        return self.notation[1] >= NUMBERS_ENOUGH and self.present > 0

    def whole(self) -> bool:
        """Whether all its numbers are integers."""
        values = read_numbers(list(self.counts), self.notation[0])
        known = values[~np.isnan(values)]
        return bool((known == np.floor(known)).all())

    def consecutive(self) -> bool:
        """Whether its numbers count the rows."""
        values = read_numbers(list(self.counts), self.notation[0])
        return bool(len(values) == len(self.cells) and self.whole() and values.max() - values.min() + 1 == len(values))


def _constant(facts: Facts) -> Column | None:
    if not facts.counts:
        return Column(kind="ignored", why="no cell holds a value")
    if len(set(facts.cells)) == 1:
        return Column(kind="ignored", why="every cell is the same")
    return None


def _identifier(facts: Facts) -> Column | None:
    distinct = len(facts.counts) / max(len(facts.cells), 1)
    if facts.numeric:
        if distinct == 1 and (facts.consecutive() or (facts.whole() and IDENTIFIER.search(facts.name))):
            return Column(kind="identifier", why="a whole number that is another one in every row")
        return None
    return None


def _free_text(facts: Facts) -> Column | None:
    if len(facts.counts) > NEARLY_ALL_DISTINCT * facts.present and len(facts.counts) > 20:
        return Column(kind="identifier", why="words that differ in nearly every row: they name it, or are free text")
    return None


def _number(facts: Facts) -> Column | None:
    if not facts.numeric:
        return None
    notation, share = facts.notation
    why = None if share == 1.0 else f"{share:.1%} of its cells are numbers; the others count as missing"
    return Column(kind="number", notation=notation, words="missing", why=why)


def _date(facts: Facts) -> Column | None:
    if not any(character.isdigit() for cell in list(facts.counts)[:10] for character in cell) or not facts.formats:
        return None
    sample = sorted(facts.counts)[:: max(len(facts.counts) // LOOKED_AT, 1)]
    reads = [form for form in facts.formats if _share_read(sample, form) >= NUMBERS_ENOUGH]
    if reads:
        why = "days and months cannot be told apart: days were taken first" if len(reads) > 1 else None
        return Column(kind="date", formats=(reads[0],), words="missing", why=why)
    if _share_read(sample, *facts.formats) >= SOME_DATES:
        why = "dates written in several ways: say under formats which are meant, and make it a date"
        return Column(kind="ignored", why=why)
    return None


def _share_read(cells: Sequence[str], *formats: str) -> float:
    return float((~np.isnan(read_dates(cells, formats))).mean())


def _category(facts: Facts) -> Column | None:
    return Column(kind="category") if facts.counts else None


RULES: tuple[Callable[[Facts], Column | None], ...] = (
    _constant,
    _identifier,
    _number,
    _date,
    _free_text,
    _category,
)
"""The first that has an answer decides what a column is."""


def infer(table: Table, target: str, name: str) -> tuple[Specification, list[str]]:
    """A draft of the specification of a table, and sentences on what was decided.

    Raises SpecificationError where the target is no column, or does not have two values.
    """
    at = _find(table, target)
    inferred, said = infer_target(table.columns[at], at, table.source)
    columns, alike = {}, _copies(table, at)
    for column, cells in table.columns.items():
        if column == at:
            continue
        found = next(filter(None, (rule(Facts(column, cells, table.decimal_comma)) for rule in RULES)))
        if column in alike and found.kind != "ignored":
            found = Column(kind="ignored", why=f"the same cells as {alike[column]}")
        elif found.kind in {"number", "category", "date"} and PROTECTED.search(column):
            found = found.model_copy(update={"protected": True, "why": "by its name no lender may decide by it"})
        columns[column] = found
        if found.why:
            said.append(f"{column}: {'protected' if found.protected else found.kind}: {found.why}")
    if not any(column.is_feature for column in columns.values()):
        raise SpecificationError(f"{table.source}: no column beside {at} could teach a model anything")
    derived = inferred_derived(columns)
    said += [f"{made}: made of {', '.join((*parts.sum, *parts.by))}" for made, parts in derived.items()]
    return Specification(name=name, file=table.source, target=inferred, columns=columns, derived=derived), said


def _find(table: Table, target: str) -> str:
    if target in table.columns:
        return target
    like = [name for name in table.columns if name.casefold() == target.strip().casefold()]
    if len(like) == 1:
        return like[0]
    raise SpecificationError(f"{table.source}: no column {target}; expected one of {', '.join(table.columns)}")


def infer_target(cells: Sequence[str], name: str, source: str) -> tuple[Target, list[str]]:
    """The target of a column with two values: which of them is positive is told by 1 over 0, yes over no, a name for
    what went wrong, else it is the rarer one.
    """
    missing = set(MISSING)
    exact = Counter(spelled_label(cell, any_case=False) for cell in cells if cell not in missing)
    folded: Counter[str] = Counter()
    for value, count in exact.items():
        folded[spelled_label(value, any_case=True)] += count
    if len(folded) != 2:
        found = "no value" if not folded else "one value" if len(folded) == 1 else f"{len(folded):,} values"
        raise SpecificationError(
            f"{source}: {name}: {found}; expected two. A specification (--config) can say which of more values are "
            "positive and which are negative"
        )
    positive, why = _positive(folded)
    (negative,) = set(folded) - {positive}

    def written(value: str) -> tuple[str, ...]:
        return tuple(sorted(one for one in exact if spelled_label(one, any_case=True) == value))

    told = f"positive is {', '.join(written(positive))}, for {why}; negative is {', '.join(written(negative))}"
    said = [f"{name}: {told}"]
    if len(exact) > 2:
        said.append(f"{name}: upper and lower case do not differ")
    blank = sum(cell in missing for cell in cells)
    target = Target(
        column=name,
        positive=written(positive)[:1],
        negative=written(negative)[:1],
        any_case=len(exact) > 2,
        unlabelled="leave_out" if blank else "refuse",
        meaning=f"positive for {why}",
    )
    return target, said


def _positive(folded: Counter[str]) -> tuple[str, str]:
    adverse = [value for value in folded if value in ADVERSE]
    if len(adverse) == 1:
        return adverse[0], "it names what went wrong"
    affirmative = [value for value in folded if value in AFFIRMATIVE]
    if len(affirmative) == 1 and any(value in NEGATIVE for value in folded):
        return affirmative[0], "it is 1, or yes, beside 0, or no"
    value, _ = min(folded.items(), key=lambda found: (found[1], found[0]))
    return value, "it is the rarer one"


def _copies(table: Table, target: str) -> dict[str, str]:
    """Columns whose cells are those of an earlier one -> that one."""
    seen: dict[int, str] = {}
    found = {}
    for name, cells in table.columns.items():
        if name == target:
            continue
        key = hash(tuple(cells))
        if key in seen and table.columns[seen[key]] == cells:
            found[name] = seen[key]
        seen.setdefault(key, name)
    return found
