"""What would be decided: by what is in force, with nothing kept."""

import asyncio
import json
from pathlib import Path

import pytest

from loanstream.gateway.what_if import WhatIf
from producers.gateway.problems import ProblemError
from registry.history import ActivationHistory
from registry.named import load
from registry.port import MemoryActivations
from registry.scorers import Unusable
from schemas.application import LoanApplication
from schemas.operations import Activation
from scoring.decision import Scorer

NOW_MS = 1_790_000_000_000
EXAMPLE = Path(__file__).resolve().parents[3] / "schemas/examples/loan.application.submitted.json"


class Shipped:
    """Each shipped policy with the bundle that it is meant for, by the policy's id."""

    def __init__(self):
        self.scorers = {}
        for policy in ("standard", "paper"):
            scorer = Scorer(*load(None, policy))
            self.scorers[scorer.policy.policy_id] = scorer

    def of(self, chosen):
        if chosen.policy_id not in self.scorers:
            raise Unusable(f"policy {chosen.policy_id} is not in the artefact store")
        return self.scorers[chosen.policy_id]


def activation(number, policy_id, bundle_id):
    return Activation(
        activation_id=f"00000000-0000-0000-0000-{number:012}",
        tenant=None,
        bundle_id=bundle_id,
        policy_id=policy_id,
        actor="a",
        reason="b",
    )


@pytest.fixture(scope="module")
def shipped():
    return Shipped()


@pytest.fixture
def application():
    return LoanApplication.model_validate_json(EXAMPLE.read_bytes())


def ask(history, shipped, application):
    async def run():
        what_if = WhatIf(MemoryActivations(history), shipped, lambda: NOW_MS)
        try:
            return await what_if(application)
        finally:
            await what_if.close()

    return asyncio.run(run())


def test_what_if_is_what_is_in_force_now(shipped, application):
    """The answer names the policy that is in force, and follows the control topic to the next one."""
    standard, paper = shipped.scorers
    bundle_id = shipped.scorers[standard].bundle.bundle_id
    history = ActivationHistory()
    history.add(activation(1, standard, bundle_id), 0)
    first = ask(history, shipped, application)
    history.add(activation(2, paper, None), NOW_MS - 60_000)
    second = ask(history, shipped, application)
    assert (first["policy_id"], second["policy_id"], first["bundle_id"]) == (standard, paper, bundle_id)


def test_what_if_has_no_receipt(shipped, application):
    """No receipt, no decision's id, and nothing that a receipt is made of: it proves nothing."""
    standard, _ = shipped.scorers
    history = ActivationHistory()
    history.add(activation(1, standard, shipped.scorers[standard].bundle.bundle_id), 0)
    answer = ask(history, shipped, application)
    assert "hmac" not in json.dumps(answer)
    assert not {"receipt", "decision_id", "accepted_at"} & answer.keys()
    assert answer["outcome"] in {"approve", "refer", "decline"}


def test_where_nothing_is_in_force_nothing_is_said(shipped, application):
    """Without an activation, or with one whose policy cannot be loaded, there is no answer but to try again."""
    history = ActivationHistory()
    with pytest.raises(ProblemError) as nothing:
        ask(history, shipped, application)
    assert nothing.value.reason == "nothing-in-force"
    history.add(activation(1, "sha256:" + "0" * 64, "sha256:" + "1" * 64), 0)
    with pytest.raises(ProblemError) as unusable:
        ask(history, shipped, application)
    assert (unusable.value.kind, unusable.value.reason) == ("unavailable", "artefact-unusable")
