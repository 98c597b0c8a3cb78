"""Where each bank stands: complete, half added with what is missing, cut off with what is kept."""

from collections.abc import Callable
from dataclasses import dataclass, field

from loanstream.stack.auth.clients import read_clients
from loanstream.tenants.adding import ADDING
from loanstream.tenants.removing import DOORS, documents_of, keys_of, topics_of
from loanstream.tenants.work import Work, plan
from schemas.problem import Problem
from schemas.topics import TOPICS

WORDS = {
    "adding": "half added",
    "served": "incomplete",
    "away": "not served by this start",
    "removed": "removed",
    "deleted": "removed with its topics",
    None: "not added",
}
"""The book's standing of a bank that is not complete -> in words."""


@dataclass(frozen=True, slots=True)
class Stands:
    """One bank. `missing` are steps of adding (or of removing, where it is to be cut off) that are not done, `kept` is
    what is left of its data where it is not served.
    """

    tenant: str
    stands: str
    missing: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    next: str | None = None


def known(work: Work) -> list[str]:
    """Every bank that the book, topics, key files or clients know of. `work` is of any bank."""
    booked = work.book.standings if work.book is not None else work.installation.tenants
    on_broker = {TOPICS["applications"].tenant_of(name) for name in work.broker.topics()}
    clients = () if work.auth is None else (client.tenant for client in read_clients(work.auth).values())
    keys = work.installation.settings.keys
    files = () if keys is None else (path.stem.removeprefix("tenant-") for path in keys.glob("tenant-*.json"))
    return sorted({*booked, *(on_broker - {None}), *clients, *files})


def standing(work: Work) -> Stands:
    """Where the bank of `work` stands. What it waits for is not waited for."""
    if work.standing in {"served", "adding"}:
        missing = _lines(lambda: [name for name, lines in plan(ADDING, work).items() if lines])
        if not missing:
            return Stands(work.tenant, "complete")
        return Stands(work.tenant, WORDS[work.standing], missing, next=f"loanstream tenant add {work.tenant}")
    open_doors = _lines(lambda: [name for name, lines in plan(DOORS, work).items() if lines])
    kept = _kept(work)
    if work.standing in {"removed", "deleted"} and open_doors:
        return Stands(work.tenant, "half removed", open_doors, kept, f"loanstream tenant remove {work.tenant}")
    return Stands(work.tenant, WORDS[work.standing], [], kept)


def _lines(found: Callable[[], list[str]]) -> list[str]:
    try:
        return found()
    except Problem as error:
        return [str(error)]


def _kept(work: Work) -> list[str]:
    found: dict[str, Callable[[], bool]] = {
        "topics": lambda: bool(topics_of(work)),
        "documents": lambda: bool(documents_of(work)),
        "warehouse": lambda: bool(work.recorded()),
        "keys": lambda: bool(keys_of(work)),
    }
    return [told for kind, look in found.items() if (told := _seen(kind, look))]


def _seen(kind: str, look: Callable[[], bool]) -> str | None:
    """The kind where there is some of it; said of it where nobody can see: what is away holds nobody up."""
    try:
        return kind if look() else None
    except Problem:
        return f"{kind} (not to be seen now)"
