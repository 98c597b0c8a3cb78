"""Removing a bank, as a table of steps: it is cut off first, and its data go only where they are named.

Three doors close in the first three steps, each from that moment on: the gateway refuses its tokens, the token server
its clients, and the broker its rights, also on open connections and with tokens that are still good. The stages keep
their own rights, and finish what it sent. Of its topics the inputs go first.
"""

from collections.abc import Callable, Mapping

from loanstream.install.grants import Held
from loanstream.stack.auth.clients import read_roll
from loanstream.stack.auth.registration import clients_of, withdraw_tenant
from loanstream.tenants import rights
from loanstream.tenants.work import Step, Work
from schemas.problem import Problem
from schemas.topics import TENANT_TOPICS
from stores.warehouse.tenants import delete_rows, rows_of

DATA: Mapping[str, str] = {
    "topics": "every record that is retained, decisions and dead letters among them; the name is never given again",
    "documents": "every document, and what was read from it",
    "warehouse": "every row: its decisions cannot be shown, replayed or counted any more",
    "keys": "its receipts can never be proven again, and its documents never opened",
}
"""What may be deleted with a bank -> what is lost with it."""
NEEDS_TOPICS = ("warehouse", "keys")
"""While there are topics the stages work with these."""


def check(delete: frozenset[str]) -> None:
    """Problem for kinds of data that are none, or that cannot go alone."""
    if not delete <= DATA.keys():
        raise Problem(f"--delete-data: expected some of {','.join(DATA)}, by commas")
    alone = [kind for kind in NEEDS_TOPICS if kind in delete and "topics" not in delete]
    if alone:
        raise Problem(f"--delete-data: expected topics with {alone[0]}: the stages read and record what is in them")


def _still_served(work: Work) -> list[str]:
    if work.book is None or work.standing in {None, "removed", "deleted"}:
        return []
    return ["refuse its tokens at the gateway, and forget it in commands"]


def _clients(work: Work) -> list[str]:
    if work.auth is None:
        return []
    lines = [f"remove client {client.client_id}" for client in clients_of(work.auth, work.tenant)]
    is_served = work.tenant in (read_roll(work.auth).served or ())
    return [*lines, *(["give no token to any client of its"] if is_served else [])]


def _withdraw(work: Work) -> None:
    assert work.auth is not None
    withdraw_tenant(work.auth, work.tenant)


def _open_doors(work: Work) -> list[Held]:
    found = None if work.leave_grants else work.broker.held()
    return [] if found is None else rights.open_doors(found, work.installation, work.tenant)


def _finishing(work: Work) -> list[Held]:
    found = None if work.leave_grants else work.broker.held()
    return [] if found is None else rights.finishing(found, work.installation, work.tenant)


def _asked(kind: str, lines: Callable[[Work], list[str]]) -> Callable[[Work], list[str]]:
    return lambda work: lines(work) if kind in work.delete else []


def topics_of(work: Work) -> list[str]:
    """The bank's topics that are there, inputs first."""
    there = work.broker.topics()
    rows = sorted(TENANT_TOPICS, key=lambda topic: not topic.input)
    return [name for name in (topic.name(work.tenant) for topic in rows) if name in there]


def documents_of(work: Work) -> list[str]:
    """A line where the document store has objects of the bank."""
    count = work.installation.blobs.count(work.tenant)
    return [f"delete {count} documents and extractions"] if count else []


def _waiting(work: Work) -> list[str]:
    return work.broker.waiting(work.tenant) if work.delete else []


def _rows(work: Work) -> list[str]:
    found = rows_of(work.installation.warehouse(), work.tenant)
    return [f"delete {count} rows of {table}" for table, count in found.items()]


def _delete_rows(work: Work) -> None:
    delete_rows(work.installation.warehouse_writer(), work.tenant)


def keys_of(work: Work) -> list[str]:
    """A line where the bank's key file is there."""
    if work.installation.settings.keys is None:
        return []
    there = not work.installation.key_files.missing([work.tenant], column=False)
    return ["delete its key file: no receipt of its can be proven any more"] if there else []


def _not_noted(work: Work) -> list[str]:
    if work.book is None:
        raise Problem(
            "--delete-data topics: expected LOANSTREAM_TENANTS_FILE in place of LOANSTREAM_TENANTS: the list remembers "
            "that the name is never given again"
        )
    return [] if work.standing == "deleted" else ["never give the name again"]


DOORS: tuple[Step, ...] = (
    Step("gateway", _still_served, lambda work: work.note("removed")),
    Step("clients", _clients, _withdraw),
    Step(
        "rights",
        lambda work: [f"take away {held}" for held in _open_doors(work)],
        lambda work: work.broker.take_away(_open_doors(work)),
    ),
)
"""What cuts a bank off."""

REMOVING: tuple[Step, ...] = (
    *DOORS,
    Step(
        "decided",
        _waiting,
        lambda work: work.wait_for(lambda: _waiting(work), f"not all that {work.tenant} sent is decided and recorded"),
    ),
    Step("name", _asked("topics", _not_noted), lambda work: work.note("deleted")),
    Step(
        "topics",
        _asked("topics", lambda work: [f"delete topic {name}" for name in topics_of(work)]),
        lambda work: work.broker.delete(topics_of(work)),
    ),
    Step(
        "last rights",
        _asked("topics", lambda work: [f"take away {held}" for held in _finishing(work)]),
        lambda work: work.broker.take_away(_finishing(work)),
    ),
    Step("documents", _asked("documents", documents_of), lambda work: work.installation.blobs.clear(work.tenant)),
    Step("warehouse", _asked("warehouse", _rows), _delete_rows),
    Step("keys", _asked("keys", keys_of), lambda work: work.installation.key_files.forget_tenant(work.tenant)),
)
