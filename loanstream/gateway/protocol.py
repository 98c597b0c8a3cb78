"""What a connection may do before a request is there: its head comes soon and is small, or the connection ends."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN_S = 10.0
HEAD_BYTES_MOST = 32 * 1024
"""More than the limit of headers by themselves, which is told in words."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which itself waits for a head for ever."""

    _head_bytes = 0
    _head_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
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
        if self.transport.is_closing() or not (self.cycle is None or self.cycle.response_complete):
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES_MOST:
            self.send_400_response("The head of a request is too large.")
        else:
            self._await_head()

    def on_headers_complete(self) -> None:
        """A head is complete."""
        self._head_came()
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._head_late is None:
            self._head_late = self.loop.call_later(HEAD_WITHIN_S, self.timeout_keep_alive_handler)

    def _head_came(self) -> None:
        self._head_bytes = 0
        if self._head_late is not None:
            self._head_late.cancel()
            self._head_late = None
