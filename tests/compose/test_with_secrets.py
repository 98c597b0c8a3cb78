"""The script that hands secrets to programs that read them from variables alone."""

import subprocess
from pathlib import Path

import pytest

from tests.compose.files import ROOT, Files

SCRIPT = ROOT / "deploy" / "compose" / "with-secrets.sh"
SECRETS = {"KC_DB_PASSWORD": "one", "BANK_A_PRODUCER_SECRET": "t w$o'"}


def run(tmp_path: Path, secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The script as it stands but for the place of the secrets, before a program that says what it was given."""
    place = tmp_path / "secrets"
    place.mkdir()
    for name, text in secrets.items():
        (place / name).write_text(text)
    script = tmp_path / "with-secrets.sh"
    script.write_text(SCRIPT.read_text("utf-8").replace("/run/secrets", str(place)))
    return subprocess.run(["bash", script, "env", "--null"], capture_output=True, text=True, check=False, env={})


def test_a_program_gets_each_secret_as_a_variable(tmp_path: Path) -> None:
    """By the file's name, and to the letter."""
    done = run(tmp_path, SECRETS)
    given = dict(line.split("=", 1) for line in done.stdout.split("\0") if "=" in line)
    assert {name: given.get(name) for name in SECRETS} == SECRETS
    assert done.returncode == 0


@pytest.mark.parametrize("secrets", [SECRETS | {"BANK_B_PRODUCER_SECRET": ""}, {}])
def test_nothing_starts_with_a_secret_that_is_empty_or_not_there(tmp_path: Path, secrets: dict[str, str]) -> None:
    """Keycloak would take an unset variable's own name for a bank's secret."""
    done = run(tmp_path, secrets)
    assert done.returncode == 1
    assert done.stdout == ""


def test_who_is_started_by_it_finds_it() -> None:
    """Each service that names the script in its entry point has it mounted there."""
    services = Files.shipped().services
    started = {name: service["entrypoint"] for name, service in services.items() if "entrypoint" in service}
    assert started.keys() == {"keycloak", "clickhouse"}
    for name, entrypoint in started.items():
        assert f"./deploy/compose/with-secrets.sh:{entrypoint[1]}:ro" in services[name]["volumes"]
