"""What strangers may hold at an HTTPS server of ours: so many connections, and each a few seconds without a request.

uvicorn waits for a request's head for ever, and asyncio a minute for a handshake; neither counts connections, and where
descriptors run out asyncio writes thousands of lines a second. So a server runs in a `BoundedLoop`, which counts at
`accept` and gives handshakes their time, with a protocol that is `Prompt`, and `Seldom` at its logs.
"""

import asyncio
import logging
import resource
import socket
from typing import Any

CONNECTIONS_MOST = 500
"""At once; where the process may have few descriptors, half of those. One more is closed as it comes."""
HANDSHAKE_WITHIN_S = 5.0
HEAD_WITHIN_S = 5.0
GOODBYE_WITHIN_S = 2.0
"""What a connection that we close gets to close as well."""
BACKLOG = 128
SELDOM_S = 10.0


class BoundedLoop(asyncio.SelectorEventLoop):
    """An event loop whose servers, all of them by TLS, hold a bounded number of connections."""

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Any, host: str, port: int, **given: Any
    ) -> asyncio.Server:
        """A server that listens at an address. OSError where that is impossible."""
        listener = listening(host, port)
        bounds: dict[str, Any] = {
            "backlog": BACKLOG,
            "ssl_handshake_timeout": HANDSHAKE_WITHIN_S,
            "ssl_shutdown_timeout": GOODBYE_WITHIN_S,
        }
        return await super().create_server(protocol_factory, sock=listener, **(given | bounds))


class Prompt(asyncio.Protocol):
    """Mixed into a protocol of uvicorn: who sends no complete head in time is cut off.

    Time begins with the connection, and with the first byte of each further request; between two of them uvicorn's own
    limit holds.
    """

    loop: Any
    cycle: Any
    transport: Any
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection: its first request is awaited."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Its end."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes: of a body, or of a head that is not complete yet."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_came()
        elif not self.transport.is_closing():
            self._await_head()

    def _await_head(self) -> None:
        if self._late is None:
            # Not `close`: that would wait for the other side again.
            self._late = self.loop.call_later(HEAD_WITHIN_S, self.transport.abort)

    def _head_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class Seldom(logging.Filter):
    """Lets a kind of line through once in ten seconds: whoever sends nonsense does not fill the disk.

    Kinds are first lines before their parameters; what comes below holds addresses, which are always new.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        kind = str(record.msg).partition("\n")[0]
        if record.created - self._last.get(kind, float("-inf")) < SELDOM_S:
            return False
        self._last[kind] = record.created
        return True


class _Listener(socket.socket):
    """A listening socket that takes no more connections than so many at once."""

    def __init__(self, family: int, most: int) -> None:
        # Without the protocol named asyncio takes it for none of TCP, and an answer waits for acknowledgements (Nagle).
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._most = most
        self._taken: set[socket.socket] = set()

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. ConnectionAbortedError, which asyncio passes over, where it was one too many."""
        connection, address = super().accept()
        if len(self._taken) >= self._most:
            self._taken = {each for each in self._taken if each.fileno() != -1}
        if len(self._taken) >= self._most:
            connection.close()
            raise ConnectionAbortedError
        self._taken.add(connection)
        return connection, address


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to an address, for a `BoundedLoop`. OSError where that is impossible."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = descriptors != resource.RLIM_INFINITY and descriptors // 2 < CONNECTIONS_MOST
    listener = _Listener(family, descriptors // 2 if few else CONNECTIONS_MOST)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen at {host}, port {port}: {error.strerror}") from None
    return listener
