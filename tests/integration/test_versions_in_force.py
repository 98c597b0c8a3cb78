"""A later activation: in force after its lead, for the tenant it names, and never for what was accepted before."""

import json
import time
import uuid

from loanstream.ask.replay import replay
from registry.publish import publish, store
from schemas.operations import ACTIVATION_LEAD_MS, Activation

TENANT = "switched"


def test_an_activation_decides_from_its_lead_on_and_for_its_tenant_alone(stack, bank, shipped_example):
    """What was accepted within the lead is still decided by the former policy, and both replay equal."""
    first_bundle, first_policy = store(stack.artefacts, "default", "standard")
    _, paper = store(stack.artefacts, "default", "paper")

    def send(tenant, name):
        event = shipped_example | {"tenant": tenant, "application_id": name}
        bank.publish(tenant, name, json.dumps(event).encode())
        bank.flush()

    activation = Activation(
        activation_id=str(uuid.uuid4()),
        tenant=TENANT,
        bundle_id=None,
        policy_id=paper,
        actor="tests",
        reason="to see it take effect",
    )
    publish(stack.bootstrap, stack.security, activation)
    send(TENANT, "within-the-lead")
    time.sleep(ACTIVATION_LEAD_MS / 1000 + 1)
    send(TENANT, "after-the-lead")
    before, _ = bank.so_far("beside")
    send("beside", "another-bank")
    decisions, letters = bank.outcomes(TENANT, 2)
    assert letters == []
    decided = {decision["application_id"]: decision["receipt"] for decision in decisions}
    assert {receipt["bundle_id"] for receipt in decided.values()} == {first_bundle}
    assert decided["within-the-lead"]["policy_id"] == first_policy
    assert decided["after-the-lead"]["policy_id"] == paper
    others, _ = bank.outcomes("beside", len(before) + 1)
    (other,) = [decision for decision in others if decision["application_id"] == "another-bank"]
    assert other["receipt"]["policy_id"] == first_policy
    until = time.monotonic() + 30
    while (totals := dict(replay(stack, tenant=TENANT).totals)) != {"equal": 2} and time.monotonic() < until:
        time.sleep(0.5)  # decisions and what they were made of reach the warehouse one after the other
    assert totals == {"equal": 2}
