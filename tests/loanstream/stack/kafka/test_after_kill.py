"""A killed broker is counted out: what the controller alone is told, and when it is done."""

from pathlib import Path

import pytest

from loanstream.stack.kafka import after_kill
from loanstream.stack.kafka.after_kill import controller_properties, read_until_counted_out, was_killed
from loanstream.stack.kafka.guard import Guard
from loanstream.stack.kafka.node import write_properties
from loanstream.stack.pki import Pki


def test_the_controller_alone_is_a_node_without_its_broker(tmp_path: Path) -> None:
    """Its settings are the node's own, with one role and one listener."""
    written, _ = write_properties(tmp_path)
    node = dict(line.split("=", 1) for line in written.read_text().splitlines())
    alone = dict(line.split("=", 1) for line in controller_properties(written.read_text()).splitlines())
    assert alone["process.roles"] == "controller"
    assert alone["listeners"] == node["listeners"].split(",")[0]
    assert "advertised.listeners" not in alone
    assert {name: alone[name] for name in ("node.id", "log.dirs", "controller.quorum.voters")} == {
        name: node[name] for name in ("node.id", "log.dirs", "controller.quorum.voters")
    }


def test_the_controller_alone_of_a_guarded_node_asks_for_certificates(tmp_path: Path) -> None:
    """Whoever may not talk to the controller beside a broker may not either while it is alone."""
    guard = Guard(Pki(tmp_path / "keys", tmp_path / "tls"), tmp_path / "jwks.json", "https://localhost:1")
    written, _ = write_properties(tmp_path, guard)
    node = dict(line.split("=", 1) for line in written.read_text().splitlines())
    alone = dict(line.split("=", 1) for line in controller_properties(written.read_text()).splitlines())
    assert alone["listener.security.protocol.map"] == "CONTROLLER:SSL"
    kept = (
        "ssl.keystore.location",
        "ssl.truststore.location",
        "listener.name.controller.ssl.client.auth",
        "super.users",
    )
    assert {name: alone[name] for name in kept} == {name: node[name] for name in kept}


@pytest.mark.parametrize(
    ("folders", "files", "killed"),
    [
        ((), (), False),  # formatted, never started
        (("__cluster_metadata-0",), (), True),
        (("__cluster_metadata-0",), (".kafka_cleanshutdown",), False),
    ],
)
def test_a_broker_that_stopped_in_order_left_a_file(
    tmp_path: Path, folders: tuple[str, ...], files: tuple[str, ...], *, killed: bool
) -> None:
    """Only a directory that was used and not closed is one whose broker was killed."""
    for name in folders:
        (tmp_path / name).mkdir()
    for name in files:
        (tmp_path / name).touch()
    assert was_killed(tmp_path) is killed


def test_the_second_batch_after_the_fencing_is_the_end() -> None:
    """The first batch may have been written before it."""
    lines = iter(
        [
            f"DEBUG {after_kill.COMMITTED}[baseOffset=1]",
            f"INFO {after_kill.FENCING} 1 at epoch 5 because its session has timed out.",
            f"DEBUG {after_kill.COMMITTED}[baseOffset=2]",
            f"DEBUG {after_kill.COMMITTED}[baseOffset=3]",
            "DEBUG one more",
        ]
    )
    read_until_counted_out(lines)
    assert list(lines) == ["DEBUG one more"]


def test_a_broker_that_was_counted_out_before_is_not_waited_for() -> None:
    """It may have died again before it was let in: then there is no fencing to come."""
    lines = iter([f"DEBUG {after_kill.COMMITTED}"] * 20)
    read_until_counted_out(lines)
    assert len(list(lines)) == 20 - after_kill.QUIET_BATCHES
