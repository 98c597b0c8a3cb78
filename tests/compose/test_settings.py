"""What docker-compose.yml gives our processes makes settings that they can start with."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from loanstream.cli.install import NEEDED
from loanstream.deploy.certificates import SERVICES
from loanstream.installation import Installation
from loanstream.settings import SETTINGS, Settings, load
from schemas.stages import STAGES
from stores.documents.blobs import path_of
from tests.compose.files import Files, mounts_of, secrets_of

WORKERS = {
    # its service: which settings it needs, and which it must not have
    "verify": (("documents_url", "keys"), ("artefacts_url", "warehouse_url")),
    "verify-slow": (("documents_url", "keys"), ("artefacts_url", "warehouse_url")),
    "score": (("artefacts_url", "keys"), ("documents_url", "warehouse_url")),
    "record": (("warehouse_url", "artefacts_url", "keys"), ("documents_url",)),
}
GATEWAY_NEEDS = (
    "gateway_certificate",
    "gateway_key",
    "gateway_issuer",
    "gateway_jwks_uri",
    "documents_url",
    "artefacts_url",
    "warehouse_url",
    "keys",
)
NO_INSTALLATION = {"pki", "keys"}
"""Ours, and without a setting: they make and hand out files."""


def settings_of(service: str, tmp_path: Path) -> Settings:
    """As its process loads them, with a placeholder in each secret's file."""
    described = Files.shipped().services[service]
    for path in secrets_of(described):
        (tmp_path / path).write_text("placeholder")
    return load(
        {
            name: str(value).replace("/run/secrets", str(tmp_path))
            for name, value in described.get("environment", {}).items()
        }
    )


OURS = sorted(set(Files.shipped().ours) - NO_INSTALLATION)


@pytest.mark.parametrize("service", OURS)
def test_every_process_starts_with_its_settings(service: str, tmp_path: Path) -> None:
    """They load; three brokers, two banks, and a certificate are what each of them has."""
    installation = Installation(settings_of(service, tmp_path))
    assert installation.bootstrap == "kafka-1:9094,kafka-2:9094,kafka-3:9094"
    assert installation.tenants == ("bank-a", "bank-b")
    assert set(installation.worker_security.values()) == {"SSL", "/tls/ca.pem", "/tls/tls.pem"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_has_what_its_stage_needs_and_no_more(stage: str, tmp_path: Path) -> None:
    """Who reads documents has no way to the warehouse, and who writes there none to documents."""
    needs, others = WORKERS[stage]
    settings = settings_of(stage, tmp_path)
    for name in needs:
        settings.needed(name)
    assert [name for name in others if getattr(settings, name) is not None] == []
    assert bool(settings.warehouse_writer_password) is (stage == "record")
    assert settings.warehouse_reader_password == ""


def test_install_and_gateway_have_all_that_they_need(tmp_path: Path) -> None:
    """Neither tells of a missing setting at its start."""
    for service, needs in (("install", (*NEEDED, "keys")), ("gateway", GATEWAY_NEEDS)):
        settings = settings_of(service, tmp_path)
        for name in needs:
            settings.needed(name)


@pytest.mark.parametrize("service", OURS)
def test_every_path_that_is_set_is_mounted(service: str, tmp_path: Path) -> None:
    """A setting that names a place of the container names one of this service's volumes."""
    settings = settings_of(service, tmp_path)
    mounts = mounts_of(Files.shipped().services[service])
    for name in (row.name for row in SETTINGS if f"LOANSTREAM_{row.name.upper()}" in environment_of(service)):
        value = getattr(settings, name)
        path = path_of(value) if str(value).startswith("file:") else value
        if isinstance(path, Path):
            assert any(path.is_relative_to(mount) for mount in mounts), name


def environment_of(service: str) -> Mapping[str, str]:
    environment: dict[str, str] = Files.shipped().services[service].get("environment", {})
    return environment


def test_each_bank_and_each_client_of_the_realm_has_its_secret() -> None:
    """Keycloak is given a secret for every variable that the realm file names."""
    services = Files.shipped().services
    realm = Path(__file__).resolve().parents[2] / "deploy" / "keycloak" / "loanstream-realm.json"
    clients = json.loads(realm.read_text("utf-8"))["clients"]
    given = secrets_of(services["keycloak"])
    assert {client["secret"][2:-1]: client["clientId"] for client in clients} == {
        path: source for path, source in given.items() if path.endswith("_SECRET")
    }
    banks = {client["clientId"].rpartition("-")[0] for client in clients}
    assert banks == set(environment_of("install")["LOANSTREAM_TENANTS"].split(","))


def test_who_opens_documents_has_no_key_of_the_warehouse() -> None:
    """Keys are handed out: banks' to verify, score and gateway, the warehouse's to record."""
    services = Files.shipped().services
    held = {
        name: {source for source, _ in mounts_of(service).values() if source.startswith("key")}
        for name, service in services.items()
    }
    assert {name: volumes for name, volumes in held.items() if volumes} == {
        "install": {"keys"},
        "keys": {"keys", "keys-of-tenants", "key-of-warehouse"},
        "verify": {"keys-of-tenants"},
        "verify-slow": {"keys-of-tenants"},
        "score": {"keys-of-tenants"},
        "gateway": {"keys-of-tenants"},
        "record": {"key-of-warehouse"},
    }


def test_certificates_are_made_for_services_that_there_are() -> None:
    """Every row of the table of certificates is a service, and every stage has one."""
    assert set(SERVICES) <= set(Files.shipped().services)
    assert set(STAGES) <= set(SERVICES)
