"""A later activation: in force after its lead, for the tenant it names, and never for what was accepted before.

One that nobody can follow holds up its own tenant until its artefact is there or it is withdrawn.
"""

import json
import re
import time
import urllib.error
import urllib.request
import uuid
from typing import NamedTuple

import pytest

from loanstream.ask.replay import replay
from loanstream.stack.ports import LOOPBACK, remembered
from loanstream.stack.running import RunningStack
from registry.publish import publish, send, store, withdraw
from registry.scorers import POLICY_FILE, Unusable
from schemas.operations import ACTIVATION_LEAD_MS, Activation
from schemas.problem import Problem
from scoring.policy_document import parse_policy
from scoring.shipped import shipped_policy_text

TENANT = "switched"


def activation_of(tenant, *, bundle_id=None, policy_id=None):
    return Activation(
        activation_id=str(uuid.uuid4()),
        tenant=tenant,
        bundle_id=bundle_id,
        policy_id=policy_id,
        actor="tests",
        reason="to see it take effect",
    )


@pytest.fixture
def submit(bank, shipped_example):
    """Sends an application of a tenant's, by its name."""

    def of(tenant, name):
        event = shipped_example | {"tenant": tenant, "application_id": name}
        bank.publish(tenant, name, json.dumps(event).encode())
        bank.flush()

    return of


STRANDED, RESTORED = "stranded", "restored"
NOWHERE = "sha256:" + "0" * 64
LATE = shipped_policy_text("standard").replace("name: standard", "name: late")


class Published(NamedTuple):
    """Activations on the topic: of a policy that is there, of a bundle that is lost, of a policy that comes late."""

    paper: str
    lost: Activation
    late: Activation
    effect_s: float

    def wait(self) -> None:
        """Until all three are in force."""
        time.sleep(max(0.0, self.effect_s - time.monotonic()))


@pytest.fixture(scope="module")
def published(stack) -> Published:
    """All at once: one lead passes for the three."""
    _, paper = store(stack.artefacts, "default", "paper")
    lost = activation_of(STRANDED, bundle_id=NOWHERE)
    late = activation_of(RESTORED, policy_id=parse_policy(LATE).policy_id)
    for activation in (lost, late):
        with pytest.raises(Unusable, match="is not in the artefact store"):
            publish(stack.bootstrap, stack.security, activation, stack.artefacts)
        send(stack.bootstrap, stack.security, activation)
    publish(stack.bootstrap, stack.security, activation_of(TENANT, policy_id=paper), stack.artefacts)
    return Published(paper, lost, late, time.monotonic() + ACTIVATION_LEAD_MS / 1000 + 1)


def test_an_activation_decides_from_its_lead_on_and_for_its_tenant_alone(stack, bank, submit, published):
    """What was accepted within the lead is still decided by the former policy, and both replay equal."""
    first_bundle, first_policy = store(stack.artefacts, "default", "standard")
    submit(TENANT, "within-the-lead")
    published.wait()
    submit(TENANT, "after-the-lead")
    before, _ = bank.so_far("beside")
    submit("beside", "another-bank")
    decisions, letters = bank.outcomes(TENANT, 2)
    assert letters == []
    decided = {decision["application_id"]: decision["receipt"] for decision in decisions}
    assert {receipt["bundle_id"] for receipt in decided.values()} == {first_bundle}
    assert decided["within-the-lead"]["policy_id"] == first_policy
    assert decided["after-the-lead"]["policy_id"] == published.paper
    others, _ = bank.outcomes("beside", len(before) + 1)
    (other,) = [decision for decision in others if decision["application_id"] == "another-bank"]
    assert other["receipt"]["policy_id"] == first_policy
    until = time.monotonic() + 30
    while (totals := dict(replay(stack, tenant=TENANT).totals)) != {"equal": 2} and time.monotonic() < until:
        time.sleep(0.5)  # decisions and what they were made of reach the warehouse one after the other
    assert totals == {"equal": 2}


def page(stack, path):
    """A page of the score worker, of whatever status."""
    url = f"http://{LOOPBACK}:{remembered(stack.layout.ports)['score-0']}{path}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.read().decode()


def deferred_down(stack):
    found = re.search(r"^loanstream_deferred_down_total\{.*\} ([0-9.e+]+)$", page(stack, "/metrics"), re.MULTILINE)
    return float(found[1])


def score_process(stack):
    return next(
        part["pid"] for part in RunningStack.at(stack.layout.state).stack["processes"] if part["name"] == "score-0"
    )


def test_an_activation_that_nobody_can_follow_holds_up_its_tenant_until_it_is_cured(stack, bank, submit, published):
    """Its applications wait, the worker says for what, another bank's are decided; a withdrawal heals, and so does the
    artefact.
    """
    before, waited, (_, lost, late, _) = score_process(stack), deferred_down(stack), published
    published.wait()
    submit(STRANDED, "waits")
    submit(RESTORED, "waits")
    decided, _ = bank.so_far("beside")
    submit("beside", "meanwhile")
    others, _ = bank.outcomes("beside", len(decided) + 1, patience_s=20)
    assert "meanwhile" in {decision["application_id"] for decision in others}
    assert bank.outcomes(STRANDED, 1, patience_s=3) == ([], [])
    assert bank.outcomes(RESTORED, 1, patience_s=1) == ([], [])
    said = (stack.layout.logs / "score-0.log").read_text()
    assert f"bundle {NOWHERE} is not in the artefact store" in said
    assert f"policy {late.policy_id} is not in the artefact store" in said
    assert deferred_down(stack) >= waited + 2

    until = time.monotonic() + 45
    while "has been waiting" not in page(stack, "/healthz") and time.monotonic() < until:
        time.sleep(0.5)
    assert "is not in the artefact store" in page(stack, "/healthz")

    with pytest.raises(Problem, match="no activation"):
        withdraw(stack.bootstrap, stack.security, str(uuid.uuid4()), "tests", "there is none")
    withdrawal = withdraw(stack.bootstrap, stack.security, lost.activation_id, "tests", "its bundle is lost")
    with pytest.raises(Problem, match="withdrawn already"):
        withdraw(stack.bootstrap, stack.security, lost.activation_id, "tests", "once more")
    stack.artefacts.put(late.policy_id, {POLICY_FILE: LATE.encode()})
    for tenant, policy_id in ((STRANDED, others[0]["receipt"]["policy_id"]), (RESTORED, late.policy_id)):
        decisions, letters = bank.outcomes(tenant, 1, patience_s=20)
        assert letters == []
        assert [(one["application_id"], one["receipt"]["policy_id"]) for one in decisions] == [("waits", policy_id)]
    assert score_process(stack) == before
    assert '"healthy": true' in page(stack, "/healthz").replace('":true', '": true')
    client, until, found = stack.warehouse(), time.monotonic() + 30, []
    while not found and time.monotonic() < until:
        query = "SELECT tenant, withdraws FROM loanstream.activations WHERE activation_id = {id:String}"
        found = client.query(query, parameters={"id": withdrawal.activation_id}).result_rows
        time.sleep(0.2)
    assert found == [(STRANDED, lost.activation_id)]
