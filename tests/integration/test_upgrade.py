"""A state that an earlier version made is opened by the code of today: nothing decided is lost, and work goes on."""

import json
import tarfile
from pathlib import Path

import pytest

from loanstream.ask.replay import JUDGED_OTHERWISE
from loanstream.ask.sameness import OTHER_WORDS, TOLD_OTHERWISE
from loanstream.demo.run import stack as running_stack
from tests.integration.conftest import Banks, told

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
    replayed = ask("replay")
    assert (replayed["faults"], replayed["activations_known"]) == (0, True)
    # What no code of today decides as it was decided then is told, and is no fault.
    others = {OTHER_WORDS.name, TOLD_OTHERWISE.name, JUDGED_OTHERWISE}
    assert replayed["totals"].keys() - others <= {"equal", "equal but for the code version"}
    (told,) = ask("show", "example-0002")["revisions"]
    assert (told["decision"]["outcome"], told["known_by"]) == ("approve", "receipt")


def test_a_conflict_of_former_times_is_told_with_its_own_claims(ask):
    """Rows of the earlier version name no record; whose claims are whose is found by the receipts."""
    (told,) = ask("show", "1", "--tenant", "bank-b")["revisions"]
    (other,) = told["conflicting"]
    incomes = {"refer": "9600000.00", "decline": "4100000.00"}
    assert told["verified"]["application"]["annual_income"] == incomes[told["decision"]["outcome"]]
    assert {told["decision"]["outcome"], other["decision"]["outcome"]} == set(incomes)


def test_letters_of_former_times_are_listed_and_handled(upgraded, loanstream):
    """What waited before the upgrade waits after it, and can be discarded."""
    state = ("--state", upgraded.layout.state)
    rows = [json.loads(line) for line in loanstream("dlq", "list", "--json", *state).stdout.splitlines()]
    assert sorted(row["cause"] for row in rows) == ["invalid_event", "key_mismatch", "tenant_mismatch"]
    discard = ("dlq", "discard", "--cause", "key_mismatch", "--reason", "of the test", "--yes")
    assert "1" in loanstream(*discard, *state).stdout


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


def test_a_bank_of_former_times_hears_of_its_rejected_records(upgraded, ask):
    """The topic that the earlier version did not know is there; its old letters say that nobody was told of them."""
    bank = Banks(upgraded)
    before = sum(map(len, bank.so_far("bank-a")))
    bank.publish("bank-a", "bad-after-the-upgrade", b"{not json")
    bank.flush()
    bank.wait_for("bank-a", before + 1)
    ((kind, event, _),) = told(upgraded, 1, tenant="bank-a")
    assert (kind, event["application_id"]) == ("loan.record.rejected", "bad-after-the-upgrade")
    found = ask("reconcile")
    assert (found["differences"], found["rejections"]) == ([], {"rejected": 1, "not_told": LETTERS})
