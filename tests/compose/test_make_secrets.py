"""The one command that makes the secrets of docker-compose.yml."""

import hashlib
import importlib.util
import stat
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.compose.files import ROOT, Files

SCRIPT = ROOT / "deploy" / "compose" / "make_secrets.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_secrets", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_makes_every_secret_that_the_compose_file_names(script: ModuleType, tmp_path: Path) -> None:
    """Nothing that is mounted is missing afterwards, and nothing is made that nobody has."""
    made = script.make(tmp_path / "secrets")
    assert sorted(made) == sorted(Files.shipped().compose["secrets"])
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == set(made)


def test_each_is_long_and_its_own(script: ModuleType, tmp_path: Path) -> None:
    """No two installations, and no two clients, have the same secret; ClickHouse is told a hash alone."""
    for place in ("one", "other"):
        script.make(tmp_path / place)
    texts = [path.read_text() for path in tmp_path.glob("*/*")]
    assert len(set(texts)) == len(texts)
    assert min(map(len, texts)) >= 43
    for account in script.HASHED:
        secret = (tmp_path / "one" / account).read_bytes()
        assert (tmp_path / "one" / f"{account}-sha256").read_text() == hashlib.sha256(secret).hexdigest()


def test_others_on_the_machine_cannot_read_them(script: ModuleType, tmp_path: Path) -> None:
    """The directory is closed, also one that was open; the files can be mounted for users of any number."""
    directory = tmp_path / "secrets"
    directory.mkdir(mode=0o755)
    script.make(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o444}


def test_what_is_there_stays(script: ModuleType, tmp_path: Path) -> None:
    """A second run makes nothing; one that is missing is made; a password of yours gets its hash."""
    script.make(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert script.make(tmp_path) == []
    (tmp_path / "grafana-admin").unlink()
    (tmp_path / "warehouse-reader").unlink()
    (tmp_path / "warehouse-reader").write_text("my own")
    assert script.make(tmp_path) == ["grafana-admin", "warehouse-reader-sha256"]
    changed = {path.name for path, old in before.items() if path.read_bytes() != old}
    assert changed == {"grafana-admin", "warehouse-reader", "warehouse-reader-sha256"}


def test_git_does_not_know_them() -> None:
    """A secret that was made is not committed by mistake."""
    asked = subprocess.run(
        ["git", "check-ignore", "--quiet", "deploy/compose/secrets/warehouse-writer"], cwd=ROOT, check=False
    )
    assert asked.returncode == 0
