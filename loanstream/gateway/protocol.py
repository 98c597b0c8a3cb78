"""What a connection may do before a request is there: its head comes soon and is small, or the connection ends."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from loanstream.connections import Prompt

HEAD_BYTES_MOST = 32 * 1024
"""More than the limit of headers by themselves, which is told in words."""


class BoundedHttp(Prompt, HttpToolsProtocol):
    """uvicorn's quick protocol, which itself takes a head of any size, and waits for it for ever."""

    _head_bytes = 0

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
