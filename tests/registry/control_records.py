"""Control records as tests make them: each with an id of its own, and one that decides already."""

import itertools

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from registry.history import NothingActive, Published
from schemas.operations import ACTIVATION_LEAD_MS, Activation

A, B, C, D = (f"sha256:{digit * 64}" for digit in "abcd")
LEAD = ACTIVATION_LEAD_MS
TENANTS = ("bank-a", "bank-b")
_numbers = itertools.count()


def activation(tenant=None, bundle=None, policy=None, lead_ms=LEAD, withdraws=None, rolls_back=None):
    """One that nobody has published."""
    return Activation(
        activation_id=f"00000000-0000-4000-8000-{next(_numbers):012d}",
        tenant=tenant,
        bundle_id=bundle,
        policy_id=policy,
        lead_ms=lead_ms,
        actor="tester",
        reason="test",
        withdraws=withdraws,
        rolls_back=rolls_back,
    )


def put(at_ms, *fields, **named):
    """An activation as it stands on the topic since this moment of the broker's."""
    return Published(activation(*fields, **named), at_ms)


FIRST = put(1_000, bundle=A, policy=B)


def decides(history, tenant, at_ms):
    """What is in force; None where nothing is."""
    try:
        return history.in_force(tenant, at_ms)
    except NothingActive:
        return None


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine makes no rule wrong."""
_some = st.one_of(st.none(), st.sampled_from((A, B, C, D)))
drafts = st.tuples(
    st.integers(0, 60_000), st.sampled_from((None, *TENANTS)), _some, _some, st.sampled_from((10_000, 30_000))
).filter(lambda draft: draft[2] or draft[3])
topics = st.lists(drafts, max_size=8).map(lambda rows: [put(*row) for row in sorted(rows, key=lambda row: row[0])])
"""Topics with up to eight activations, in their order."""
