"""What a test of the inner rooms waits for before it starts."""

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ("confluent_kafka", "clickhouse_connect", "chdb", "faust", "sklearn", "reportlab")
COLLECT = f"""
import json, sys, pytest
code = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *sys.argv[1:]])
print(json.dumps([int(code), sorted(set({HEAVY}) & set(sys.modules))]))
"""


def test_the_tests_of_the_inner_rooms_import_no_client_of_the_stack():
    """A test of a schema or a score needs neither Kafka's client nor the warehouse's, so none is imported for it."""
    folders = [Path(__file__).with_name(room) for room in ("schemas", "scoring")]
    done = subprocess.run([sys.executable, "-c", COLLECT, *folders], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
