"""Every setting, declared once: a field of `Settings` is one row of the table.

The variable of a setting is LOANSTREAM_ and its name. A secret may also stand in a file that `<VARIABLE>_FILE` names,
as secret stores mount it. The embedded stack gives its workers the same settings that an installation of yours sets.
A wrong one stops the start with one line: which variable, what was found, what is expected (a secret is not shown).
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from loanstream.stack.layout import cache_directory, default_state
from loanstream.stack.ports import LOOPBACK
from schemas import access
from schemas.access import ADMIN, BANKS_KINDS, principal_of, stage_kind
from schemas.problem import Problem
from schemas.stages import STAGES
from schemas.topics import TENANT_PATTERN, TOPICS
from stores.documents.blobs import path_of
from stores.keys import column_key_of, tenant_keys_of

PREFIX = "LOANSTREAM_"
PORT_MOST = 65535
_KIND = "|".join([ADMIN, access.GATEWAY, *map(stage_kind, STAGES), f"(producer|consumer):{TENANT_PATTERN}"])
IN_A_FILE = "_FILE"
"""What follows a secret's variable in the name of the one that holds the path of a file with it."""

INSTALLATION = "The installation"
WORKER = "A worker's process"
GATEWAY = "The gateway's process"
RETENTION = "How long the warehouse keeps rows"
MACHINE = "This machine"


class SettingProblem(Problem):
    """A setting cannot be used; the text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says of a setting, beside its name, its type and its default."""

    about: str
    expected: str
    meaning: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is text as it would stand in the environment; None where there is none."""

    name: str
    about: str
    expected: str
    default: str | None
    meaning: str
    secret: bool

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"{PREFIX}{self.name.upper()}"

    @property
    def file_variable(self) -> str | None:
        """The variable that may name a file with it; None for what is no secret."""
        return f"{self.variable}{IN_A_FILE}" if self.secret else None


def _absolute(found: Path) -> Path:
    return found.expanduser().absolute()


def _http_url(found: str) -> str:
    if urlsplit(found).scheme not in {"http", "https"}:
        raise ValueError
    return found


def _addresses(found: str) -> str:
    """ValueError for a part without a port: no client of Kafka's can tell that from a broker that is away."""
    for part in found.split(","):
        host, _, port = part.strip().rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= PORT_MOST:
            raise ValueError
        if ":" in host and not (host.startswith("[") and host.endswith("]")) and "://" not in host:
            raise ValueError  # an IPv6 address without brackets: its last part is no port
    return found


def _https_url(found: str) -> str:
    if urlsplit(found).scheme != "https" or not urlsplit(found).hostname:
        raise ValueError
    return found


def _keys_url(found: str) -> str:
    return found if urlsplit(found).scheme == "file" and path_of(found) else _https_url(found)


def _file_url(found: str) -> str:
    path_of(found)
    return found


def _tenants(found: str) -> tuple[str, ...]:
    tenants = tuple(part.strip() for part in found.split(",") if part.strip())
    for tenant in tenants:
        TOPICS["applications"].name(tenant)
    if not tenants or len(set(tenants)) < len(tenants):
        raise ValueError
    return tenants


def _librdkafka(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004 - pydantic takes no TypeError for a wrong value
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in found.items()}


def _by_tenant(found: Any) -> dict[str, dict[str, str]]:
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004 - see above
    return {str(tenant): _librdkafka(settings) for tenant, settings in found.items()}


def _principals(found: Any) -> dict[str, str]:
    if not isinstance(found, dict) or not all(
        re.fullmatch(_KIND, str(kind)) and isinstance(name, str) and re.fullmatch(r"\w+:[^*]+", name)
        for kind, name in found.items()
    ):
        raise ValueError
    _no_bank_is_another(found)
    return found


def _no_bank_is_another(found: Mapping[str, str]) -> None:
    """ValueError where a bank's client would be a stage, the operator or another bank. Stages may share a name."""
    tables = {f"User:{principal_of(kind)}": kind for kind in (ADMIN, access.GATEWAY, *map(stage_kind, STAGES))}
    whose: dict[str, str] = {name: kind for name, kind in tables.items() if kind not in found}
    for kind, name in found.items():
        default = re.fullmatch(f"User:({TENANT_PATTERN})-({'|'.join(BANKS_KINDS)})", name)
        if default is not None and (theirs := f"{default[2]}:{default[1]}") not in found:
            whose.setdefault(name, theirs)
        if _holder(whose.setdefault(name, kind)) != _holder(kind):
            raise ValueError


def _holder(kind: str) -> str:
    """The bank that a kind is of; one text for whatever is of the platform."""
    role, _, whose = kind.partition(":")
    return whose if role in BANKS_KINDS else ""


def _json(understand: Callable[[Any], Any]) -> BeforeValidator:
    return BeforeValidator(lambda text: understand(json.loads(text)))


Directory = Annotated[Path, AfterValidator(_absolute)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
HttpsUrl = Annotated[str, AfterValidator(_https_url)]
KeysUrl = Annotated[str, AfterValidator(_keys_url)]
Addresses = Annotated[str, AfterValidator(_addresses)]
FileUrl = Annotated[str, AfterValidator(_file_url)]
Tenants = Annotated[tuple[str, ...], BeforeValidator(_tenants)]
Principals = Annotated[dict[str, str], _json(_principals)]
Librdkafka = Annotated[dict[str, str], _json(_librdkafka)]
ByTenant = Annotated[dict[str, dict[str, str]], _json(_by_tenant)]
KeysByTenant = Annotated[dict[str, Any], _json(tenant_keys_of)]
ColumnKey = Annotated[Any, _json(column_key_of)]
RetentionDays = Annotated[int, Field(ge=1, le=36_500)]

_DAYS = "1 to 36500 days"
_DIRECTORY, _NAME, _TEXT, _LIBRDKAFKA = "a directory", "a name", "text", "librdkafka settings as a JSON object"


class Settings(BaseSettings):
    """The settings of one process, by the names of the table; what is needed and not set is told by `needed`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False)

    kafka_bootstrap: Annotated[Addresses | None, Row(INSTALLATION, "host:port[,host:port]", "Kafka's brokers")] = None
    kafka_security: Annotated[
        Librdkafka, Row(INSTALLATION, _LIBRDKAFKA, "how a worker proves itself to Kafka", secret=True)
    ] = {}
    kafka_admin_security: Annotated[
        Librdkafka | None,
        Row(INSTALLATION, _LIBRDKAFKA, "how the operator's commands do (where not set: as a worker)", secret=True),
    ] = None
    kafka_producer_security: Annotated[
        ByTenant,
        Row(
            INSTALLATION,
            'a JSON object: {"TENANT": {librdkafka settings}}',
            "how `submit` does for a tenant (where none is named: as the operator; else each needs its own)",
            secret=True,
        ),
    ] = {}
    kafka_principals: Annotated[
        Principals,
        Row(
            INSTALLATION,
            'a JSON object: {"stage:score": "User:NAME", "producer:TENANT": "User:NAME", ...}',
            "who each kind is at Kafka, where he has another name than in the table of access; no bank is called what "
            "another bank, a stage or the operator is, and nobody `*`",
        ),
    ] = {}
    warehouse_url: Annotated[HttpUrl | None, Row(INSTALLATION, "an http(s) URL", "ClickHouse")] = None
    warehouse_ca: Annotated[
        Directory | None,
        Row(
            INSTALLATION, "a file's path", "who signed ClickHouse's certificate (PEM; not set: whom the machine trusts)"
        ),
    ] = None
    warehouse_writer: Annotated[str, Row(INSTALLATION, _NAME, "the account that record and `install` write with")] = (
        "writer"
    )
    warehouse_writer_password: Annotated[str, Row(INSTALLATION, _TEXT, "that account's password", secret=True)] = ""
    warehouse_reader: Annotated[str, Row(INSTALLATION, _NAME, "the account that commands read with")] = "reader"
    warehouse_reader_password: Annotated[str, Row(INSTALLATION, _TEXT, "that account's password", secret=True)] = ""
    documents_url: Annotated[FileUrl | None, Row(INSTALLATION, "file:///DIRECTORY", "document store")] = None
    artefacts_url: Annotated[
        FileUrl | None, Row(INSTALLATION, "file:///DIRECTORY", "bundles and policies, by content hash")
    ] = None
    keys: Annotated[
        Directory | None,
        Row(INSTALLATION, _DIRECTORY, "key files: `tenant-<tenant>.json` each, and `warehouse.json`"),
    ] = None
    tenant_keys: Annotated[
        KeysByTenant | None,
        Row(
            INSTALLATION,
            'a JSON object: {"TENANT": {what its key file holds}}',
            "receipt and document keys, in place of the tenants' key files",
            secret=True,
        ),
    ] = None
    column_key: Annotated[
        ColumnKey | None,
        Row(
            INSTALLATION,
            'a JSON object: {"column_id": "...", "column_key": "64 hexadecimal digits"}',
            "the key of the warehouse's encrypted columns, in place of `warehouse.json`",
            secret=True,
        ),
    ] = None
    tenants: Annotated[
        Tenants | None,
        Row(INSTALLATION, f"different names like {TENANT_PATTERN}, separated by commas", "the banks served"),
    ] = None
    tenants_file: Annotated[
        Directory | None,
        Row(
            INSTALLATION,
            "a file's path",
            "in place of the names: the list of banks that `loanstream tenant` keeps, and running processes follow",
        ),
    ] = None
    alarm_thresholds: Annotated[
        Directory | None,
        Row(INSTALLATION, "a file's path", "thresholds of single banks' alarms (YAML; not set: those shipped)"),
    ] = None
    runbooks_url: Annotated[
        HttpUrl | None,
        Row(INSTALLATION, "an http(s) URL", "where people read the folder docs/runbooks: Grafana's alarms link to it"),
    ] = None

    slot: Annotated[int, Field(ge=0, le=999), Row(WORKER, "0 to 999", "which worker of its stage this one is")] = 0
    port: Annotated[
        int,
        Field(ge=0, le=65535),
        Row(WORKER, "0 to 65535", "its own web port (readyz, healthz, metrics); 0 picks one"),
    ] = 0
    slots: Annotated[Directory, Row(WORKER, _DIRECTORY, "its local disk: its slot's lock, its in-flight journal")] = (
        Field(default_factory=lambda: default_state() / "slots")
    )
    wait_for: Annotated[
        Directory | None,
        Row(
            WORKER,
            "a file's path",
            "it joins its group only once this file exists (`up` makes it when the topics are there)",
        ),
    ] = None

    gateway_host: Annotated[str, Row(GATEWAY, "an address or a name", "where it listens; 0.0.0.0 for all")] = LOOPBACK
    gateway_port: Annotated[int, Field(ge=0, le=65535), Row(GATEWAY, "0 to 65535", "its port; 0 picks one")] = 8443
    gateway_certificate: Annotated[
        Directory | None, Row(GATEWAY, "a file's path", "its certificate with its chain (PEM)")
    ] = None
    gateway_key: Annotated[
        Directory | None, Row(GATEWAY, "a file's path", "the certificate's key (PEM, without a password)")
    ] = None
    gateway_issuer: Annotated[
        str | None, Row(GATEWAY, _TEXT, "`iss` of the tokens that it believes, to the letter")
    ] = None
    gateway_jwks_uri: Annotated[
        KeysUrl | None, Row(GATEWAY, "an https URL or file:///PATH", "the provider's public keys (JWK Set)")
    ] = None
    gateway_provider_ca: Annotated[
        Directory | None,
        Row(GATEWAY, "a file's path", "who signed the provider's certificate (PEM; not set: whom the machine trusts)"),
    ] = None
    gateway_audience: Annotated[str, Row(GATEWAY, _TEXT, "what `aud` of a token must hold")] = "loanstream-gateway"
    gateway_token_url: Annotated[
        HttpsUrl | None, Row(GATEWAY, "an https URL", "where clients get tokens; told on its page for developers")
    ] = None
    gateway_client_rate: Annotated[
        float, Field(gt=0, le=100_000), Row(GATEWAY, "above 0 to 100000", "requests a second that one client may send")
    ] = 500.0
    gateway_address_rate: Annotated[
        float,
        Field(gt=0, le=100_000),
        Row(GATEWAY, "above 0 to 100000", "requests a second from one address, before it is known whose they are"),
    ] = 1000.0

    retention_decisions_days: Annotated[
        RetentionDays | None,
        Row(
            RETENTION,
            _DAYS,
            "applications with all that was made of them: documents' findings, decisions, outcomes (not set: for "
            "ever). What went can be neither shown nor made again",
        ),
    ] = None
    retention_monitoring_days: Annotated[
        RetentionDays | None, Row(RETENTION, _DAYS, "protected attributes, for fairness alone (not set: for ever)")
    ] = None
    retention_letters_days: Annotated[
        RetentionDays | None, Row(RETENTION, _DAYS, "dead letters and what was done with them (not set: for ever)")
    ] = None
    retention_metrics_days: Annotated[RetentionDays, Row(RETENTION, _DAYS, "service metrics")] = 90
    retention_figures_days: Annotated[
        RetentionDays | None,
        Row(
            RETENTION,
            _DAYS,
            "figures counted of decisions, which name no applicant (not set: for ever); no shorter than decisions and "
            "protected attributes",
        ),
    ] = None

    state: Annotated[Directory, Row(MACHINE, _DIRECTORY, "state of the embedded stack")] = Field(
        default_factory=default_state
    )
    cache: Annotated[Directory, Row(MACHINE, _DIRECTORY, "what is fetched or made once a user")] = Field(
        default_factory=cache_directory
    )
    data: Annotated[Directory | None, Row(MACHINE, _DIRECTORY, "the public data sets, for training and tests")] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The one source: the variables of the environment that `load` was given, and the files they name."""
        assert isinstance(init_settings, InitSettingsSource)
        return (_Variables(settings_cls, init_settings.init_kwargs["environment"]),)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """All but the secrets."""
        return ((row.name, getattr(self, row.name)) for row in SETTINGS if not row.secret)

    def needed(self, name: str) -> Any:
        """The value of a setting without a default. SettingProblem where it is not set."""
        value = getattr(self, name)
        if value is None:
            row = _BY_NAME[name]
            raise SettingProblem(f"{row.variable} is not set; expected {row.expected} ({row.meaning})")
        return value


class _Variables(PydanticBaseSettingsSource):
    """The texts of the settings that are set."""

    def __init__(self, settings_cls: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self._environment = environment

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base's
        """The text of one setting."""
        return _text_of(_BY_NAME[field_name], self._environment), field_name, False

    def __call__(self) -> dict[str, Any]:
        """The text of each setting that is set; for the others their defaults hold."""
        texts = {row.name: _text_of(row, self._environment) for row in SETTINGS}
        return {name: text for name, text in texts.items() if text is not None}


def _rows() -> Iterator[Setting]:
    for name, field in Settings.model_fields.items():
        row = next(part for part in field.metadata if isinstance(part, Row))
        default = field.get_default(call_default_factory=True)
        text = json.dumps(default) if isinstance(default, dict) else None if default is None else str(default)
        yield Setting(name, row.about, row.expected, text, row.meaning, row.secret)


SETTINGS: tuple[Setting, ...] = tuple(_rows())
_BY_NAME: Mapping[str, Setting] = {row.name: row for row in SETTINGS}


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read every setting. SettingProblem for the first one that is wrong."""
    try:
        return Settings(environment=environment)  # type: ignore[call-arg]
    except ValidationError as error:
        # Its text quotes values, and a value may be a secret.
        wrong = _BY_NAME[str(error.errors(include_url=False, include_input=False)[0]["loc"][0])]
    raise SettingProblem(_wrong(wrong, _text_of(wrong, environment) or ""))


def _text_of(row: Setting, environment: Mapping[str, str]) -> str | None:
    """What is set, in the variable or in the file; an empty text is none. SettingProblem for a file not to be read."""
    text = environment.get(row.variable) or None
    file = row.file_variable and environment.get(row.file_variable)
    if not file:
        return text
    if text is not None:
        raise SettingProblem(f"both {row.variable} and {row.file_variable} are set; expected one of them")
    try:
        return Path(file).expanduser().read_text().rstrip("\r\n") or None
    except (OSError, ValueError):
        raise SettingProblem(f"{row.file_variable} is {file!r}; expected a file that can be read as text") from None


def _wrong(row: Setting, found: str) -> str:
    shown = f"{len(found)} characters (not shown)" if row.secret else repr(found)
    return f"{row.variable} is {shown}; expected {row.expected} ({row.meaning})"


def environment_of(values: Mapping[str, object], files: Mapping[str, Path] = MappingProxyType({})) -> dict[str, str]:
    """The environment variables that make `load` find `values` (by the table's names), and what stands in `files`.

    Laid over another environment they leave nothing of the installation that one describes: its variables are emptied.
    """
    rows = [row for row in SETTINGS if row.about == INSTALLATION]
    emptied = {name: "" for row in rows for name in (row.variable, row.file_variable) if name is not None}
    named = {_BY_NAME[name].file_variable or "": str(path) for name, path in files.items()}
    return emptied | {_BY_NAME[name].variable: _as_text(value) for name, value in values.items()} | named


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return json.dumps(value) if isinstance(value, Mapping) else str(value)
