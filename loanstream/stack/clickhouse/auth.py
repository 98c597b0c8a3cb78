"""The two accounts, and what a URL may set for each."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from loanstream.stack.clickhouse.errors import AUTHENTICATION_FAILED, READONLY, EngineError

# What clients such as Grafana's driver send with every query; the rest a reader cannot set.
_READER_SETTINGS: Final = frozenset(
    {"allow_experimental_analyzer", "date_time_input_format", "date_time_output_format", "extremes", "log_comment"}
    | {
        "join_use_nulls",
        "max_block_size",
        "max_execution_time",
        "max_result_rows",
        "output_format_json_quote_64bit_integers",
    }
    # `limit` is Grafana's own row limit, where it is switched on.
    | {"limit", "result_overflow_mode", "session_timezone"}
)
_READER_LIMITS: Final = {"max_execution_time": 30, "max_memory_usage": 1 << 30}


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the warehouse; a reader changes nothing and reaches nothing outside it."""

    name: str
    password: str
    reads_only: bool

    def settings(self, asked: Mapping[str, str]) -> dict[str, str]:
        """The settings of one request. Raises EngineError (164) for one that is not on a reader's list."""
        if not self.reads_only:
            return {**asked}
        refused = sorted(set(asked) - _READER_SETTINGS)
        if refused:
            raise EngineError(READONLY, "a reader cannot change this setting (READONLY)")
        limits = {name: str(_limited(asked.get(name, "0"), limit)) for name, limit in _READER_LIMITS.items()}
        # `enable_http_compression` tells clickhouse-connect, which cannot set it, that it may ask for compression.
        return {**asked, **limits, "enable_http_compression": "1", "readonly": "1"}


class Accounts:
    """Who may come in."""

    def __init__(self, writer_password: str, reader_password: str) -> None:
        self._accounts = (Account("writer", writer_password, False), Account("reader", reader_password, True))

    def authenticate(self, headers: Mapping[str, str], params: Mapping[str, str]) -> Account:
        """The account of a request: Basic, ClickHouse's own headers, or URL. Raises EngineError (516)."""
        name, password = _credentials(headers, params)
        for account in self._accounts:
            if account.name == name and hmac.compare_digest(account.password.encode(), password.encode()):
                return account
        raise EngineError(AUTHENTICATION_FAILED, "the user or the password is wrong (AUTHENTICATION_FAILED)")


def _credentials(headers: Mapping[str, str], params: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return name, password
    if "x-clickhouse-user" in headers:
        return headers["x-clickhouse-user"], headers.get("x-clickhouse-key", "")
    return params.get("user", ""), params.get("password", "")


def _limited(asked: str, limit: int) -> int:
    """What was asked for where it is a positive whole number below the limit; zero means unlimited to the engine."""
    return min(int(asked), limit) if asked.isdecimal() and int(asked) > 0 else limit
