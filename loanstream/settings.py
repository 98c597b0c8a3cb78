"""Every setting, one row each: name, environment variable, type, default, unit, meaning.

The embedded stack gives its workers the same settings through their environment that a production installation sets.
A wrong one stops the start with one line: which variable, what was found, what is expected (a secret is not shown).
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loanstream.stack.layout import cache_directory, default_state
from processors.documents.blobs import path_of
from schemas.topics import TENANT_PATTERN, TOPICS


class SettingProblem(ValueError):
    """A setting cannot be used; the text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is text as it would stand in the environment; None where there is none."""

    name: str
    variable: str
    parse: Callable[[str], Any]
    expected: str
    default: str | None
    meaning: str
    secret: bool = False


def _text(found: str) -> str:
    return found


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(found: str) -> int:
        number = int(found)
        if not least <= number <= most:
            raise ValueError
        return number

    return parse


def _path(found: str) -> Path:
    return Path(found).expanduser().absolute()


def _http_url(found: str) -> str:
    if urlsplit(found).scheme not in {"http", "https"}:
        raise ValueError
    return found


def _file_url(found: str) -> str:
    path_of(found)
    return found


def _tenants(found: str) -> tuple[str, ...]:
    tenants = tuple(part.strip() for part in found.split(",") if part.strip())
    for tenant in tenants:
        TOPICS["applications"].name(tenant)
    return tenants


def _librdkafka(found: str) -> dict[str, str]:
    text = found if found.lstrip().startswith("{") else Path(found).expanduser().read_text()
    settings = json.loads(text)
    if not isinstance(settings, dict):
        raise TypeError
    return {str(key): str(value) for key, value in settings.items()}


def _optional_path(found: str) -> Path | None:
    return _path(found) if found else None


# name, environment variable, parser, what is expected, default, meaning
SETTINGS: tuple[Setting, ...] = (
    Setting("state", "LOANSTREAM_STATE", _path, "a directory", str(default_state()), "state of the embedded stack"),
    Setting("slot", "LOANSTREAM_SLOT", _whole(0, 999), "0 to 999", "0", "which worker of its stage this one is"),
    Setting("bootstrap", "LOANSTREAM_KAFKA_BOOTSTRAP", _text, "host:port[,host:port]", None, "Kafka's brokers"),
    Setting(
        "kafka_security",
        "LOANSTREAM_KAFKA_SECURITY",
        _librdkafka,
        "librdkafka settings as a JSON object, or a file with one",
        "{}",
        "how a worker proves itself to Kafka",
        secret=True,
    ),
    Setting("warehouse_url", "LOANSTREAM_WAREHOUSE_URL", _http_url, "an http(s) URL", None, "ClickHouse"),
    Setting("warehouse_user", "LOANSTREAM_WAREHOUSE_USER", _text, "a name", "writer", "the account record writes with"),
    Setting(
        "warehouse_password",
        "LOANSTREAM_WAREHOUSE_PASSWORD",
        _text,
        "text",
        "",
        "that account's password",
        secret=True,
    ),
    Setting(
        "warehouse_database", "LOANSTREAM_WAREHOUSE_DATABASE", _text, "a name", "loanstream", "the warehouse's database"
    ),
    Setting("documents_url", "LOANSTREAM_DOCUMENTS_URL", _file_url, "file:///DIRECTORY", None, "document store"),
    Setting(
        "artefacts_url",
        "LOANSTREAM_ARTEFACTS_URL",
        _file_url,
        "file:///DIRECTORY",
        None,
        "bundles and policies, by content hash",
    ),
    Setting("keys", "LOANSTREAM_KEYS", _path, "a directory", None, "receipt, document and column keys"),
    Setting(
        "tenants",
        "LOANSTREAM_TENANTS",
        _tenants,
        f"names like {TENANT_PATTERN}, separated by commas",
        "bank-a,bank-b",
        "the banks served",
    ),
    Setting(
        "port",
        "LOANSTREAM_PORT",
        _whole(0, 65535),
        "0 to 65535",
        "0",
        "a worker's own web port (readyz, healthz, metrics); 0 picks one",
    ),
    Setting(
        "slots",
        "LOANSTREAM_SLOTS",
        _path,
        "a directory",
        str(default_state() / "slots"),
        "local disk of a worker: its slot's lock, its in-flight journal",
    ),
    Setting(
        "data",
        "LOANSTREAM_DATA",
        _path,
        "a directory",
        "../shared/data",
        "the public data sets, for training and tests",
    ),
    Setting(
        "cache", "LOANSTREAM_CACHE", _path, "a directory", str(cache_directory()), "what is fetched or made once a user"
    ),
    Setting(
        "wait_for",
        "LOANSTREAM_WAIT_FOR",
        _optional_path,
        "a file's path",
        "",
        "the worker joins its group only once this file exists (`up` makes it when the topics are there)",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process, by the names of the table."""

    state: Path
    slot: int
    bootstrap: str
    kafka_security: Mapping[str, str]
    warehouse_url: str
    warehouse_user: str
    warehouse_password: str
    warehouse_database: str
    documents_url: str
    artefacts_url: str
    keys: Path
    tenants: tuple[str, ...]
    port: int
    slots: Path
    data: Path
    cache: Path
    wait_for: Path | None

    def __repr__(self) -> str:
        shown = (f"{row.name}={getattr(self, row.name)!r}" for row in SETTINGS if not row.secret)
        return f"Settings({', '.join(shown)})"


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read every setting. SettingProblem for the first one that is missing or wrong."""
    return Settings(**{row.name: read(row, environment) for row in SETTINGS})


def read(row: Setting, environment: Mapping[str, str]) -> Any:
    """The value of one setting. SettingProblem where it is missing or wrong."""
    found = environment.get(row.variable) or row.default
    if found is None:
        raise SettingProblem(f"{row.variable} is not set; expected {row.expected} ({row.meaning})")
    try:
        return row.parse(found)
    except (ValueError, TypeError, OSError):
        # The cause would quote the value, and the value may be a secret.
        shown = f"{len(found)} characters (not shown)" if row.secret else repr(found)
        raise SettingProblem(f"{row.variable} is {shown}; expected {row.expected} ({row.meaning})") from None


def environment_of(values: Mapping[str, object]) -> dict[str, str]:
    """The environment variables that make `load` find `values` (by the table's names)."""
    variables = {row.name: row.variable for row in SETTINGS}
    return {variables[name]: _as_text(value) for name, value in values.items()}


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return json.dumps(value) if isinstance(value, Mapping) else str(value)
