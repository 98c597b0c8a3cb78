"""Which bundle and policy decide."""

import time

import pytest
from control_records import LEAD, TENANTS, activation, decides
from hypothesis import given
from hypothesis import strategies as st

from registry.history import ActivationHistory, InForce, NothingActive

B = [f"sha256:{digit * 64}" for digit in "0123456789abcdef"]


def history_of(*published):
    """Of (activation, broker time)."""
    history = ActivationHistory()
    for change, at_ms in published:
        history.add(change, at_ms)
    return history


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
    takes_effect = 100_000 + LEAD
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
    with pytest.raises(NothingActive, match="no activation is in force for bank-a"):
        ActivationHistory().in_force("bank-a", 10**9)


def test_of_two_changes_at_one_moment_the_later_record_wins():
    """The order of the topic decides where the clock does not."""
    history = ActivationHistory()
    history.add(activation(bundle=B[0], policy=B[1]), published_ms=0)
    history.add(activation(policy=B[2]), published_ms=50)
    history.add(activation(policy=B[3]), published_ms=50)
    assert history.in_force("bank-a", 10**9).policy_id == B[3]


_some = st.one_of(st.none(), st.sampled_from(B))
_drafts = st.tuples(st.sampled_from((None, *TENANTS)), _some, _some, st.sampled_from((10_000, 11_000, 30_000)))
_changes = st.one_of(_drafts.filter(lambda draft: draft[1] or draft[2]), st.integers(0, 9))
_topics = st.lists(st.tuples(st.integers(0, 60_000), _changes), max_size=10)
"""Of (broker time, what is published: an activation's fields, or the number of the record that is withdrawn)."""


def records_of(topic):
    """The control topic's records, with their times: a broker's times of one partition never go back."""
    records = []
    for at_ms, change in sorted(topic, key=lambda row: row[0]):
        if isinstance(change, tuple):
            records.append((activation(*change), at_ms))
        elif change < len(records):
            records.append((activation(withdraws=records[change][0].activation_id), at_ms))
    return records


def plain_scan(records, tenant, accepted_ms):
    """What is in force, from the whole history for each record: the rule as it is written down."""
    withdrawn = {change.withdraws for change, _ in records}
    own = [
        (change, at_ms)
        for change, at_ms in records
        if change.withdraws is None and change.activation_id not in withdrawn and change.tenant in (None, tenant)
    ]
    first = next(
        (
            number
            for number in range(len(own))
            if any(change.bundle_id for change, _ in own[: number + 1])
            and any(change.policy_id for change, _ in own[: number + 1])
        ),
        None,
    )
    if first is None:
        return None
    effective = [
        (0 if number <= first else at_ms + change.lead_ms, number, change) for number, (change, at_ms) in enumerate(own)
    ]
    bundle_id = policy_id = None
    for since, _, change in sorted(effective, key=lambda row: row[:2]):
        if since <= accepted_ms:
            bundle_id, policy_id = change.bundle_id or bundle_id, change.policy_id or policy_id
    return InForce(bundle_id, policy_id)


@given(_topics, st.lists(st.tuples(st.sampled_from(TENANTS), st.integers(0, 100_000)), min_size=1, max_size=5))
def test_what_is_in_force_is_what_a_scan_of_the_whole_history_says(topic, asked):
    """However the history is indexed, and asked between any two of its records."""
    records, history = records_of(topic), ActivationHistory()
    for number in range(len(records) + 1):
        for tenant, accepted_ms in asked:
            assert decides(history, tenant, accepted_ms) == plain_scan(records[:number], tenant, accepted_ms)
        if number < len(records):
            history.add(*records[number])


@given(_topics, st.sampled_from(TENANTS), st.integers(0, 100_000))
def test_reading_the_topic_further_never_changes_what_decided_before_its_lead(topic, tenant, accepted_ms):
    """A worker that has seen the end at T - lead decides a record of T as all others do, or waits."""
    records = [row for row in records_of(topic) if row[0].withdraws is None]
    seen = history_of(*(row for row in records if row[1] <= accepted_ms - LEAD))
    assert decides(seen, tenant, accepted_ms) in (None, decides(history_of(*records), tenant, accepted_ms))


FIRST = activation(bundle=B[0], policy=B[1])


def test_a_withdrawn_activation_counts_as_never_published():
    """For every moment, those before the withdrawal included; for others nothing changes."""
    bad = activation("bank-b", bundle=B[2])
    later = activation("bank-b", policy=B[3])
    history = history_of((FIRST, 0), (bad, 100_000), (later, 150_000))
    assert history.in_force("bank-b", 200_000) == InForce(B[2], B[3])
    history.add(activation("bank-b", withdraws=bad.activation_id), 300_000)
    assert history.in_force("bank-b", 120_000) == InForce(B[0], B[1])
    assert history.in_force("bank-b", 200_000) == InForce(B[0], B[3])
    assert history.in_force("bank-a", 200_000) == InForce(B[0], B[1])


def test_where_the_first_is_withdrawn_the_next_takes_its_place():
    """An installation whose first bundle does not load is healed by another: what was accepted since is decided."""
    history = history_of((FIRST, 0), (activation(withdraws=FIRST.activation_id), 50_000))
    assert decides(history, "bank-a", 60_000) is None
    history.add(activation(bundle=B[4], policy=B[5]), 70_000)
    assert history.in_force("bank-a", 1) == InForce(B[4], B[5])


def test_a_tenants_own_first_activation_is_in_force_for_all_it_sent():
    """Nothing could be decided before, so nothing was decided otherwise."""
    history = history_of(
        (activation("bank-a", bundle=B[0], policy=B[1]), 0), (activation("bank-b", B[2], B[3]), 50_000)
    )
    assert history.in_force("bank-b", 1) == InForce(B[2], B[3])


@pytest.mark.parametrize("fields", [{}, {"bundle": B[0], "withdraws": FIRST.activation_id}])
def test_a_control_record_activates_or_withdraws(fields):
    """One that does neither, or both, is none."""
    with pytest.raises(ValueError, match="one of both"):
        activation(**fields)


def test_what_new_records_need_is_what_is_in_force_and_what_comes():
    """Of the tenants that were asked for."""
    history = history_of((FIRST, 0), (activation(policy=B[2]), 10_000), (activation("bank-b", policy=B[3]), 90_000))
    for tenant in TENANTS:
        history.in_force(tenant, 0)
    assert history.needed(50_000) == {InForce(B[0], B[2]), InForce(B[0], B[3])}
    history.add(activation(policy=B[4]), 95_000)
    assert history.needed(50_000) == {InForce(B[0], policy) for policy in (B[2], B[3], B[4])}


def test_a_long_history_costs_a_record_nothing():
    """Ten years of an activation a day are looked up, not scanned."""

    def seconds(days):
        history = history_of((FIRST, 0), *((activation(policy=B[day % 16]), day * 86_400_000) for day in range(days)))
        end = days * 86_400_000
        history.in_force("bank-a", end)
        began = time.perf_counter()
        for accepted_ms in range(end, end + 2000):
            history.in_force("bank-a", accepted_ms)
        return time.perf_counter() - began

    assert min(seconds(3650) for _ in range(3)) < 20 * min(seconds(10) for _ in range(3))
