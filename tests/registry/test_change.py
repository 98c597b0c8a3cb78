"""What a control record changes, told before anything is published."""

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.change import changes, concerned, decides
from registry.history import InForce, NothingActive, Published, Step, history_of
from schemas.operations import ACTIVATION_LEAD_MS, Activation

A, B, C, D = (f"sha256:{digit * 64}" for digit in "abcd")
LEAD = ACTIVATION_LEAD_MS
TENANTS = ("bank-a", "bank-b")
_ids = itertools.count()


def put(at_ms, tenant=None, bundle=None, policy=None, lead_ms=LEAD, withdraws=None):
    made = Activation(
        activation_id=f"00000000-0000-4000-8000-{next(_ids):012d}",
        tenant=tenant,
        bundle_id=bundle,
        policy_id=policy,
        lead_ms=lead_ms,
        actor="tester",
        reason="test",
        withdraws=withdraws,
    )
    return Published(made, at_ms)


FIRST = put(1_000, bundle=A, policy=B)


def test_an_activation_changes_its_bank_from_its_lead_on():
    """Before and after, for the bank it names."""
    (change,) = changes([FIRST], put(50_000, "bank-a", policy=C), ["bank-a"])
    assert (change.tenant, change.since_ms) == ("bank-a", 50_000 + LEAD)
    assert (change.before, change.after, change.coming) == (InForce(A, B), InForce(A, C), ())


def test_what_decides_already_changes_nothing():
    """Whether it is in force or published and within its lead."""
    coming = put(50_000, "bank-a", policy=C)
    assert changes([FIRST], put(60_000, policy=B), ["bank-a", None]) == []
    assert changes([FIRST, coming], put(50_001, "bank-a", policy=C), ["bank-a"]) == []


def test_what_comes_later_is_told_with_the_change():
    """An activation that was published with a long lead follows."""
    coming = put(50_000, "bank-a", policy=D, lead_ms=600_000)
    (change,) = changes([FIRST, coming], put(60_000, "bank-a", policy=C), ["bank-a"])
    assert change.after == InForce(A, C)
    assert change.coming == (Step(650_000, InForce(A, D)),)
    assert changes([FIRST, coming], put(60_000, "bank-a", policy=B), ["bank-a"]) == []


def test_an_activation_for_all_concerns_those_to_come():
    """Banks served, banks that have a history here, and any other; one for a bank concerns that one."""
    own = put(2_000, "bank-z", policy=C)
    assert concerned([FIRST, own], None, ("bank-a",)) == ("bank-a", "bank-z", None)
    assert concerned([FIRST, own], "bank-a", ("bank-a", "bank-b")) == ("bank-a",)
    told = changes([FIRST, own], put(50_000, policy=C), ("bank-a", "bank-z", None))
    assert [change.tenant for change in told] == ["bank-a", None]


def test_the_first_pair_is_told_as_in_force_for_every_moment():
    """Where nothing decided nothing is replaced; half a pair decides nothing yet."""
    half = put(1_000, bundle=A)
    (nothing_yet,) = changes([], half, ["bank-a"])
    assert (nothing_yet.before, nothing_yet.after) == (None, None)
    (change,) = changes([half], put(9_000, policy=B), ["bank-a"])
    assert (change.since_ms, change.after) == (0, InForce(A, B))


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine makes no rule wrong."""
_some = st.one_of(st.none(), st.sampled_from((A, B, C, D)))
_drafts = st.tuples(
    st.integers(0, 60_000), st.sampled_from((None, *TENANTS)), _some, _some, st.sampled_from((10_000, 30_000))
).filter(lambda draft: draft[2] or draft[3])
_topics = st.lists(_drafts, max_size=8).map(lambda rows: [put(*row) for row in sorted(rows, key=lambda row: row[0])])


def worker_decides(published, tenant, at_ms):
    try:
        return history_of(published).in_force(tenant, at_ms)
    except NothingActive:
        return None


@patient
@given(_topics, st.sampled_from(TENANTS), st.integers(0, 100_000))
def test_the_steps_that_people_see_are_what_workers_decide_by(published, tenant, at_ms):
    """A plan or an answer as of a moment is not computed by another rule."""
    assert decides(history_of(published).steps(tenant), at_ms) == worker_decides(published, tenant, at_ms)


@patient
@given(_topics, _drafts, st.sampled_from(TENANTS), st.integers(0, 200_000))
def test_what_a_change_says_is_what_workers_then_do(published, draft, tenant, at_ms):
    """At every moment the bank is decided as the plan says: as before, or as after, or by what comes."""
    mine = put(60_000, *draft[1:])
    made = changes(published, mine, [tenant])
    now, then = worker_decides(published, tenant, at_ms), worker_decides([*published, mine], tenant, at_ms)
    if not made or at_ms < made[0].since_ms:
        assert then == now
    elif not any(step.since_ms <= at_ms for step in made[0].coming):
        assert then == made[0].after
