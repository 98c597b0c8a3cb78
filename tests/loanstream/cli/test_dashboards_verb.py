"""`loanstream dashboards preview`: where it listens, whose figures it shows, how it ends."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

SETTINGS = {"LOANSTREAM_WAREHOUSE_URL": "http://127.0.0.1:9", "LOANSTREAM_TENANTS": "bank-a,bank-b"}
"""A warehouse at a port where nobody answers."""


@contextlib.contextmanager
def preview(*arguments):
    """A preview as its own process: its address, and what it wrote until it was there."""
    command = [sys.executable, "-m", "loanstream", "dashboards", "preview", "--port", "0", *arguments]
    started = subprocess.Popen(
        command, env={**os.environ, **SETTINGS}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        line = started.stderr.readline()
        yield started, re.search(r"http://\S+", line)[0], line
    finally:
        started.kill()
        started.wait()
        started.stderr.close()


def get(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
        return answer.read().decode()


def test_it_opens_without_a_warehouse_and_says_so_in_each_panel():
    """The page comes, and tells what is away; Ctrl-C ends it at once."""
    with preview("--tenant", "bank-a") as (started, address, line):
        assert "of bank-a alone" in line
        assert ">bank-a</span>" in get(address)
        assert "does not answer" in get(f"{address}api/loanstream-today/panels/today-decisions")
        with pytest.raises(urllib.error.HTTPError, match="421"):
            get(address, Host="rebound.example")
        started.send_signal(signal.SIGINT)
        assert started.wait(10) in (0, 130)
        assert "Traceback" not in started.stderr.read()


def test_it_is_heard_on_this_machine_alone():
    """Nobody in the network reaches it."""
    with preview() as (_, address, line):
        assert "alone" not in line
        port = int(address.rstrip("/").rpartition(":")[2])
        for other in {row[4][0] for row in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {
            "127.0.0.1"
        }:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((other, port), 5)


def test_a_port_that_is_taken_is_named(loanstream, monkeypatch):
    """One line says which port, and what to do."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = loanstream("dashboards", "preview", "--port", port, code=1).stderr
    assert f"port {port}" in said
    assert "--port" in said


def test_a_bank_that_is_not_served_is_refused(loanstream, monkeypatch):
    """A mistyped bank opens nothing, rather than an empty page."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    assert "bank-c" in loanstream("dashboards", "preview", "--tenant", "bank-c", code=1).stderr


def test_no_stack_is_told(loanstream, tmp_path, monkeypatch):
    """Without an installation there is nothing to show."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    assert str(tmp_path) in loanstream("dashboards", "preview", "--state", tmp_path, code=1).stderr


@pytest.fixture
def silent(monkeypatch):
    """Settings that name a warehouse where nobody answers."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


def test_a_picture_is_a_file_of_its_owner_alone(loanstream, silent, tmp_path, monkeypatch):
    """Named after the dashboard, in the folder where one is, unless another is named; it tells where it is."""
    asked = []
    monkeypatch.setattr("loanstream.looking.taken", lambda *given: asked.append(given[1:]) or "<svg/>")
    monkeypatch.chdir(tmp_path)
    said = loanstream("dashboards", "picture", "--dashboard", "fairness", "--tenant", "bank-a", "--since", "now-7d")
    assert "fairness.svg" in said.stderr
    loanstream("dashboards", "picture", "--out", tmp_path / "other.svg")
    assert [(board.uid, *rest) for board, *rest in asked] == [
        ("loanstream-fairness", "bank-a", "now-7d"),
        ("loanstream-today", None, None),
    ]
    for name in ("fairness.svg", "other.svg"):
        assert (tmp_path / name).read_text() == "<svg/>"
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_no_picture_is_left_where_the_warehouse_is_away(loanstream, silent, tmp_path, monkeypatch):
    """A file of excuses would be mailed on."""
    monkeypatch.chdir(tmp_path)
    said = loanstream("dashboards", "picture", code=1).stderr
    assert "no picture was made: The warehouse does not answer" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("--dashboard", "nothing"), "--dashboard names no dashboard; expected one of today, flow"),
        (("--tenant", "bank-c"), "bank-c"),
        (("--since", "yesterday"), "expected now, now-24h"),
        (("--out", "no/where.svg"), "cannot write no/where.svg"),
    ],
)
def test_what_is_wrong_with_a_picture_is_told(wrong, told, loanstream, silent, tmp_path, monkeypatch):
    """One line names what was asked for and what is expected."""
    monkeypatch.chdir(tmp_path)
    if "--out" in wrong:
        monkeypatch.setattr("loanstream.looking.taken", lambda *_: "<svg/>")
    said = loanstream("dashboards", "picture", *wrong, code=1).stderr
    assert told in said
    assert "Traceback" not in said
