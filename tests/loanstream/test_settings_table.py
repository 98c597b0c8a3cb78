"""The settings table."""

from dataclasses import fields
from pathlib import Path

import pytest

from loanstream.settings import SETTINGS, SettingProblem, Settings, environment_of, load

NEEDED = {
    "LOANSTREAM_KAFKA_BOOTSTRAP": "127.0.0.1:9092",
    "LOANSTREAM_WAREHOUSE_URL": "http://127.0.0.1:8123",
    "LOANSTREAM_DOCUMENTS_URL": "file:///documents",
    "LOANSTREAM_ARTEFACTS_URL": "file:///artefacts",
    "LOANSTREAM_KEYS": "/keys",
}


def test_every_row_is_a_field() -> None:
    """The table and the settings have the same names, and each variable stands once."""
    assert [row.name for row in SETTINGS] == [field.name for field in fields(Settings)]
    assert len({row.variable for row in SETTINGS}) == len(SETTINGS)


def test_every_default_is_valid() -> None:
    """What needs no setting has a default of its type."""
    settings = load(NEEDED)
    assert settings.slot == 0
    assert settings.wait_for is None
    assert settings.tenants == ("bank-a", "bank-b")


@pytest.mark.parametrize("variable", NEEDED)
def test_names_what_is_not_set(variable: str) -> None:
    """A missing setting is one line with its variable and what is expected."""
    with pytest.raises(SettingProblem, match=f"{variable} is not set; expected"):
        load({name: value for name, value in NEEDED.items() if name != variable})


@pytest.mark.parametrize(
    ("variable", "found"),
    [
        ("LOANSTREAM_SLOT", "two"),
        ("LOANSTREAM_SLOT", "-1"),
        ("LOANSTREAM_PORT", "65536"),
        ("LOANSTREAM_TENANTS", "bank-a,Bank B"),
        ("LOANSTREAM_WAREHOUSE_URL", "clickhouse"),
        ("LOANSTREAM_DOCUMENTS_URL", "/documents"),
    ],
)
def test_names_what_is_wrong(variable: str, found: str) -> None:
    """A wrong setting is one line: the variable, what was found, what is expected."""
    with pytest.raises(SettingProblem) as caught:
        load(NEEDED | {variable: found})
    text = str(caught.value)
    assert variable in text
    assert repr(found) in text
    assert "expected" in text


@pytest.mark.parametrize("found", ['{"sasl.password": "hunter2"', "hunter2", '["hunter2"]', "{hunter2"])
def test_shows_no_secret(found: str) -> None:
    """A wrong secret is described by its length alone, and nothing that could quote it is chained."""
    with pytest.raises(SettingProblem) as caught:
        load(NEEDED | {"LOANSTREAM_KAFKA_SECURITY": found})
    assert "hunter2" not in str(caught.value)
    assert str(len(found)) in str(caught.value)
    assert caught.value.__cause__ is None


def test_repr_has_no_secret() -> None:
    """Settings can be logged: secrets are not in their repr."""
    secrets = {
        "LOANSTREAM_KAFKA_SECURITY": '{"sasl.password": "hunter2"}',
        "LOANSTREAM_WAREHOUSE_PASSWORD": "hunter2",
    }
    settings = load(NEEDED | secrets)
    assert settings.warehouse_password == settings.kafka_security["sasl.password"] == "hunter2"
    assert "hunter2" not in repr(settings)


def test_reads_kafkas_security_from_a_file(tmp_path: Path) -> None:
    """How a worker proves itself may stand in a file, as a secret store mounts it."""
    (tmp_path / "kafka.json").write_text('{"security.protocol": "SSL"}')
    settings = load(NEEDED | {"LOANSTREAM_KAFKA_SECURITY": str(tmp_path / "kafka.json")})
    assert settings.kafka_security == {"security.protocol": "SSL"}


def test_the_supervisors_environment_reads_back() -> None:
    """What the embedded stack puts into a worker's environment is what the worker finds."""
    values = {"tenants": ("a-bank", "b-bank"), "slot": 3, "kafka_security": {"a": "b"}, "wait_for": Path("/f")}
    settings = load(NEEDED | environment_of(values))
    assert {name: getattr(settings, name) for name in values} == values
