"""`activate`, `history` and `rollback` on a running stack: docs/change-what-decides.md as a person follows it."""

import json
import time
from datetime import datetime

import pytest

from scoring.shipped import shipped_policy_text

TENANT, OTHER = "governed", "beside"
NOWHERE = "sha256:" + "0" * 64
BECAUSE = ("--tenant", TENANT, "--reason", "to see it work", "--yes")


@pytest.fixture
def ask(cli):
    """A verb's JSON value on the running stack."""
    return lambda *arguments, code=0: json.loads(cli(*arguments, "--json", code=code).stdout)


@pytest.fixture
def submit(bank, shipped_example):
    """Sends an application of a tenant's, by its name."""

    def of(tenant, name):
        bank.publish(tenant, name, json.dumps(shipped_example | {"tenant": tenant, "application_id": name}).encode())
        bank.flush()

    return of


def policy_at(ask, moment, tenant=TENANT):
    """The policy that `history` names for a moment."""
    (row,) = ask("history", "--tenant", tenant, "--as-of", moment)["decides"]
    return row["policy_id"]


def wait_until(moment):
    """Until the stack's clock, which is this machine's, is past a moment as events write it."""
    time.sleep(max(0.0, datetime.fromisoformat(moment).timestamp() + 1.5 - time.time()))


@pytest.fixture
def other_policy(tmp_path):
    """A policy that goes with the bundle in force, unlike the paper's that it is made of."""
    path = tmp_path / "lenient.yaml"
    text = shipped_policy_text("paper").replace("name: paper\n", "name: lenient\n").replace("bundle: paper\n", "")
    path.write_text(text, "utf-8")
    return path


def test_a_policy_is_activated_looked_at_and_rolled_back(stack, ask, cli, bank, submit, other_policy):
    """Each application is decided by what `history` says was in force when it was accepted; another bank's by its own."""
    before = ask("history", "--tenant", TENANT)
    standard = before["now"][0]["policy_id"]
    assert (
        f"policy {NOWHERE} is not in the artefact store" in cli("activate", "policy", NOWHERE, *BECAUSE, code=1).stderr
    )
    assert ask("history", "--tenant", TENANT)["activations"] == before["activations"]

    mismatch = cli("activate", "policy", "paper", *BECAUSE, code=1).stderr
    assert "policy paper is meant for bundle paper, and not for bundle default" in mismatch
    assert ask("history", "--tenant", TENANT)["activations"] == before["activations"]

    made = ask("activate", "policy", other_policy, *BECAUSE, "--actor", "Asha")
    submit(TENANT, "within-the-lead")
    (change,) = made["changes"]
    lenient, effect = change["after"]["policy_id"], change["since"]
    assert (change["before"]["policy_id"], change["after"]["policy"]) == (standard, "lenient")
    assert ask("activate", "policy", other_policy, *BECAUSE)["published"] is False
    (*_, newest) = ask("history", "--tenant", TENANT)["activations"]
    assert (newest["activation_id"], newest["state"], newest["actor"]) == (made["activation_id"], "coming", "Asha")
    assert policy_at(ask, made["published_at"]) == standard
    assert policy_at(ask, effect) == lenient
    assert policy_at(ask, effect, OTHER) == standard

    wait_until(effect)
    so_far, _ = bank.so_far(OTHER)
    submit(TENANT, "after-the-lead")
    submit(OTHER, "of-another-bank")
    bank.wait_for(TENANT, 2)
    back = ask("rollback", *BECAUSE)
    assert back["rolls_back"] == made["activation_id"]
    assert "nothing was there before it" in cli("rollback", *BECAUSE, code=1).stderr
    others, _ = bank.outcomes(OTHER, len(so_far) + 1)
    (other,) = [decision for decision in others if decision["application_id"] == "of-another-bank"]
    assert other["receipt"]["policy_id"] == standard

    wait_until(back["changes"][0]["since"])
    submit(TENANT, "after-the-rollback")
    decisions, letters = bank.outcomes(TENANT, 3)
    assert letters == []
    assert {decision["application_id"]: decision["receipt"]["policy_id"] for decision in decisions} == {
        "within-the-lead": standard,
        "after-the-lead": lenient,
        "after-the-rollback": standard,
    }
    for decision in decisions:
        assert policy_at(ask, decision["accepted_at"]) == decision["receipt"]["policy_id"]

    client, until = stack.warehouse(), time.monotonic() + 30
    query = "SELECT activation_id, rolls_back FROM loanstream.activations WHERE tenant = {tenant:String} ORDER BY kafka_offset"
    ours = [(made["activation_id"], None), (back["activation_id"], made["activation_id"])]
    decided = "SELECT count() FROM loanstream.decisions WHERE tenant = {tenant:String}"
    while (
        client.query(query, parameters={"tenant": TENANT}).result_rows != ours
        or client.query(decided, parameters={"tenant": TENANT}).first_row[0] < 3
    ):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert ask("reconcile", "--tenant", TENANT)["differences"] == []
    replayed = ask("replay", "--tenant", TENANT)
    assert (replayed["totals"], replayed["unequal"]) == ({"equal": 3}, [])
