"""`loanstream top` on the running stack: its figures are those of the broker and the warehouse that run."""

import json
import time

import pytest

from schemas.stages import STAGES

TENANT = "watched"
COUNT = 12


def until(asked, what, patience_s=60):
    """The answer, once `what` holds for it."""
    end = time.monotonic() + patience_s
    while not what(found := asked()):
        assert time.monotonic() < end, found
        time.sleep(0.5)
    return found


@pytest.fixture
def look(cli):
    """One look as JSON."""
    return lambda *of: json.loads(cli("top", "--json", *of).stdout)


def test_what_a_bank_sent_is_seen_as_decided_and_nothing_of_it_waits(bank, look, shipped_example):
    """Its decisions and dead letters are counted, of the last minute and the last hour; markers are nothing that waits."""
    for number in range(COUNT):
        event = shipped_example | {"tenant": TENANT, "application_id": f"top-{number}"}
        bank.publish(TENANT, f"top-{number}", json.dumps(event).encode())
    bank.publish(TENANT, "top-broken", b"{")
    bank.flush()

    def is_told(found):
        minute = sum(one["minute"] for one in found["warehouse"]["decisions"].values())
        return minute == COUNT and sum(found["warehouse"]["dead_letters"].values()) == 1

    found = until(lambda: look("--tenant", TENANT), is_told)
    assert found["away"] == {}
    assert sum(one["hour"] for one in found["warehouse"]["decisions"].values()) == COUNT
    assert found["warehouse"]["paces"]["decision"]["p99_ms"] > 0
    assert found["warehouse"]["activation"]["policy_id"].startswith("sha256:")
    quiet = until(
        lambda: look("--tenant", TENANT), lambda one: all(each["waiting"] == 0 for each in one["broker"].values())
    )
    assert quiet["broker"].keys() == STAGES.keys()
    assert all(each["workers"] >= 1 and each["oldest_s"] is None for each in quiet["broker"].values())


def test_all_banks_together_have_the_workers_own_rates(look, cli):
    """Whatever flows beside: the workers tell of themselves every five seconds."""
    found = until(look, lambda one: (one["warehouse"]["paces"].get("record") or {}).get("per_s_10"))
    assert found["warehouse"]["paces"]["record"]["per_s_60"] > 0
    shown = cli("top", "--once").stdout
    assert [line.split()[0] for line in shown.splitlines() if line.startswith(tuple(STAGES))] == list(STAGES)
    assert "\x1b" not in shown
