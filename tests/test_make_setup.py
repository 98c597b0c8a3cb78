"""`make setup` on machines unlike each other: what uv is told, and what happens where it does not work."""

import importlib.util
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def make_setup():
    spec = importlib.util.spec_from_file_location("make_setup", ROOT / "make_setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("listed", "set_for_uv", "told"),
    [
        ("global.index-url='here'", {}, {"UV_DEFAULT_INDEX": "here"}),
        ("global.index-url='here'\n:env:.index-url='there'", {}, {"UV_DEFAULT_INDEX": "there"}),
        (":env:.index-url='there'\ninstall.index-url='here'", {}, {"UV_DEFAULT_INDEX": "there"}),
        ("global.index-url='here'", {"UV_DEFAULT_INDEX": "mine"}, {}),
        ("global.index-url='here'", {"UV_INDEX_URL": "mine"}, {}),
        (
            "global.extra-index-url='\\nhere\\nthere'",
            {},
            {"UV_INDEX": "here there", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        (f"global.find-links='{ROOT} /nowhere s3://wheels'", {}, {"UV_FIND_LINKS": f"{ROOT},s3://wheels"}),
        (":env:.find-links='/nowhere'", {}, {}),
        ("global.trusted-host='here'", {}, {"UV_INSECURE_HOST": "here"}),
        (":env:.default-timeout='180'", {}, {"UV_HTTP_TIMEOUT": "180"}),
        ("", {"PYTHONDONTWRITEBYTECODE": "1"}, {"UV_COMPILE_BYTECODE": "true"}),
        ("", {"PYTHONDONTWRITEBYTECODE": "1", "UV_COMPILE_BYTECODE": "false"}, {}),
        ("this is no setting", {}, {}),
    ],
)
def test_uv_is_told_what_pip_is_configured_with(listed, set_for_uv, told, make_setup):
    """A bank's own index serves both, and what somebody set for uv itself stays."""
    certain = {"SSL_CERT_FILE": "/ca.pem"}
    assert make_setup.uv_variables(make_setup.pip_settings(listed), certain | set_for_uv) == told


def test_uv_believes_the_certificates_that_pip_believes(make_setup):
    """A proxy's certificate in pip's settings is enough for both."""
    assert make_setup.uv_variables({"cert": "/ca.pem"}, {}) == {"SSL_CERT_FILE": "/ca.pem"}
    assert make_setup.uv_variables({"cert": "/ca.pem"}, {"SSL_CERT_FILE": "/mine.pem"}) == {}


def test_uv_alone_is_taken_from_the_lock_with_its_hashes(make_setup):
    """What installs everything else is held against its hash too."""
    lines = make_setup.block((ROOT / "requirements.lock").read_text("utf-8"), "uv").splitlines()
    assert lines[0].startswith("uv==")
    assert sum("--hash=sha256:" in line for line in lines) > 10
    assert sum("==" in line for line in lines) == 1


@pytest.fixture
def machine(tmp_path):
    """Runs setup with an environment whose Python writes its commands down; `fails` is what fails there, and how."""

    def run(fails="nothing", says="", pip_says=""):
        python = tmp_path / "env" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/commands\n'
            f'case "$*" in *"config list") echo "{pip_says}"; exit;; esac\n'
            f'case "$*" in "{fails}"*) echo "resolving" >&2; echo "{says}" >&2; exit 2;; esac\n'
        )
        python.chmod(0o755)
        done = subprocess.run(
            [sys.executable, ROOT / "make_setup.py", tmp_path / "env"],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done, (tmp_path / "commands").read_text().splitlines()

    return run


UV = "-m uv"
LOCKED = "--require-hashes --no-binary urllib3-future --requirement requirements.lock"
PIP_LOCK = f"-m pip --disable-pip-version-check install --quiet {LOCKED}"
PIP_UV = "-m pip --disable-pip-version-check install --quiet --no-deps --only-binary"
PROJECT = "-m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --no-index --editable ."


def test_uv_installs_the_lock_and_pip_does_not(machine):
    """A newcomer waits for seconds, and reads how many."""
    done, commands = machine()
    assert done.returncode == 0
    assert done.stdout.endswith(" s in all\n")
    assert "uv installed the lock" in done.stdout
    assert [command.startswith(UV) for command in commands] == [False, False, True, False]
    assert LOCKED in commands[2]
    assert commands[-1] == PROJECT
    assert PIP_LOCK not in commands


@pytest.mark.parametrize("fails", [UV, PIP_UV])
def test_where_uv_does_not_work_pip_installs_the_lock(fails, machine):
    """No wheel of uv, or an index it does not like: one line says why, and setup goes on."""
    done, commands = machine(fails, "error: no route")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "uv cannot do it here (error: no route); pip does, which takes minutes"
    assert "pip installed the lock" in done.stdout
    assert commands[-2:] == [PIP_LOCK, PROJECT]


def test_what_pip_cannot_install_either_ends_setup(machine):
    """A lock that does not fit its files is no environment."""
    done, commands = machine("-m", "error: hashes differ")
    assert done.returncode == 2
    assert commands[-1] == PIP_LOCK


def test_a_machine_without_an_index_asks_none(machine):
    """Where pip looks into folders alone, uv does too."""
    _, commands = machine(pip_says="global.no-index='true'")
    assert commands[2].startswith(UV)
    assert commands[2].endswith("--no-index")


def test_nothing_takes_the_place_of_urllib3():
    """grafana-client brings a fork whose wheel would carry the warehouse's requests, too."""
    done = subprocess.run(
        [sys.executable, "-c", "import urllib3; print(urllib3.__version__)"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == version("urllib3")
