"""A stand-in of Grafana that answers on loopback, and the command line against it."""

import json
import sys
from pathlib import Path

import pytest

from loanstream.cli.main import main

sys.path.append(str(Path(__file__).parent))  # test folders are no packages


@pytest.fixture
def grafana():
    """A Grafana with nothing in it."""
    from grafana_stand_in import Grafana

    return Grafana()


@pytest.fixture
def address(grafana):
    """Where it answers."""
    from grafana_stand_in import app_of, served

    with served(app_of(grafana)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def apply(address, tmp_path, capfd):
    """Runs `loanstream dashboards apply` as an account of a role; answers (exit code, stdout, stderr)."""

    def run(*options, role="editor", url=None, token=None):
        (tmp_path / "token").write_text(f"{token or f'{role}-token'}\n")
        words = ["dashboards", "apply", "--url", url or address, "--token-file", str(tmp_path / "token"), *options]
        code = main(words)
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def planned(apply):
    """The plan as JSON, nothing changed: (kind, name) -> step, and what is left alone."""

    def run(*options, **more):
        code, out, err = apply("--dry-run", "--json", *options, **more)
        assert code == 0, err
        found = json.loads(out)
        return {(step["kind"], step["name"]): step for step in found["steps"]}, found["left_alone"]

    return run
