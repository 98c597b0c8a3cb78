"""The production shape holds every rule, and every rule sees the fault that it is for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.compose import rules
from tests.compose.files import Files
from tests.compose.rules import RULES, Rule

Services = dict[str, Any]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_shipped_files_hold_it(rule: Rule) -> None:
    """What stands in the repository has no fault of this kind."""
    assert list(rule(Files.shipped())) == []


def set_to(service: str, key: str, value: Any) -> Callable[[Services], None]:
    def change(services: Services) -> None:
        services[service][key] = value

    return change


def in_environment(service: str, variable: str, value: str) -> Callable[[Services], None]:
    def change(services: Services) -> None:
        services[service]["environment"][variable] = value

    return change


def without(service: str, key: str) -> Callable[[Services], None]:
    def change(services: Services) -> None:
        del services[service][key]

    return change


def with_mount(service: str, mount: str) -> Callable[[Services], None]:
    def change(services: Services) -> None:
        services[service]["volumes"] = [*services[service].get("volumes", []), mount]

    return change


FAULTS: list[tuple[Rule, Callable[[Services], None]]] = [
    (rules.of_the_specification, set_to("score", "imagge", "x:1.0")),
    (rules.of_the_specification, set_to("score", "healthcheck", {"test": 5})),
    (rules.pinned, set_to("grafana", "image", "grafana/grafana")),
    (rules.pinned, set_to("grafana", "image", "grafana/grafana:latest")),
    (rules.pinned, set_to("clickhouse", "image", "registry:5000/clickhouse")),
    (rules.pinned, set_to("kafka-2", "image", "apache/kafka:4")),
    (rules.own_image_is_this_release, set_to("score", "image", "loanstream:0.0.9")),
    (rules.dependencies_are_awaited, without("clickhouse", "healthcheck")),
    (rules.dependencies_are_awaited, set_to("kafka-3", "healthcheck", {"disable": True})),
    (rules.dependencies_are_awaited, set_to("gateway", "depends_on", ["keycloak"])),
    (rules.dependencies_are_awaited, set_to("gateway", "depends_on", {"keycloak": {"condition": "service_started"}})),
    (rules.dependencies_are_awaited, set_to("gateway", "depends_on", {"nobody": {"condition": "service_healthy"}})),
    (rules.dependencies_are_awaited, set_to("install", "restart", "always")),
    (rules.what_runs_is_checked, without("score", "healthcheck")),
    (rules.what_runs_is_checked, without("score", "restart")),
    (rules.no_literal_secret, in_environment("keycloak", "KC_DB_PASSWORD", "keycloak")),
    (rules.no_literal_secret, in_environment("keycloak", "KC_DB_URL", "jdbc:postgresql://me:it@identity-database/k")),
    (rules.no_literal_secret, in_environment("record", "LOANSTREAM_WAREHOUSE_WRITER_PASSWORD", "x")),
    (
        rules.no_literal_secret,
        in_environment("score", "LOANSTREAM_KAFKA_SECURITY", '{"sasl.password": "x", "security.protocol": "SASL_SSL"}'),
    ),
    (rules.no_literal_secret, in_environment("grafana", "GF_ANYTHING", "k3Jq8xWv2Lm9Tz5Rb7Ny4Pd6Hs1C")),
    (rules.no_literal_secret, set_to("score", "command", ["loanstream", "k3Jq8xWv2Lm9Tz5Rb7Ny4Pd6Hs1C"])),
    (rules.secrets_are_there, without("record", "secrets")),
    (rules.secrets_are_there, set_to("score", "secrets", ["grafana-admin"])),
    (rules.secrets_are_there, set_to("record", "secrets", ["warehouse-writer", "nothing"])),
    (rules.settings_exist, in_environment("score", "LOANSTREAM_KAFKA_SERVERS", "kafka-1:9094")),
    (rules.settings_exist, in_environment("score", "KAFKA_BOOTSTRAP", "kafka-1:9094")),
    (rules.settings_exist, in_environment("grafana", "LOANSTREAM_TENANTS", "bank-a")),
    (rules.mounted_files_exist, with_mount("kafka-1", "./deploy/compose/nothing.xml:/etc/nothing.xml:ro")),
    (rules.volumes_are_declared, with_mount("kafka-1", "nowhere:/srv/nowhere")),
    (rules.faces_are_ones_own, with_mount("score", "tls-install:/operator:ro")),
    (rules.faces_are_ones_own, with_mount("score", "authority:/authority:ro")),
    (rules.faces_are_ones_own, set_to("score", "volumes", ["tls-score:/tls"])),
    (rules.faces_are_ones_own, set_to("score", "volumes", [])),
    (rules.nobody_is_root, set_to("score", "user", "root")),
    (rules.nobody_is_root, set_to("score", "cap_drop", [])),
    (rules.nobody_is_root, set_to("pki", "network_mode", "bridge")),
    (rules.nobody_is_root, set_to("pki", "cap_add", ["CHOWN", "SYS_ADMIN"])),
    (rules.entry_points_exist, set_to("score", "command", ["loanstream", "dance"])),
    (rules.entry_points_exist, set_to("gateway", "command", ["python", "-m", "loanstream.nothing"])),
    (rules.entry_points_exist, set_to("gateway", "command", ["uvicorn", "app"])),
    (rules.entry_points_exist, set_to("score", "healthcheck", {"test": ["CMD", "python", "-c", "import ("]})),
]


@pytest.mark.parametrize(("rule", "change"), FAULTS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_fault_in_the_compose_file_is_seen(rule: Rule, change: Callable[[Services], None]) -> None:
    """A file with this fault is told from the shipped one."""
    files = Files.shipped()
    change(files.services)
    assert list(rule(files)) != []


def test_a_secret_that_is_no_file_is_seen() -> None:
    """A secret's value in the file, or from a variable, is not what ships."""
    files = Files.shipped()
    files.compose["secrets"]["grafana-admin"] = {"environment": "GRAFANA_ADMIN"}
    assert list(rules.no_literal_secret(files)) == [
        "secret grafana-admin: is no file of its name in ./deploy/compose/secrets/"
    ]


@pytest.mark.parametrize(
    ("rule", "instead"),
    [
        (rules.pinned, ("FROM python:3.13.15-slim-trixie\n", "FROM python\n")),
        (rules.copies_exist, ("COPY scoring scoring", "COPY scorings scoring")),
        (rules.copies_exist, ("COPY scoring scoring", "COPY docs docs")),
        (rules.nobody_is_root, ("USER loanstream", "")),
        (rules.nobody_is_root, ("USER loanstream", "USER root")),
        (rules.entry_points_exist, ('"loanstream", "--help"', '"loanstream", "dance"')),
        (rules.installs_what_is_locked, (" --require-hashes --requirement build.lock", " hatchling")),
        (rules.installs_what_is_locked, (" --only-binary :all:", "")),
        (rules.installs_what_is_locked, ("pip install", "pip install --index-url https://packages.example.net")),
    ],
)
def test_a_fault_in_the_dockerfile_is_seen(rule: Rule, instead: tuple[str, str]) -> None:
    """A Dockerfile with this fault is told from the shipped one."""
    shipped = Files.shipped()
    assert instead[0] in shipped.dockerfile
    assert list(rule(replace(shipped, dockerfile=shipped.dockerfile.replace(*instead)))) != []


@pytest.mark.parametrize(
    ("rule", "instead"),
    [
        (rules.copies_exist, ("!scoring\n", "")),
        (rules.secrets_stay_here, ("!deploy/image", "!deploy")),
        (rules.secrets_stay_here, ("*\n", "\n")),
    ],
)
def test_a_fault_in_what_is_left_out_is_seen(rule: Rule, instead: tuple[str, str]) -> None:
    """What the image needs goes to the builder, and a secret does not."""
    shipped = Files.shipped()
    assert list(rule(replace(shipped, dockerignore=shipped.dockerignore.replace(*instead, 1)))) != []
