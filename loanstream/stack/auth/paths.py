"""Where the token server's files lie in a state directory."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.problem import Problem

LOCK_WITHIN_S = 5.0
"""How long a change waits for another one: each takes milliseconds."""


@dataclass(frozen=True, slots=True)
class AuthFiles:
    """The paths. What lies in `keys` is secret; of `auth`, `jwks.json` is public and the clients hold only hashes."""

    state: Path

    @property
    def ring(self) -> Path:
        """The private keys that sign tokens (0600)."""
        return self.state / "keys" / "token-keys.json"

    @property
    def secrets(self) -> Path:
        """The embedded stack's own copy of its clients' secrets (0600)."""
        return self.state / "keys" / "clients.json"

    @property
    def clients(self) -> Path:
        """Who there is, with hashes of secrets (0600)."""
        return self.state / "auth" / "clients.json"

    @property
    def jwks(self) -> Path:
        """The public keys, for a broker that reads them by `file://` (0644)."""
        return self.state / "auth" / "jwks.json"

    @property
    def lock(self) -> Path:
        """Held while any of them is changed."""
        return self.state / "auth" / "lock"

    def make(self) -> None:
        """Create the directories. Raises OSError."""
        self.ring.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.jwks.parent.mkdir(exist_ok=True)

    @contextmanager
    def change(self, within_s: float = LOCK_WITHIN_S) -> Iterator[None]:
        """Hold the lock, so that one change is made at a time. Problem where another one takes longer than this."""
        until = time.monotonic() + within_s
        with self.lock.open("a") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise Problem(f"{self.lock} is held by another process; try again") from None
                    time.sleep(0.01)
                else:
                    break
            yield


def identity(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file does, since it is only ever replaced; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
