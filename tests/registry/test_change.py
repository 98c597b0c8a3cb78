"""What a control record changes, told before anything is published."""

from control_records import FIRST, LEAD, TENANTS, A, B, C, D, drafts, patient, put, topics
from control_records import decides as worker_decides
from hypothesis import given
from hypothesis import strategies as st

from registry.change import changes, concerned, decides
from registry.history import InForce, Step, history_of


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


@patient
@given(topics, st.sampled_from(TENANTS), st.integers(0, 100_000))
def test_the_steps_that_people_see_are_what_workers_decide_by(published, tenant, at_ms):
    """A plan or an answer as of a moment is not computed by another rule."""
    assert decides(history_of(published).steps(tenant), at_ms) == worker_decides(history_of(published), tenant, at_ms)


@patient
@given(topics, drafts, st.sampled_from(TENANTS), st.integers(0, 200_000))
def test_what_a_change_says_is_what_workers_then_do(published, draft, tenant, at_ms):
    """At every moment the bank is decided as the plan says: as before, or as after, or by what comes."""
    mine = put(60_000, *draft[1:])
    made = changes(published, mine, [tenant])
    now, then = (
        worker_decides(history_of(published), tenant, at_ms),
        worker_decides(history_of([*published, mine]), tenant, at_ms),
    )
    if not made or at_ms < made[0].since_ms:
        assert then == now
    elif not any(step.since_ms <= at_ms for step in made[0].coming):
        assert then == made[0].after
