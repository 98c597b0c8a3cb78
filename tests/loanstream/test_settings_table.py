"""The settings table."""

import json
from pathlib import Path

import pytest

from loanstream.installation import Installation
from loanstream.settings import INSTALLATION, SETTINGS, SettingProblem, Settings, environment_of, load

KEY = "00" * 32
TENANT_KEYS = {"receipt_id": "r", "receipt_key": KEY, "document_id": "d", "document_key": KEY}
SECRETS = [row.variable for row in SETTINGS if row.secret]
NOT_SECRET = [row.variable for row in SETTINGS if not row.secret]


def test_every_field_is_a_row() -> None:
    """A setting is declared once: the fields are the table, and each says what it is."""
    assert [row.name for row in SETTINGS] == list(Settings.model_fields)
    assert all(row.expected and row.meaning for row in SETTINGS)
    assert "LOANSTREAM_KAFKA_BOOTSTRAP" in NOT_SECRET
    assert "LOANSTREAM_WAREHOUSE_WRITER_PASSWORD" in SECRETS


def test_nothing_need_be_set_to_read_the_settings() -> None:
    """What needs no setting has a default of its type; an empty variable is none."""
    assert load({}) == load({row.variable: "" for row in SETTINGS})
    settings = load({})
    assert (settings.slot, settings.wait_for, settings.tenants) == (0, None, None)
    assert (settings.warehouse_writer, settings.warehouse_reader) == ("writer", "reader")


def test_no_default_is_a_place_of_a_checkout() -> None:
    """The published table names no directory of somebody's machine: paths of the user's are told as such."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "settings.md").read_text()
    assert "`.." not in page
    assert str(Path.home()) not in page


@pytest.mark.parametrize(
    ("variable", "look"),
    [
        ("LOANSTREAM_KAFKA_BOOTSTRAP", lambda here: here.bootstrap),
        ("LOANSTREAM_TENANTS", lambda here: here.tenants),
        ("LOANSTREAM_WAREHOUSE_URL", lambda here: here.warehouse()),
        ("LOANSTREAM_WAREHOUSE_URL", lambda here: here.warehouse_writer()),
        ("LOANSTREAM_DOCUMENTS_URL", lambda here: here.documents),
        ("LOANSTREAM_ARTEFACTS_URL", lambda here: here.artefacts),
        ("LOANSTREAM_KEYS", lambda here: here.cipher),
        ("LOANSTREAM_KEYS", lambda here: here.receipt_keys("bank-a")),
    ],
)
def test_names_what_is_needed_and_not_set(variable: str, look) -> None:
    """A part of an installation that is not described is one line: the variable, what is expected, what it is."""
    with pytest.raises(SettingProblem, match=rf"^{variable} is not set; expected .* \(.*\)$"):
        look(Installation(load({})))


@pytest.mark.parametrize(
    ("variable", "found"),
    [
        ("LOANSTREAM_SLOT", "two"),
        ("LOANSTREAM_SLOT", "-1"),
        ("LOANSTREAM_PORT", "65536"),
        ("LOANSTREAM_TENANTS", "bank-a,Bank B"),
        ("LOANSTREAM_TENANTS", "bank-a,bank-a"),
        ("LOANSTREAM_TENANTS", ","),
        ("LOANSTREAM_WAREHOUSE_URL", "clickhouse"),
        ("LOANSTREAM_DOCUMENTS_URL", "/documents"),
        ("LOANSTREAM_ARTEFACTS_URL", "s3://artefacts"),
    ],
)
def test_names_what_is_wrong(variable: str, found: str) -> None:
    """A wrong setting is one line: the variable, what was found, what is expected."""
    with pytest.raises(SettingProblem) as caught:
        load({variable: found})
    assert str(caught.value).startswith(f"{variable} is {found!r}; expected ")


@pytest.mark.parametrize("found", ['{"sasl.password": "hunter2"', "hunter2", '["hunter2"]', "{hunter2"])
@pytest.mark.parametrize(
    "variable",
    [
        "LOANSTREAM_KAFKA_SECURITY",
        "LOANSTREAM_KAFKA_ADMIN_SECURITY",
        "LOANSTREAM_KAFKA_PRODUCER_SECURITY",
        "LOANSTREAM_TENANT_KEYS",
        "LOANSTREAM_COLUMN_KEY",
    ],
)
def test_shows_no_secret(variable: str, found: str) -> None:
    """A wrong secret is described by its length alone, and nothing that could quote it is chained."""
    with pytest.raises(SettingProblem, match=f"^{variable} is {len(found)} characters") as caught:
        load({variable: found})
    assert "hunter2" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_repr_has_no_secret() -> None:
    """Settings can be logged: secrets are not in their repr, whatever they are."""
    values = {
        "LOANSTREAM_KAFKA_SECURITY": '{"sasl.password": "hunter2"}',
        "LOANSTREAM_KAFKA_PRODUCER_SECURITY": '{"bank-a": {"sasl.password": "hunter2"}}',
        "LOANSTREAM_WAREHOUSE_WRITER_PASSWORD": "hunter2",
    }
    settings = load(values)
    assert settings.warehouse_writer_password == settings.kafka_security["sasl.password"] == "hunter2"
    for shown in (repr(settings), str(settings), repr(Installation(settings))):
        assert "hunter2" not in shown
        assert "warehouse_reader=" in shown


@pytest.mark.parametrize("variable", SECRETS)
def test_every_secret_may_stand_in_a_file(variable: str, tmp_path: Path) -> None:
    """As secret stores mount them: the variable's name and _FILE hold the path; a last line's end is not the secret's."""
    texts = {
        "LOANSTREAM_TENANT_KEYS": json.dumps({"bank-a": TENANT_KEYS}),
        "LOANSTREAM_COLUMN_KEY": json.dumps({"column_id": "c", "column_key": KEY}),
        "LOANSTREAM_KAFKA_PRODUCER_SECURITY": '{"bank-a": {"security.protocol": "SSL"}}',
    }
    text = texts.get(variable, '{"security.protocol": "SSL"}')
    file = tmp_path / "secret"
    file.write_text(f"{text}\n")
    assert load({f"{variable}_FILE": str(file)}) == load({variable: text}) != load({})
    with pytest.raises(SettingProblem, match=f"both {variable} and {variable}_FILE are set"):
        load({f"{variable}_FILE": str(file), variable: text})
    with pytest.raises(SettingProblem, match=f"{variable}_FILE is .*nowhere.*expected a file"):
        load({f"{variable}_FILE": str(tmp_path / "nowhere")})


def test_a_wrong_secret_in_a_file_is_not_shown(tmp_path: Path) -> None:
    """The line names the variable, and how long the text is."""
    (tmp_path / "secret").write_text("hunter2\n")
    with pytest.raises(SettingProblem, match=r"^LOANSTREAM_KAFKA_SECURITY is 7 characters") as caught:
        load({"LOANSTREAM_KAFKA_SECURITY_FILE": str(tmp_path / "secret")})
    assert "hunter2" not in str(caught.value)


def test_who_proves_himself_how() -> None:
    """Operator and producers have settings of their own where these are set; else the operator is as a worker."""
    worker, admin, producer = ({"client.id": name} for name in ("worker", "admin", "producer"))
    values = {
        "LOANSTREAM_KAFKA_BOOTSTRAP": "b:1",
        "LOANSTREAM_TENANTS": "bank-a,bank-b",
        "LOANSTREAM_KAFKA_SECURITY": json.dumps(worker),
    }
    alone = Installation(load(values))
    assert alone.security == alone.worker_security == worker
    assert alone.producer_settings("bank-a") == {"bootstrap.servers": "b:1"} | worker
    each = Installation(
        load(
            values
            | {
                "LOANSTREAM_KAFKA_ADMIN_SECURITY": json.dumps(admin),
                "LOANSTREAM_KAFKA_PRODUCER_SECURITY": json.dumps({"bank-a": producer}),
            }
        )
    )
    assert (each.worker_security, each.security) == (worker, admin)
    assert each.producer_settings("bank-a") == {"bootstrap.servers": "b:1"} | producer
    with pytest.raises(SettingProblem, match="LOANSTREAM_KAFKA_PRODUCER_SECURITY has nothing for bank-b"):
        each.producer_settings("bank-b")  # not as the operator: his rights are not the bank's


def test_a_secret_in_a_file_is_handed_to_a_worker_by_its_path(tmp_path: Path) -> None:
    """The environment of a process may be looked at: how a worker proves itself stands in a file, and not there."""
    file = tmp_path / "kafka.json"
    file.write_text('{"sasl.password": "hunter2"}')
    environment = environment_of({"tenants": ("bank-a",)}, {"kafka_security": file})
    assert "hunter2" not in repr(environment)
    assert load(environment).kafka_security == {"sasl.password": "hunter2"}


@pytest.mark.parametrize(
    "text",
    [
        '["User:a"]',
        '{"stage:none": "User:a"}',
        '{"producer:": "User:a"}',
        '{"admin": "a"}',
        '{"admin": 1}',
        '{"score": "User:a"}',
        '{"producer:bank-a": "User:*"}',
        '{"producer:bank-a": "User:one", "stage:score": "User:one"}',
        '{"producer:bank-a": "User:one", "consumer:bank-b": "User:one"}',
        '{"consumer:bank-a": "User:CN=platform-admin", "admin": "User:CN=platform-admin"}',
        '{"producer:bank-a": "User:stage-score"}',
        '{"stage:score": "User:bank-a-producer"}',
        '{"producer:bank-a": "User:bank-b-producer"}',
    ],
)
def test_a_principal_for_nobody_is_refused(text: str) -> None:
    """Names are for kinds of the table of access, and of the broker's form: a misspelt one would grant nothing."""
    with pytest.raises(SettingProblem, match=r"LOANSTREAM_KAFKA_PRINCIPALS is .*expected a JSON object"):
        load({"LOANSTREAM_KAFKA_PRINCIPALS": text})


def test_principals_of_your_own() -> None:
    """A kind has the name that is set, else the table's."""
    here = Installation(load({"LOANSTREAM_KAFKA_PRINCIPALS": '{"stage:score": "User:CN=scorer,O=bank"}'}))
    assert here.principal("stage:score") == "User:CN=scorer,O=bank"
    assert here.principal("producer:bank-a") == "User:bank-a-producer"


@pytest.mark.parametrize(
    "principals",
    [
        {"stage:score": "User:workers", "stage:verify": "User:workers", "admin": "User:workers"},
        {"producer:bank-a": "User:core", "consumer:bank-a": "User:core"},
        {"producer:bank-a": "User:bank-a-consumer"},
        {"producer:bank-a": "User:stage-score", "stage:score": "User:CN=stage-score"},
    ],
)
def test_those_of_one_house_may_share_a_name(principals: dict[str, str]) -> None:
    """Stages and operator may be one, and so may the two clients of a bank; a name that is given up is free."""
    assert load({"LOANSTREAM_KAFKA_PRINCIPALS": json.dumps(principals)}).kafka_principals == principals


def test_librdkafka_is_given_texts() -> None:
    """Numbers and truth values of JSON are written as librdkafka reads them."""
    found = load({"LOANSTREAM_KAFKA_SECURITY": '{"enable.ssl.certificate.verification": true, "a": 1}'})
    assert found.kafka_security == {"enable.ssl.certificate.verification": "true", "a": "1"}


def test_the_supervisors_environment_reads_back() -> None:
    """What the embedded stack puts into a worker's environment is what the worker finds, whatever else is set there."""
    values = {"tenants": ("a-bank", "b-bank"), "slot": 3, "kafka_security": {"a": "b"}, "wait_for": Path("/f")}
    settings = load(environment_of(values))
    assert {name: getattr(settings, name) for name in values} == values
    another = {row.variable: "of another installation" for row in SETTINGS if row.about == INSTALLATION}
    files = {row.file_variable: "of another" for row in SETTINGS if row.file_variable}
    assert load(another | files | environment_of(values)) == settings


@pytest.mark.parametrize(
    "text",
    [
        "localhost",
        "kafka-1:9092,kafka-2",
        ":9092",
        "kafka-1:",
        "kafka-1:0",
        "kafka-1:70000",
        "kafka-1:http",
        "::1:9092",
    ],
)
def test_a_broker_without_a_port_is_no_address(text: str) -> None:
    """It is refused as a setting: to call it a broker that is down would send people looking elsewhere."""
    with pytest.raises(SettingProblem, match=r"LOANSTREAM_KAFKA_BOOTSTRAP is .*; expected host:port"):
        load({"LOANSTREAM_KAFKA_BOOTSTRAP": text})


@pytest.mark.parametrize("text", ["localhost:9092", "a:1, b:2", "[::1]:9092", "SSL://kafka-1:9093", "10.0.0.1:65535"])
def test_a_broker_with_a_port_is_an_address(text: str) -> None:
    """As librdkafka takes it."""
    assert load({"LOANSTREAM_KAFKA_BOOTSTRAP": text}).kafka_bootstrap == text
