"""A bank that is added to a running installation is served by the workers that are there, and by those that come back."""

import json
import os
import signal
import time

import pytest

from loanstream.install import grants, topics
from loanstream.installation import Installation
from loanstream.served import not_served, unread
from loanstream.stack.layout import read_stack
from stores.keys import KeyFiles

SERVED_WITHIN_S = 90
"""It takes a restart, two looks at the group, and a change of its assignment; without a look of our own it never ends."""


@pytest.mark.parametrize(
    ("tenant", "restart"),
    [
        ("added-now", ()),
        ("added-then", ("verify", "score")),
        ("added-all", ("verify", "verify-slow", "score", "record")),
    ],
    ids=["workers run on", "some come back", "all come back"],
)
def test_a_bank_that_is_added_is_served(stack, bank, shipped_example, tenant, restart):
    """Its topics are made while workers run, or while they are away: static members, whose old assignment lacks it."""
    processes = {part["name"]: part["pid"] for part in read_stack(stack.layout.state)["processes"]}
    KeyFiles(stack.layout.keys).make_tenant(tenant)
    stack.layout.prepared.unlink()  # who comes back waits for it, and so joins when the topics are there
    for stage in restart:
        os.kill(processes[f"{stage}-0"], signal.SIGKILL)
    more = Installation(stack.settings.model_copy(update={"tenants": (*stack.tenants, tenant)}))
    grants.make(more)
    topics.provision(more.bootstrap, more.tenants, more.security)
    stack.layout.prepared.touch()
    event = shipped_example | {"tenant": tenant}
    bank.publish(tenant, event["application_id"], json.dumps(event).encode())
    bank.flush()
    decisions, letters = bank.outcomes(tenant, 1, patience_s=SERVED_WITHIN_S)
    assert (len(decisions), letters) == (1, [])
    assert not_served(stack, tenant) is None
    until = time.monotonic() + SERVED_WITHIN_S
    while unread(stack):
        assert time.monotonic() < until, unread(stack)
        time.sleep(0.5)
