"""Applications of one file that stand in it more than once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from schemas.application import LoanApplication

REMEMBERED_MOST = 1_000_000
"""Applications that are remembered, for about 200 bytes each; those behind them are not compared any more."""

SHOWN_MOST = 5


@dataclass(slots=True)
class Repeats:
    """What is noted of a file's applications: which id and revision came before, and whether with the same content."""

    equal: dict[tuple[str, int], None] = field(default_factory=dict)
    different: dict[tuple[str, int], None] = field(default_factory=dict)
    not_compared: int = 0
    _seen: dict[tuple[str, str, int], bytes] = field(default_factory=dict)

    def note(self, application: LoanApplication) -> None:
        """Compare an application with those before it."""
        key = (application.tenant, application.application_id, application.revision)
        # When it was submitted is left out: for lines without a time it is the moment of reading.
        content = blake2b(application.model_dump_json(exclude={"submitted_at"}).encode(), digest_size=8).digest()
        before = self._seen.get(key)
        if before is not None:
            (self.equal if before == content else self.different)[key[1:]] = None
        elif len(self._seen) < REMEMBERED_MOST:
            self._seen[key] = content
        else:
            self.not_compared += 1

    def __str__(self) -> str:
        """The hints, a line each; nothing where nothing repeats."""
        return "\n".join(self._hints())

    def _hints(self) -> Iterator[str]:
        if self.different:
            yield (
                f"under one id and revision there are different applications: {_ids(self.different)}; each is decided, "
                "and shown as a conflict (a changed application needs a higher revision)"
            )
        if self.equal:
            yield f"the same application stands there more than once: {_ids(self.equal)}"
        if self.not_compared:
            yield f"{self.not_compared} applications after the first {REMEMBERED_MOST} were not looked at for repeats"


def _ids(found: dict[tuple[str, int], None]) -> str:
    names = [name if revision == 1 else f"{name} (revision {revision})" for name, revision in found]
    rest = len(names) - SHOWN_MOST
    return ", ".join(names[:SHOWN_MOST]) + (f" and {rest} more" if rest > 0 else "")
