"""`loanstream auth`, and the server as a row of the process table."""

import json
import subprocess
from dataclasses import replace

import pytest

from loanstream.stack.auth.child import AuthServer
from loanstream.stack.auth.clients import read_clients
from loanstream.stack.auth.keyring import Keyring
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import ensure_clients
from loanstream.stack.auth.ring import Times


@pytest.fixture
def files(tmp_path):
    """A state in which a token server ran, with the clients of one bank."""
    files = AuthFiles(tmp_path / "state")
    Keyring(files, Times())
    ensure_clients(files.state, ["bank-a"])
    return files


@pytest.fixture
def auth(files, loanstream):
    """Runs `loanstream auth` on it."""
    return lambda *words, code=0: loanstream("auth", *words, "--state", files.state, code=code)


def test_keys_are_shown_without_anything_secret(files, auth):
    """Name, state and times of each key, for a person and for a program."""
    text = auth("keys").stdout
    (row,) = json.loads(auth("keys", "--json").stdout)
    assert row["state"] == "current"
    assert row["kid"] in text
    assert json.loads(files.ring.read_text())["keys"][0]["jwk"]["d"] not in text


def test_a_rotation_shows_the_new_key_beside_the_old(auth):
    """What signs now goes on, and the new key says that it waits to be published."""
    rows = json.loads(auth("rotate", "--json").stdout)
    assert [row["state"] for row in rows] == ["current", "next"]
    assert rows[1]["signs_from"] is None
    assert "once published" in auth("rotate").stdout


def test_dropping_the_old_key_needs_a_new_one_that_signs(auth):
    """Else no token could be made for a while: the line says what is missing."""
    assert "expected --now with it" in auth("rotate", "--drop-old", code=2).stderr


def test_a_client_of_a_bank_that_is_not_served_is_made_with_a_word(auth):
    """It waits for the day that the bank is served; until then its tokens are refused, and a typo is seen."""
    told = auth("add", "--tenant", "bank-x", "--kind", "producer", "--json")
    assert json.loads(told.stdout)["client_id"] == "bank-x-producer"
    assert told.stderr == (
        "loanstream: bank-x is not served: bank-x-producer gets no token until up has it in --tenants; served: bank-a\n"
    )
    assert auth("add", "--tenant", "bank-a", "--kind", "producer", "--id", "second").stderr == ""


def test_ids_can_be_copied(files, auth):
    """Within 100 columns each stands whole on one line, the longest there may be as well; scopes give way."""
    long = "bank-a." + "x" * 56
    auth("add", "--tenant", "bank-a", "--kind", "producer", "--id", long)
    listed = auth("clients").stdout.splitlines()
    for name in read_clients(files):
        assert any(line.split()[:1] == [name] for line in listed), listed
    kid = json.loads(auth("keys", "--json").stdout)[0]["kid"]
    assert any(line.split()[:1] == [kid] for line in auth("keys").stdout.splitlines())
    assert max(map(len, listed)) <= 100


def test_a_clients_secret_is_shown_once(files, auth):
    """Added, changed, removed; no list of clients shows a secret."""
    made = json.loads(auth("add", "--tenant", "bank-b", "--kind", "consumer", "--json").stdout)
    assert made["client_id"] == "bank-b-consumer"
    new = json.loads(auth("secret", "bank-b-consumer", "--json").stdout)
    assert new["client_secret"] != made["client_secret"]
    text = auth("clients").stdout + auth("clients", "--json").stdout
    assert new["client_secret"] not in text
    assert made["client_secret"] not in text
    (row,) = [each for each in json.loads(auth("clients", "--json").stdout) if each["client_id"] == "bank-b-consumer"]
    assert row["scopes"] == ["decisions:read"]
    assert row["served"] is False
    assert row["old_secret_until"].endswith("Z")
    auth("remove", "bank-b-consumer")
    assert "bank-b-consumer" not in read_clients(files)
    assert "expected one of: bank-a-consumer" in auth("remove", "bank-b-consumer", code=1).stderr


def test_a_state_without_a_token_server_is_one_line(tmp_path, loanstream):
    """Nothing is made in a directory that is none of a stack's."""
    said = loanstream("auth", "keys", "--state", tmp_path / "none", code=1).stderr
    assert "loanstream up --state" in said
    assert not (tmp_path / "none").exists()


def test_the_row_of_the_process_table_holds_no_secret(tmp_path, tls):
    """Anybody on the machine may read a command line."""
    server = AuthServer(tmp_path, 20443, tls.cert, tls.key, tls.ca)
    child = server.child(stop_rank=1, stop_within_s=3.0)
    assert child.name == "auth"
    assert child.command[1:3] == ("-m", "loanstream.stack.auth")
    assert child.environment == {}
    assert server.endpoints.issuer == "https://localhost:20443"
    assert not child.is_ready()


def test_the_part_of_stack_json_is_what_a_client_needs(files, tls):
    """Endpoints, and an id and a secret for each role."""
    part = AuthServer(files.state, 20443, tls.cert, tls.key, tls.ca).part(ensure_clients(files.state, ["bank-a"]))
    assert part["token_endpoint"] == "https://localhost:20443/oauth/token"
    assert part["jwks_uri"] == "https://localhost:20443/jwks.json"
    assert part["clients"]["consumer:bank-a"]["client_id"] == "bank-a-consumer"
    assert len(part["clients"]["consumer:bank-a"]["client_secret"]) == 43


def test_ready_is_only_a_server_that_the_ca_vouches_for(running, other_tls):
    """Another server that took the port is not ours."""
    assert running.server.is_ready()
    assert not replace(running.server, ca=other_tls.ca).is_ready()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda files: files.ring.write_text("{}"), "token-keys.json does not hold token keys"),
        (lambda files: files.clients.write_text("{}"), "clients.json does not hold clients"),
    ],
)
def test_a_start_that_cannot_be_is_one_line(files, tls, spoil, said):
    """The supervisor tells it: which file, and what to do."""
    spoil(files)
    server = AuthServer(files.state, 20443, tls.cert, tls.key, tls.ca)
    done = subprocess.run(server.command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert said in json.loads(line)["message"]


def test_a_certificate_that_is_not_there_is_one_line(files, tls, tmp_path):
    """The path is named."""
    server = AuthServer(files.state, 20443, tmp_path / "none.pem", tls.key, tls.ca)
    done = subprocess.run(server.command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "certificate" in json.loads(done.stderr.splitlines()[-1])["message"]
