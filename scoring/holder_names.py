"""Whether documents name one person: what each names is held against what the others name."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from schemas.verification import ExtractedField, Extraction
from scoring.readings import fields_of
from scoring.similarity import NAME_MATCH, person_similarity

FIELD = "holder_name"


class Names(NamedTuple):
    """Of two documents the two names that are most alike, and how alike they are, 0 to 100."""

    one: ExtractedField
    other: ExtractedField
    alike: float

    @property
    def agree(self) -> bool:
        """Whether they are one person's."""
        return self.alike >= NAME_MATCH


def compared(one: Extraction, other: Extraction) -> Names | None:
    """The names on two documents; None where one of them names nobody."""
    pairs = (
        Names(a, b, person_similarity(a.value, b.value)) for a in fields_of(one, FIELD) for b in fields_of(other, FIELD)
    )
    return max(pairs, key=lambda names: names.alike, default=None)


def differing(documents: Sequence[Extraction]) -> Iterator[tuple[Extraction, Extraction, Names]]:
    """Each document that names another person than one before it, after that one."""
    for at, document in enumerate(documents):
        others = ((other, names) for other in documents[:at] if (names := compared(other, document)))
        if found := next(((other, names) for other, names in others if not names.agree), None):
            yield found[0], document, found[1]


def fits(document: Extraction, others: Iterable[Extraction]) -> bool:
    """Whether a document names nobody, or is named as all of the others are that name somebody, which one has to."""
    if not any(fields_of(document, FIELD)):
        return True
    named = [names for other in others if (names := compared(other, document))]
    return bool(named) and all(names.agree for names in named)
