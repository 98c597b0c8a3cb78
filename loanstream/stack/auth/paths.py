"""Where the token server's files lie in a state directory."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.problem import Problem
from stores.private_files import private_directory

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
        """Held while any of them is changed (0600: who can open it can hold it)."""
        return self.state / "auth" / "lock"

    def make(self) -> None:
        """Create the directories. Raises OSError."""
        private_directory(self.ring.parent)
        self.jwks.parent.mkdir(exist_ok=True)

    @contextmanager
    def change(self, within_s: float = LOCK_WITHIN_S) -> Iterator[None]:
        """Hold the lock, so that one change is made at a time. Problem where another one takes longer than this."""
        until = time.monotonic() + within_s
        with os.fdopen(os.open(self.lock, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) != 0o600:
                self.lock.chmod(0o600)
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
