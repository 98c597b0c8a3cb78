"""The answer on the wire: headers, compression, blocks, and errors before or after the first byte."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from loanstream.stack.clickhouse.codec import Encoder, accepted
from loanstream.stack.clickhouse.engine import Engine
from loanstream.stack.clickhouse.errors import EngineError
from loanstream.stack.clickhouse.frames import packed
from loanstream.stack.clickhouse.link import Answer

Send = Callable[[Mapping[str, Any]], Awaitable[None]]


class Reply:
    """One response. Its status goes out with the first block; an error after that goes into the body, tagged."""

    def __init__(self, send: Send, headers: Mapping[str, str], url: Mapping[str, str], engine: Engine) -> None:
        self._send = send
        wanted = url.get("enable_http_compression", "1") != "0"
        self._encoding = accepted(headers.get("accept-encoding", "")) if wanted else ""
        self._encoder = Encoder(self._encoding)
        self._framed = url.get("compress") == "1"
        self._engine = engine
        self._tag = secrets.token_hex(8)
        self._about: dict[str, str] = {}
        self._started = False

    def describe(self, query_id: str, result_format: str | None) -> None:
        """Say what the answer is. A statement without a result has no format, and clients tell it by that."""
        self._about = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Timezone": self._engine.timezone,
            "X-ClickHouse-Server-Display-Name": "loanstream",
            "X-ClickHouse-Exception-Tag": self._tag,
            **({"X-ClickHouse-Format": result_format} if result_format else {}),
            **({"Content-Encoding": self._encoding} if self._encoding else {}),
        }

    async def block(self, answer: Answer) -> None:
        """Send one more block."""
        if not self._started:
            await self._start(200, {**self._about, "X-ClickHouse-Summary": _summary(answer)})
        await self._body(self._encoded(answer.body), more=True)

    async def end(self) -> None:
        """Send what is left and finish."""
        if not self._started:
            await self._start(200, {**self._about, "X-ClickHouse-Summary": _summary(Answer(b""))})
        await self._body(self._encoder.finish(), more=False)

    async def failure(self, error: EngineError) -> None:
        """Report an error: as the status, or, when the answer is on its way, as the tagged end of its body."""
        text = f"{error} (version {self._engine.version})\n"
        if not self._started:
            # Who asked for frames reads an error by frames, too.
            body = packed(text.encode()) if self._framed else text.encode()
            await self._whole(error.status, body, {"X-ClickHouse-Exception-Code": str(error.code)})
            return
        tagged = f"\r\n__exception__\r\n{self._tag}\r\n{text}{len(text)} {self._tag}\r\n__exception__\r\n"
        await self._body(self._encoded(tagged.encode()) + self._encoder.finish(), more=False)

    async def text(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer of plain text."""
        await self._whole(status, text.encode(), headers or {})

    async def _whole(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        await self._start(status, {**headers, "Content-Length": str(len(body))})
        await self._body(body, more=False)

    def _encoded(self, piece: bytes) -> bytes:
        return self._encoder.feed(packed(piece) if self._framed else piece)

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        self._started = True
        pairs = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        pairs.append((b"content-type", b"text/plain; charset=UTF-8"))
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def _body(self, body: bytes, *, more: bool) -> None:
        if body or not more:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _summary(answer: Answer) -> str:
    counts = {
        "read_rows": answer.read_rows,
        "read_bytes": answer.read_bytes,
        "written_rows": answer.written_rows,
        "written_bytes": answer.written_bytes,
        "result_rows": answer.result_rows or answer.written_rows,
        "result_bytes": len(answer.body),
        "elapsed_ns": int(answer.elapsed * 1e9),
    }
    return json.dumps({name: str(count) for name, count in counts.items()})
