"""A state that an earlier version made is opened by the code of today: nothing decided is lost, and work goes on."""

import json
import tarfile
from pathlib import Path

import pytest

from loanstream.demo.run import stack as running_stack
from tests.integration.conftest import Banks

STATES = Path(__file__).with_name("states")
DECIDED, LETTERS = 46, 3
BANKS = ("bank-a", "bank-b")


@pytest.fixture(scope="module", params=sorted(path.name for path in STATES.glob("*.tar.xz")))
def upgraded(request, tmp_path_factory):
    """The stack of today on a state of an earlier commit."""
    state = tmp_path_factory.mktemp("upgraded") / "state"
    with tarfile.open(STATES / request.param) as packed:
        packed.extractall(state, filter="tar")  # our own archive: modes and all
    with running_stack(state) as (running, _):
        yield running


@pytest.fixture
def ask(upgraded, loanstream):
    """A verb on the upgraded stack; what it printed as JSON."""
    return lambda *arguments, code=0: json.loads(
        loanstream(*arguments, "--json", "--state", upgraded.layout.state, code=code).stdout
    )


def test_what_was_decided_is_still_there_and_proves_itself(upgraded, ask):
    """The warehouse equals the topics, and every decision of the earlier version is made again with the same outcome."""
    found = ask("reconcile")
    assert (found["compared"]["decisions_log"], found["compared"]["dead_letters_log"]) == (DECIDED, LETTERS)
    assert found["differences"] == []
    ask("replay")
    told = ask("show", "example-0002")
    assert told["decision"]["outcome"] == "approve"


def test_new_applications_are_decided_beside_the_old(upgraded, ask, shipped_example):
    """The next application after an upgrade is decided, and the warehouse knows old and new."""
    bank = Banks(upgraded)
    for tenant in BANKS:
        event = shipped_example | {"tenant": tenant, "application_id": "after-the-upgrade"}
        bank.publish(tenant, "after-the-upgrade", json.dumps(event).encode())
    bank.flush()
    for tenant, before in zip(BANKS, (42 + 2, 4 + 1), strict=True):
        decisions, _ = bank.outcomes(tenant, before + 1)
        assert "after-the-upgrade" in {decision["application_id"] for decision in decisions}
    assert ask("reconcile")["compared"]["decisions_log"] == DECIDED + len(BANKS)
