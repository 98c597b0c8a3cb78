"""Applications or outcomes of one file that stand in it more than once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

REMEMBERED_MOST = 1_000_000
"""Events that are remembered, for about 200 bytes each; those behind them are not compared any more."""

SHOWN_MOST = 5


@dataclass(frozen=True, slots=True)
class Alike:
    """Which events of a kind are about one thing (`key`), what two of those may differ in all the same (`left_out`),
    and what is said where they say different things, or the same (`{ids}` are whose).
    """

    noun: str
    key: Callable[[Any], tuple[Any, ...]]
    left_out: frozenset[str]
    different: str
    equal: str


APPLICATIONS_ALIKE = Alike(
    noun="application",
    key=lambda one: (one.tenant, one.application_id, one.revision),
    # When it was submitted is left out: for lines without a time it is the moment of reading.
    left_out=frozenset({"submitted_at"}),
    different="under one id and revision there are different applications: {ids}; each is decided, "
    "and shown as a conflict (a changed application needs a higher revision)",
    equal="the same application stands there more than once: {ids}",
)

OUTCOMES_ALIKE = Alike(
    noun="outcome",
    key=lambda one: (one.tenant, one.application_id, one.revision, one.at),
    left_out=frozenset(),
    different="of one moment there are different outcomes of: {ids}; each is sent, and each is kept",
    equal="the same outcome stands there more than once, and counts once: {ids}",
)


@dataclass(slots=True)
class Repeats:
    """What is noted of a file's events: which of one key came before, and whether with the same content.

    `equal` and `different` are the ids and revisions of those that did.
    """

    alike: Alike = APPLICATIONS_ALIKE
    equal: dict[tuple[str, int], None] = field(default_factory=dict)
    different: dict[tuple[str, int], None] = field(default_factory=dict)
    not_compared: int = 0
    _seen: dict[tuple[Any, ...], bytes] = field(default_factory=dict)

    def note(self, event: Any) -> None:
        """Compare an event with those before it."""
        key = self.alike.key(event)
        content = blake2b(event.model_dump_json(exclude=self.alike.left_out).encode(), digest_size=8).digest()
        before = self._seen.get(key)
        if before is not None:
            (self.equal if before == content else self.different)[event.application_id, event.revision] = None
        elif len(self._seen) < REMEMBERED_MOST:
            self._seen[key] = content
        else:
            self.not_compared += 1

    def __str__(self) -> str:
        """The hints, a line each; nothing where nothing repeats."""
        return "\n".join(self._hints())

    def _hints(self) -> Iterator[str]:
        if self.different:
            yield self.alike.different.format(ids=ids_of(self.different))
        if self.equal:
            yield self.alike.equal.format(ids=ids_of(self.equal))
        if self.not_compared:
            noun = self.alike.noun
            yield f"{self.not_compared} {noun}s after the first {REMEMBERED_MOST} were not looked at for repeats"


def ids_of(found: dict[tuple[str, int], None]) -> str:
    """The first of some ids and revisions, in words."""
    names = [name if revision == 1 else f"{name} (revision {revision})" for name, revision in found]
    rest = len(names) - SHOWN_MOST
    return ", ".join(names[:SHOWN_MOST]) + (f" and {rest} more" if rest > 0 else "")
