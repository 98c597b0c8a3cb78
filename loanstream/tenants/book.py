"""Who is served: one small file, replaced as a whole, which running processes read again when it was replaced.

`loanstream tenant` writes it, and `loanstream up` at its start. The gateway, the supervisor and every command read it;
workers need none: they find topics by pattern, and a bank's key file at its first record.
"""

import fcntl
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Literal, get_args

from schemas.problem import Problem
from schemas.topics import TENANT_PATTERN
from stores.private_files import write_private

Standing = Literal["adding", "served", "away", "removed", "deleted"]
"""Of a bank: `adding` until all of it is there; `away` where the stack was started without it; `removed`, with its data
kept; `deleted` with its topics: offsets would begin anew under that name, and the warehouse and dead letters name
records by offset, so it is never given again."""


class TenantBook(Collection[str]):
    """The banks of one installation with their standing. As a collection it is the names of those that are served.

    A file that is not there names nobody. Reading raises Problem for one that does not hold banks; once it was read,
    what was read last stays in force instead.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._standings: Mapping[str, Standing] | None = None

    @property
    def standings(self) -> Mapping[str, Standing]:
        """Every bank with its standing, as of now."""
        seen = _identity(self.path)
        if self._standings is None or seen != self._seen:
            try:
                self._standings = _read(self.path)
            except Problem:
                if self._standings is None:
                    raise
            self._seen = seen
        return self._standings

    @property
    def served(self) -> tuple[str, ...]:
        """The names of those that are served."""
        return tuple(name for name, standing in self.standings.items() if standing == "served")

    def to_serve(self) -> tuple[str, ...]:
        """Those that a start of the stack serves where nobody names others: what is half added is finished by it."""
        return tuple(name for name, standing in self.standings.items() if standing in {"served", "adding"})

    def __contains__(self, tenant: object) -> bool:
        return isinstance(tenant, str) and self.standings.get(tenant) == "served"

    def __iter__(self) -> Iterator[str]:
        return iter(self.served)

    def __len__(self) -> int:
        return len(self.served)

    def note(self, tenant: str, standing: Standing | None) -> None:
        """Give a bank a standing; None: it is forgotten. Problem; OSError."""
        with self._changing() as standings:
            standings.pop(tenant, None) if standing is None else standings.update({tenant: standing})

    def serve(self, tenants: Iterable[str]) -> None:
        """Serve these, as a start of the stack does. Others that were served are away from now on. Problem; OSError."""
        served = tuple(tenants)
        with self._changing() as standings:
            gone = [name for name in served if standings.get(name) == "deleted"]
            if gone:
                raise Problem(f"{gone[0]} was removed with its topics, and its name is never given again: take another")
            for name, standing in standings.items():
                standings[name] = "away" if standing in {"served", "adding"} else standing
            standings.update(dict.fromkeys(served, "served"))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold what one command at a time holds. Problem where another one does."""
        with self._lock("verb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Problem(
                    f"another `loanstream tenant` works on {self.path}; run it again once it is done"
                ) from None
            yield

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Standing]]:
        with self._lock("lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = dict(_read(self.path))
            after = dict(before)
            yield after
            if after != before or not self.path.exists():
                write_private(self.path, f"{json.dumps({'tenants': after}, indent=1)}\n".encode())

    @contextmanager
    def _lock(self, kind: str) -> Iterator[int]:
        handle = os.open(self.path.with_suffix(f".{kind}"), os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)


def only_one(book: TenantBook | None) -> AbstractContextManager[None]:
    """Within, no other command changes this book; without a book nobody is held up. Problem."""
    return nullcontext() if book is None else book.alone()


def _read(path: Path) -> Mapping[str, Standing]:
    try:
        found = dict(json.loads(path.read_text())["tenants"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        found = {"": "unreadable"}
    if not all(re.fullmatch(TENANT_PATTERN, name) and each in get_args(Standing) for name, each in found.items()):
        raise Problem(
            f'{path} does not hold banks; expected {{"tenants": {{"NAME": "served"}}}}, each as one of '
            f"{', '.join(get_args(Standing))}"
        )
    return found


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file does, since it is only ever replaced; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
