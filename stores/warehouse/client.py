"""Clients of the warehouse: over HTTP, whether the embedded engine or a ClickHouse server answers."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

DATABASE = "loanstream"
"""Where the migrations put every table and view."""


def connect(
    url: str,
    user: str,
    password: str,
    database: str = DATABASE,
    answer_s: int | None = None,
    ca: Path | None = None,
) -> Any:
    """A clickhouse-connect client; `url` is http(s)://host:port. Not to be shared between threads in a session.

    By https only a server whose certificate is signed by one of `ca` (PEM; None: whom the machine trusts) is believed.
    With `answer_s` whatever is asked fails after so many seconds without an answer, and is not asked again.
    """
    import clickhouse_connect

    patience: dict[str, Any] = {}
    if answer_s is not None:
        patience = {"connect_timeout": answer_s, "send_receive_timeout": answer_s, "query_retries": 0}
    parts = urlsplit(url)
    return clickhouse_connect.get_client(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or (8443 if parts.scheme == "https" else 8123),
        secure=parts.scheme == "https",
        username=user,
        password=password,
        database=database,
        # One client may be used by several threads one after the other: a session would lock them out.
        autogenerate_session_id=False,
        ca_cert=None if ca is None else str(ca),
        **patience,
    )
