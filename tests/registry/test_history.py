"""Which bundle and policy decide."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.history import ActivationHistory, InForce, NothingActive
from schemas.operations import ACTIVATION_LEAD_MS, Activation

B = [f"sha256:{digit * 64}" for digit in "0123456789abcdef"]
_ids = itertools.count()


def activation(tenant=None, bundle=None, policy=None, lead_ms=ACTIVATION_LEAD_MS):
    return Activation(
        activation_id=f"00000000-0000-4000-8000-{next(_ids):012d}",
        tenant=tenant,
        bundle_id=bundle,
        policy_id=policy,
        lead_ms=lead_ms,
        actor="tester",
        reason="test",
    )


def test_the_first_activation_is_in_force_for_every_moment():
    """What `up` publishes decides applications that were accepted before it, too."""
    history = ActivationHistory()
    history.add(activation(bundle=B[0], policy=B[1]), published_ms=1_000_000)
    assert history.in_force("bank-a", 0) == InForce(B[0], B[1])


def test_a_later_activation_waits_for_its_lead():
    """An application accepted a millisecond before the lead is over is decided by the former artefacts."""
    history = ActivationHistory()
    history.add(activation(bundle=B[0], policy=B[1]), published_ms=0)
    history.add(activation(policy=B[2]), published_ms=100_000)
    takes_effect = 100_000 + ACTIVATION_LEAD_MS
    assert history.in_force("bank-a", takes_effect - 1) == InForce(B[0], B[1])
    assert history.in_force("bank-a", takes_effect) == InForce(B[0], B[2])


def test_an_activation_for_a_tenant_is_for_that_tenant_alone():
    """Another tenant goes on with what it had."""
    history = ActivationHistory()
    history.add(activation(bundle=B[0], policy=B[1]), published_ms=0)
    history.add(activation(tenant="bank-b", bundle=B[3]), published_ms=0)
    assert history.in_force("bank-a", 10**9) == InForce(B[0], B[1])
    assert history.in_force("bank-b", 10**9) == InForce(B[3], B[1])


def test_nothing_is_in_force_before_anything_was_published():
    """Without an activation nothing is decided by guess."""
    with pytest.raises(NothingActive):
        ActivationHistory().in_force("bank-a", 10**9)


def test_of_two_changes_at_one_moment_the_later_record_wins():
    """The order of the topic decides where the clock does not."""
    history = ActivationHistory()
    history.add(activation(bundle=B[0], policy=B[1]), published_ms=0)
    history.add(activation(policy=B[2]), published_ms=50)
    history.add(activation(policy=B[3]), published_ms=50)
    assert history.in_force("bank-a", 10**9).policy_id == B[3]


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 15)), min_size=1, max_size=12), st.integers(0, 2 * 10**6)
)
def test_reading_the_topic_further_never_changes_what_decided_before_its_lead(published, accepted_ms):
    """A worker that has seen the end at T - lead knows all that is in force at T."""
    published = sorted(published, key=lambda row: row[0])  # a broker's times of one partition never go back
    whole, seen = ActivationHistory(), ActivationHistory()
    first = activation(bundle=B[0], policy=B[0])
    whole.add(first, 0)
    seen.add(first, 0)
    for moment, index in published:
        change = activation(policy=B[index])
        whole.add(change, moment)
        if moment <= accepted_ms - ACTIVATION_LEAD_MS:
            seen.add(change, moment)
    assert seen.in_force("bank-a", accepted_ms) == whole.in_force("bank-a", accepted_ms)
