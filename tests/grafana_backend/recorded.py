"""The request of Grafana's plugin as it was recorded, for where no Go is: its bytes with another statement in them.

The answer is read as the plugin's driver reads it: gzip, and blocks in the dialect of revision 54460.
"""

import base64
import gzip
import socket
from http.client import HTTPResponse
from types import SimpleNamespace
from typing import Any

from clickhouse_connect.driver.query import QueryContext
from clickhouse_connect.driver.transform import NativeTransform
from clickhouse_connect.driverc.buffer import ResponseBuffer

from dashboards.preview.asking import Found

BY = "the plugin 4.14.1, clickhouse-go 2.43.0"
REQUEST = (
    "POST /?client_protocol_version=54460&database=loanstream&default_format=Native&max_execution_time=64 HTTP/1.1\r\n"
    "Host: 127.0.0.1:{port}\r\n"
    "User-Agent: grafana/0.0.0 clickhouse-go/2.43.0 (lv:go/1.26.8; os:linux)\r\n"
    "Content-Length: {length}\r\n"
    "Accept-Encoding: gzip\r\n"
    "Authorization: Basic {secret}\r\n"
    "\r\n"
)
"""clickhouse-go 2.47.0 sends the same bytes but for its number."""


class Refused(Exception):
    """The warehouse's error, as Grafana would show it."""


def replay(port: int, user: str, password: str, sql: str) -> Found:
    """The answer to a statement, asked for in those bytes. Refused."""
    body = sql.encode()
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    with socket.create_connection(("127.0.0.1", port), 60) as wire:
        wire.sendall(REQUEST.format(port=port, length=len(body), secret=secret).encode() + body)
        reply = HTTPResponse(wire, method="POST")
        reply.begin()
        told = reply.read()
    if reply.headers["Content-Encoding"] == "gzip":
        told = gzip.decompress(told)
    if reply.status != 200:
        raise Refused(told.decode("utf-8", "replace"))
    return _read(told)


def _read(blocks: bytes) -> Found:
    context = QueryContext()
    context.block_info = True
    found: Any = NativeTransform.parse_response(_Flagged(blocks), context)
    return Found(tuple(found.column_names), tuple(kind.name for kind in found.column_types), list(found.result_rows))


class _Flagged(ResponseBuffer):  # type: ignore[misc]
    """Bytes with a flag after each column's type, which clickhouse-connect asks no server for."""

    def __init__(self, blocks: bytes) -> None:
        super().__init__(SimpleNamespace(gen=iter([blocks]), close=lambda: None))
        self._texts = 0

    def read_leb128_str(self) -> str:
        text: str = super().read_leb128_str()
        self._texts += 1
        if self._texts % 2 == 0 and self.read_byte() != 0:
            raise ValueError("a column says that its bytes are written in another way")
        return text
