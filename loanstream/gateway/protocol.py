"""What a connection may do before a request is there: its head comes soon and is small, or the connection ends."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from loanstream.connections import Prompt

HEAD_BYTES_MOST = 32 * 1024
"""More than the limit of headers by themselves, which is told in words."""

HELD_BYTES_MOST = 64 * 1024
"""What is written at once all the same: an answer that long is not held in memory as a whole."""


class OneWrite:
    """A transport that sends what is written within one turn of the event loop in one piece.

    uvicorn writes an answer's head and its body apart. By TLS each costs a record, a system call, and a wake-up of
    who waits for them.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it, at the end of this turn at the latest."""
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        self._bytes += len(data)
        if self._bytes > HELD_BYTES_MOST:
            self._send()

    def close(self) -> None:
        """Send what is held, and close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._held:
            held, self._held, self._bytes = self._held, [], 0
            self._transport.write(b"".join(held))


class BoundedHttp(Prompt, HttpToolsProtocol):
    """uvicorn's quick protocol, which itself takes a head of any size, and waits for it for ever."""

    _head_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection."""
        one_write: Any = OneWrite(transport, self.loop)
        super().connection_made(one_write)

    def data_received(self, data: bytes) -> None:
        """Some bytes: of a body, or of a head that is not complete yet."""
        super().data_received(data)
        if self.transport.is_closing() or not (self.cycle is None or self.cycle.response_complete):
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES_MOST:
            self.send_400_response("The head of a request is too large.")

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._head_bytes = 0
        super().on_headers_complete()
