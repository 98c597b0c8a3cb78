"""The page about tokens says what there is."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from loanstream.cli.main import application
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import client_id_of
from loanstream.stack.auth.ring import Times
from loanstream.stack.auth.scopes import KINDS

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "tokens.md").read_text("utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_client_has_its_row(kind):
    """With its name, its scopes and where it is good."""
    row = KINDS[kind]
    good = ", ".join(audience.removeprefix("loanstream-").capitalize() for audience in row.audiences)
    said = f"| `{kind}` | `{client_id_of(kind, 'bank-a')}` | `{' '.join(row.scopes)}` | {good} |"
    assert said.casefold() in PAGE.casefold()


@pytest.mark.parametrize("line", re.findall(r"^loanstream .*$", PAGE, re.MULTILINE))
def test_each_command_is_one_that_there_is(line):
    """Whoever types what stands there is understood."""
    _, verb, name, *words = shlex.split(line)
    command = application().get_command(None, verb).commands[name]
    command.make_context(name, words)


def test_figures_and_files_are_the_codes():
    """Times and paths that the page names."""
    assert f"signs {Times().refresh_s} s later" in PAGE
    assert f'"expires_in": {Times().life_s}' in PAGE
    files = AuthFiles(Path())
    for path in (files.ring, files.secrets, files.clients, files.jwks):
        assert f"| `{path}` |" in PAGE


def test_the_way_to_a_token_shows_no_secret_to_other_users(tmp_path):
    """What the page tells people to type hands the secret over on curl's input: no command line has it."""
    (block,) = re.findall(r"^```\n([^`]*curl[^`]*)```", PAGE, re.MULTILINE)
    client = {"client_id": "bank-a-producer", "client_secret": "CANARY"}
    auth = {"token_endpoint": "https://localhost:1/oauth/token", "clients": {"producer:bank-a": client}}
    (tmp_path / "stack.json").write_text(json.dumps({"auth": auth, "tls": {"ca": "/ca.pem"}}))
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\necho "$@" > "$0.words"\ncat > "$0.input"\n')
    curl.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    script = block.replace("STATE", str(tmp_path))
    subprocess.run(["/bin/sh", "-ec", script], check=True, env={**os.environ, "PATH": path}, timeout=60)
    assert (tmp_path / "curl.words").read_text().split() == ["--config", "-", "--data", "grant_type=client_credentials"]
    lines = ['user = "bank-a-producer:CANARY"', 'cacert = "/ca.pem"', 'url = "https://localhost:1/oauth/token"']
    assert (tmp_path / "curl.input").read_text().splitlines() == lines
