"""The ring in its file: a rotation that is killed anywhere goes on, and a damaged file is one line."""

import json
import os
import subprocess
import sys
import time

import pytest

from loanstream.stack.auth import ring_file
from loanstream.stack.auth.keyring import Keyring
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.ring import State, Times, rotated
from loanstream.stack.auth.ring_file import change_ring, make_ring, read_ring
from schemas.problem import Problem

TIMES = Times(life_s=60, refresh_s=20, leeway_s=5)


@pytest.fixture
def clock(clock):
    """In a year of tokens, not at nought."""
    clock.now = 1_800_000_000.0
    return clock


@pytest.fixture
def files(tmp_path):
    return AuthFiles(tmp_path / "state")


def published(files):
    return [key["kid"] for key in json.loads(files.jwks.read_text())["keys"]]


def rotate(files, clock, **how):
    return change_ring(files, lambda ring: rotated(ring, clock(), **how))


@pytest.mark.parametrize("step", ["_write", "_publish"])
def test_a_rotation_that_is_killed_goes_on(files, clock, monkeypatch, step):
    """Before or after its key is written, before or after it is published: the server does the rest, in order."""
    keyring = Keyring(files, TIMES, clock)
    old = keyring.signing().kid
    real = getattr(ring_file, step)
    calls = []

    def killed(*arguments):
        calls.append(step)
        if step == "_write" or len(calls) == 2:
            raise KeyboardInterrupt
        real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(ring_file, step, killed)
        with pytest.raises(KeyboardInterrupt):
            rotate(files, clock)
    if step == "_write":
        assert published(files) == [old]
        rotate(files, clock)
    keyring.refresh()
    new = read_ring(files).keys[1].kid
    assert published(files) == [old, new]
    clock.now += 20
    keyring.settle()  # a look later, however late that is: what was served now gets its turn
    assert keyring.signing().kid == old
    clock.now += 20
    assert keyring.signing().kid == new
    clock.now += 65
    keyring.settle()
    assert published(files) == [new]


def test_a_rotation_begun_while_no_server_runs_waits_for_one(files, clock):
    """Only a server that answers shows a new key to everybody, so its time begins with that."""
    Keyring(files, TIMES, clock)
    old, new = (key.kid for key in rotate(files, clock).keys)
    clock.now += 3600
    keyring = Keyring(files, TIMES, clock)
    keyring.settle()
    assert keyring.signing().kid == old
    clock.now += 20
    assert keyring.signing().kid == new


def test_a_new_key_is_in_the_file_before_it_signs(files, clock):
    """A broker that reads the file never meets a token whose key is not in it, even of a rotation at once."""
    keyring = Keyring(files, TIMES, clock)
    rotate(files, clock, at_once=True)
    files.jwks.unlink()
    keyring.refresh()
    assert keyring.signing().kid in published(files)


def test_while_the_ring_is_locked_the_server_goes_on_with_what_it_knows(files, clock):
    """Somebody who holds the lock and stands still stops no token: the old key signs until the new one is published."""
    keyring = Keyring(files, TIMES, clock)
    old = keyring.signing().kid
    rotate(files, clock, at_once=True)
    with files.change():
        keyring.refresh()
        assert keyring.signing().kid == old
        assert "held by another process" in keyring.complaint
    keyring.refresh()
    assert keyring.signing().kid != old
    assert keyring.complaint is None


def test_the_published_file_is_mended(files, clock):
    """Whoever removes or damages it does so for a second."""
    keyring = Keyring(files, TIMES, clock)
    held = files.jwks.read_bytes()
    for spoil in (files.jwks.unlink, lambda: files.jwks.write_text("{}")):
        spoil()
        keyring.settle()
        assert files.jwks.read_bytes() == held == keyring.jwks()


def test_what_stands_still_is_not_written_again(files, clock):
    """A second's look at the files writes nothing: disks live longer, and nobody reads a ring anew for nothing."""
    keyring = Keyring(files, TIMES, clock)
    before = [path.stat().st_ino for path in (files.ring, files.jwks)]
    for _ in range(5):
        clock.now += 1
        keyring.settle()
    assert [path.stat().st_ino for path in (files.ring, files.jwks)] == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": []}', '{"keys": [{"kid": "d-SECRET"}]}', "null"])
def test_a_damaged_ring_is_one_line_that_shows_nothing_of_it(files, clock, text):
    """The line names the file and what to do, and no key."""
    make_ring(files, clock())
    files.ring.write_text(text)
    with pytest.raises(Problem, match=r"token-keys.json (does not hold|holds no) token key") as told:
        Keyring(files, TIMES, clock)
    assert "SECRET" not in str(told.value)


def test_a_request_does_not_read_a_ring_that_did_not_change(files, clock, monkeypatch):
    """A token costs no look into the file: it is read again while it is being changed, and then no more."""
    keyring = Keyring(files, TIMES, clock)
    read = []
    real = ring_file.read_ring
    monkeypatch.setattr(ring_file, "read_ring", lambda files: read.append(1) or real(files))
    rotate(files, clock)
    read.clear()
    for _ in range(10):
        keyring.refresh()
    assert len(read) == 3


def test_the_keys_are_published_before_a_server_runs(files, clock):
    """A broker that starts beside the token server finds the file."""
    make_ring(files, clock())
    assert published(files) == [key.kid for key in read_ring(files).keys]


def test_a_ring_is_made_once(files, clock):
    """Two that start at once make one ring."""
    make_ring(files, clock())
    first = read_ring(files)
    make_ring(files, clock())
    assert read_ring(files) == first


def test_without_a_ring_there_is_nothing_to_change(files):
    """The line says who makes one."""
    files.make()
    with pytest.raises(Problem, match="the token server makes them at its first start"):
        change_ring(files, lambda ring: ring)


def test_changes_are_made_one_at_a_time(files):
    """Processes that rotate at the same moment begin one rotation."""
    make_ring(files, time.time())
    code = f"""
from pathlib import Path
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.ring import rotated
from loanstream.stack.auth.ring_file import change_ring
change_ring(AuthFiles(Path({str(files.state)!r})), lambda ring: rotated(ring, 1.0))
"""
    children = [subprocess.Popen([sys.executable, "-c", code], env=os.environ) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    ring = read_ring(files)
    assert [standing.state for standing in ring.standings(time.time(), 5)] == [State.CURRENT, State.NEXT]
