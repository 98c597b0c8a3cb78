"""One HTTP request as a statement, its parameters and its settings."""

import email.parser
import email.policy
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from loanstream.stack.clickhouse.codec import Decoder
from loanstream.stack.clickhouse.engine import DATABASE
from loanstream.stack.clickhouse.errors import NOT_IMPLEMENTED, SYNTAX_ERROR, TOO_LARGE, EngineError
from loanstream.stack.clickhouse.frames import unpacked
from loanstream.stack.clickhouse.statement import Insert, answer_format, split_insert

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

_BODY_LIMIT: Final = 256 << 20
_LONGEST_REVISION: Final = 10
# What a URL says to the HTTP front rather than to the engine.
_FRONT: Final = frozenset(
    {"query", "database", "default_format", "user", "password", "quota_key", "role", "query_id", "stacktrace"}
    | {"session_id", "session_timeout", "session_check", "compress", "decompress", "buffer_size", "wait_end_of_query"}
    | {"client_protocol_version", "enable_http_compression", "send_progress_in_http_headers"}
    | {"http_headers_progress_interval_ms", "cancel_http_readonly_queries_on_client_close", "add_http_cors_header"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for. `insert` stands where rows follow the statement; `params` bind `{name:Type}`."""

    method: str
    headers: Mapping[str, str]
    url: Mapping[str, str]
    body: bytes
    sql: str
    insert: Insert | None
    params: Mapping[str, str]
    settings: Mapping[str, str]
    query_id: str

    @property
    def result_format(self) -> str:
        """The format of the answer."""
        default = self.headers.get("x-clickhouse-format") or self.url.get("default_format") or "TabSeparated"
        return answer_format(self.sql, default)

    @property
    def database(self) -> str:
        """The database that unqualified names mean."""
        return self.url.get("database") or self.headers.get("x-clickhouse-database") or DATABASE

    @property
    def revision(self) -> int:
        """The revision of ClickHouse's protocol that the client reads Native in; 0 is the oldest, and the default."""
        asked = self.url.get("client_protocol_version", "")
        return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < _LONGEST_REVISION else 0

    @property
    def waits(self) -> bool:
        """Whether the client wants the status of the whole statement before the first byte of its answer."""
        return self.url.get("wait_end_of_query", "0") not in ("", "0")


def head(scope: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Headers, lower case, and URL parameters of an ASGI scope."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return headers, dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


async def read(method: str, headers: Mapping[str, str], url: Mapping[str, str], receive: Receive) -> Request:
    """The request with its whole body, decompressed. Raises EngineError."""
    body = await _body(headers.get("content-encoding", ""), receive)
    if url.get("decompress") == "1":
        body = unpacked(body, _BODY_LIMIT)
    if headers.get("content-type", "").startswith("multipart/form-data"):
        url, body = {**url, **_form(headers["content-type"], body)}, b""
    statement = url.get("query", "").rstrip().encode()
    text = statement + b"\n" + body if statement and body else statement or body
    insert = split_insert(text)
    try:
        sql = text[: insert.data_start].decode() if insert else text.decode()
    except UnicodeDecodeError:
        raise EngineError(SYNTAX_ERROR, "the statement is not UTF-8 text (SYNTAX_ERROR)") from None
    if not sql.strip():
        raise EngineError(SYNTAX_ERROR, "the statement is empty (SYNTAX_ERROR)")
    return Request(
        method=method,
        headers=headers,
        url=url,
        body=text,
        sql=sql,
        insert=insert,
        params={name[len("param_") :]: value for name, value in url.items() if name.startswith("param_")},
        settings={name: value for name, value in url.items() if name not in _FRONT and not name.startswith("param_")},
        query_id=url.get("query_id") or str(uuid.uuid4()),
    )


async def _body(encoding: str, receive: Receive) -> bytes:
    decoder, body, more = Decoder(encoding), bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        body += decoder.feed(message.get("body", b""))
        if len(body) > _BODY_LIMIT:
            raise EngineError(TOO_LARGE, f"the body is longer than {_BODY_LIMIT} bytes (TOO_MANY_BYTES)")
        more = message.get("more_body", False)
    decoder.finish()
    return bytes(body)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The plain fields of a form: clickhouse-connect sends long parameters as one."""
    raw = f"Content-Type: {content_type}\r\n\r\n".encode() + body
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(raw)
    fields = {}
    for part in form.iter_parts():
        if part.get_filename() is not None:
            raise EngineError(NOT_IMPLEMENTED, "external tables are not supported (NOT_IMPLEMENTED)")
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return fields
