"""What retention and a forger leave behind, and a warehouse that stands still: what the commands say on the real thing."""

import io
import json
import os
import re
import runpy
import signal
import sys
import time
from contextlib import closing, redirect_stdout
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from loanstream.stack.layout import read_stack
from schemas.stages import STAGES
from schemas.topics import TOPICS
from stores.topics import Bounds, KafkaTopics, RetentionMoved

TENANT = "retained"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "recompute-a-receipt.md"


@pytest.fixture(scope="module")
def ids():
    return ("gone-1", "gone-2", "gone-3")


def deleted(stack, family):
    """Have the broker delete the records of a topic of the tenant, as retention does, up to where record stands."""
    topic = TOPICS[family].name(TENANT)
    with closing(KafkaTopics(stack.bootstrap, stack.security)) as topics:
        before = topics.bounds([topic])
        asker = Consumer({**stack.admin_settings, "group.id": STAGES["record"].group, "log_level": 2})
        recorded = asker.committed([TopicPartition(*place) for place in before], timeout=30)
        asker.close()
        with AdminClient({**stack.admin_settings, "log_level": 2}) as admin:
            for done in admin.delete_records(recorded).values():
                done.result(30)
        return before


def altered(stack, change, where):
    with closing(stack.warehouse_writer()) as writer:
        writer.command(
            f"ALTER TABLE loanstream.decisions_log UPDATE {change} WHERE {where} SETTINGS mutations_sync = 1"
        )


def test_what_retention_left_is_held_and_what_was_made_up_is_found(cli, bank, stack, shipped_example, ids, tmp_path):
    """Decisions that no topic has any more are no application undecided; altered and made-up rows are named."""
    for name in ids:
        event = shipped_example | {"tenant": TENANT, "application_id": name}
        bank.publish(TENANT, name, json.dumps(event).encode())
    bank.flush()
    bank.wait_for(TENANT, len(ids))
    # Until all of it is recorded: what the topics lose before that is lost.
    assert json.loads(cli("reconcile", "--tenant", TENANT, "--json").stdout)["differences"] == []

    before = deleted(stack, "decisions")
    with closing(KafkaTopics(stack.bootstrap, stack.security)) as topics:
        place, bounds = next((place, bounds) for place, bounds in before.items() if bounds.end)
        with pytest.raises(RetentionMoved) as moved:
            list(topics.read(place, Bounds(0, bounds.end)))
        assert 0 < moved.value.low <= bounds.end
    begun = time.monotonic()
    told = json.loads(cli("reconcile", "--tenant", TENANT, "--json").stdout)
    assert (told["differences"], told["explained"]["ended_before"]) == ([], {"applications": 3})
    assert told["explained"]["held"] == {"decisions_log": 3}
    assert time.monotonic() - begun < 10
    [chapter] = json.loads(cli("show", ids[0], "--tenant", TENANT, "--json").stdout)["revisions"]
    assert (chapter["altered"], chapter["unproven"]) == ([], [])

    by_hand(cli, stack, ids[0], tmp_path)

    altered(stack, "outcome = if(outcome = 'decline', 'approve', 'decline')", f"application_id = '{ids[1]}'")
    with closing(stack.warehouse_writer()) as writer:
        writer.command(
            "INSERT INTO loanstream.decisions_log SELECT * REPLACE (99999 AS kafka_offset, now64(3) AS kafka_timestamp) "
            f"FROM loanstream.decisions_log WHERE application_id = '{ids[2]}'"
        )
    found = json.loads(cli("reconcile", "--tenant", TENANT, "--json", code=1).stdout)["differences"]
    assert sorted((one["kind"], one["application_id"], one["fields"]) for one in found) == [
        ("altered", ids[1], ["outcome"]),
        ("extra", ids[2], []),
    ]
    assert "columns differ: outcome" in cli("replay", ids[1], code=1).stdout
    altered(stack, "outcome = JSONExtractString(event, 'outcome')", f"application_id = '{ids[1]}'")
    with closing(stack.warehouse_writer()) as writer:
        writer.command(
            "ALTER TABLE loanstream.decisions_log DELETE WHERE kafka_offset = 99999 SETTINGS mutations_sync = 2"
        )


def by_hand(cli, stack, name, folder):
    """The page's recipe on a real story, with the state's own key and artefacts."""
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (folder / "receipt.py").write_text(script)
    (folder / "story.json").write_text(cli("show", name, "--tenant", TENANT, "--json").stdout)
    key = stack.layout.keys / f"tenant-{TENANT}.json"
    arguments = [folder / "receipt.py", folder / "story.json", key, stack.layout.artefacts, "1"]
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(said):
        patched.setattr(sys, "argv", [str(argument) for argument in arguments])
        runpy.run_path(str(folder / "receipt.py"))
    assert said.getvalue() == "input_hmac proven\nevidence_hmac proven\nfeatures_hmac proven\n"


def test_what_is_unknown_is_told_with_what_is_not_recorded(cli):
    """A misspelt id of a bank whose records are all in the warehouse is no application on its way."""
    told = cli("show", "nobody", "--tenant", TENANT, code=1).stdout
    assert told == ("the warehouse knows nothing about nobody\nevery record of the topics of retained is recorded\n")


def test_a_warehouse_that_stands_still_is_told_in_seconds(cli, stack):
    """Frozen, it takes connections and says nothing: the command ends with one line, and works again afterwards."""
    (pid,) = [part["pid"] for part in read_stack(stack.layout.state)["processes"] if part["name"] == "warehouse"]
    begun = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        told = cli("decisions", "--tenant", TENANT, code=1)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert time.monotonic() - begun < 13
    assert re.fullmatch(
        r"loanstream: the warehouse at \S+ does not answer: nothing was heard of it for 8 s\n", told.stderr
    )
    assert "gone-1" in cli("decisions", "--tenant", TENANT).stdout
