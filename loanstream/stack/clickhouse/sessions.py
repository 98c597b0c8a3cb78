"""Sessions: links that are kept between requests, so that their settings and temporary tables are too."""

import time
from dataclasses import dataclass, field
from typing import Final

from loanstream.stack.clickhouse.engine import Engine
from loanstream.stack.clickhouse.errors import SESSION_IS_LOCKED, SESSION_NOT_FOUND, EngineError
from loanstream.stack.clickhouse.link import Link

_SECONDS: Final = 60
_MOST_SECONDS: Final = 3600


@dataclass(slots=True)
class _Session:
    link: Link
    busy: bool = True
    seconds: int = _SECONDS
    expires: float = field(default=float("inf"))


class Sessions:
    """The kept links of one process. Not for use by several threads at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[str, _Session] = {}

    def take(self, name: str, timeout: str = "", check: str = "0") -> Link:
        """The link of a session, new unless known. Raises EngineError: 373 while it is in use, 372 when `check`ed."""
        self._expire()
        session = self._kept.get(name)
        if session is None:
            if check == "1":
                raise EngineError(SESSION_NOT_FOUND, "there is no such session (SESSION_NOT_FOUND)")
            session = self._kept[name] = _Session(self._engine.link())
        elif session.busy:
            raise EngineError(SESSION_IS_LOCKED, "the session is used by another request (SESSION_IS_LOCKED)")
        session.busy = True
        session.seconds = min(int(timeout), _MOST_SECONDS) if timeout.isdecimal() else _SECONDS
        return session.link

    def give_back(self, name: str) -> None:
        """Let the session's next request in."""
        session = self._kept[name]
        session.busy, session.expires = False, time.monotonic() + session.seconds

    def _expire(self) -> None:
        now = time.monotonic()
        for name in [name for name, kept in self._kept.items() if not kept.busy and kept.expires < now]:
            self._kept.pop(name).link.close()
