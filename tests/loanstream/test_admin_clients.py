"""What a client of Kafka's administration leaves behind when it goes."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
ROOMS = ("loanstream", "processors", "producers", "registry", "stores", "tests")
FORGOTTEN = """
import gc
import threading

from confluent_kafka.admin import AdminClient, NewTopic

gc.disable()
collected = threading.Event()


def failed():
    with AdminClient({"bootstrap.servers": "127.0.0.1:9", "log_level": 0}) as admin:
        answer = admin.create_topics([NewTopic("t", 1, 1)], request_timeout=1)["t"]
        answer.add_done_callback(lambda _: (gc.collect(), collected.set()))
        cycle = [admin]
        cycle.append(cycle)


failed()
assert collected.wait(20)
"""


def test_a_forgotten_admin_client_lets_its_process_end():
    """One in a cycle, with a request that no broker answers: without its `with` it is destroyed by the collector in a
    thread of librdkafka's, which aborts the process.
    """
    subprocess.run([sys.executable, "-c", FORGOTTEN], check=True, timeout=60)


@pytest.mark.parametrize("room", ROOMS)
def test_every_admin_client_is_made_in_a_with(room):
    """None is left to the garbage collector, which runs in any thread and while any lock is held."""
    loose = []
    for path in (HOUSE / room).rglob("*.py"):
        tree = ast.parse(path.read_text())
        entered = {item.context_expr for node in ast.walk(tree) if isinstance(node, ast.With) for item in node.items}
        loose += [
            f"{path.relative_to(HOUSE)}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("AdminClient") and node not in entered
        ]
    assert loose == []
