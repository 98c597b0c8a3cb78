"""What a rollback takes back: a bank's activations are a stack, and each rollback takes the top of it away."""

import itertools

import pytest
from control_records import FIRST, LEAD, TENANTS, A, B, C, D, patient, put, topics
from hypothesis import assume, given
from hypothesis import strategies as st

from registry.history import InForce, history_of
from registry.rollback import rollback, void_for
from schemas.problem import Problem

NAMES = {A: "first", B: "good", C: "better", D: "worse"}.get
LATE = 10**9


def id_of(published):
    return published.activation.activation_id


def back(published, tenants=("bank-a",), effect_ms=LATE):
    """What is taken back, and the bundle and policy that are activated for it."""
    made = rollback(published, tenants, effect_ms, NAMES)
    return made.activation_id, made.bundle_id, made.policy_id


def drafted(published, at_ms, tenant="bank-a"):
    """A rollback as who has read this topic drafts it; it is published at this moment."""
    taken, bundle_id, policy_id = back(published, (tenant,), at_ms + LEAD)
    return put(at_ms, tenant, bundle_id, policy_id, rolls_back=taken)


def rolled_back(published, at_ms, tenant="bank-a"):
    """The topic after a rollback at this moment."""
    return [*published, drafted(published, at_ms, tenant)]


def in_force(published, at_ms=LATE, tenant="bank-a"):
    return history_of(published).in_force(tenant, at_ms)


def test_a_rollback_names_what_it_takes_back_and_what_was_before_it():
    """Bundle and policy, whichever of them that activation changed; what was withdrawn never was."""
    better, bad = put(50_000, policy=C), put(60_000, "bank-a", bundle=D)
    assert back([FIRST, better]) == (id_of(better), None, B)
    assert back([FIRST, better, bad]) == (id_of(bad), A, None)
    withdrawn = [FIRST, better, bad, put(90_000, withdraws=id_of(bad))]
    assert back(withdrawn) == (id_of(better), None, B)


def test_two_rollbacks_go_back_two_steps_and_a_third_has_nowhere_to_go():
    """Each takes away the top of the stack; none brings back what another got rid of."""
    topic = [FIRST, put(50_000, policy=C), put(80_000, policy=D)]
    found = []
    for at_ms in (110_000, 140_000):
        topic = rolled_back(topic, at_ms)
        found.append(in_force(topic).policy_id)
    assert found == [C, B]
    with pytest.raises(Problem, match=r"policy good .* first that decides for bank-a: nothing was there before it"):
        back(topic)


def test_what_is_activated_after_a_rollback_lies_on_what_it_left():
    """A rollback from there leads to what was in force before it, never to what was rolled back earlier."""
    topic = rolled_back([FIRST, put(50_000, policy=C)], 80_000)
    topic.append(put(110_000, "bank-a", policy=D))
    assert back(topic) == (id_of(topic[-1]), None, B)
    topic.append(put(140_000, "bank-a", policy=C))
    assert back(topic) == (id_of(topic[-1]), None, D)


def test_what_somebody_activates_by_name_is_a_step_like_any_other():
    """Good, worse, good again: the last activation is taken back, and worse decides. The plan says so before."""
    topic = [FIRST, put(50_000, policy=D), put(80_000, policy=B)]
    assert back(topic) == (id_of(topic[-1]), None, D)


def test_a_rollback_within_the_lead_goes_back_from_what_comes():
    """Who sees the mistake at once need not wait; nor does the next rollback."""
    mistake = put(50_000, policy=D)
    topic = rolled_back([FIRST, put(20_000, policy=C), mistake], 53_000)
    assert topic[-1].activation.rolls_back == id_of(mistake)
    assert in_force(rolled_back(topic, 55_000)).policy_id == B


def test_of_two_activations_at_one_moment_the_replaced_one_is_no_step():
    """It never decided, so nobody goes back to it."""
    topic = [FIRST, put(50_000, policy=C, lead_ms=LEAD + 5), put(50_005, policy=D)]
    assert back(topic) == (id_of(topic[-1]), None, B)


def test_a_rollback_that_was_withdrawn_counts_as_never_published():
    """The activation that it took back decides again, and can be taken back again."""
    bad = put(50_000, policy=D)
    topic = rolled_back([FIRST, bad], 80_000)
    topic.append(put(110_000, withdraws=id_of(topic[-1])))
    assert back(topic) == (id_of(bad), None, B)


def test_one_activation_is_taken_back_for_all_banks_whatever_else_each_has():
    """A bundle for all, under a policy of a bank's own: the bundle goes back for all, the policies stay."""
    own, bundle = put(50_000, "bank-b", policy=C), put(80_000, bundle=D)
    assert back([FIRST, own, bundle], TENANTS) == (id_of(bundle), A, None)


@pytest.mark.parametrize(
    ("published", "tenants", "effect_ms", "says"),
    [
        ([FIRST], ("bank-a",), LATE, "first that decides for bank-a: nothing was there before it"),
        ([put(1, bundle=A)], ("bank-a",), LATE, "no activation is in force for bank-a"),
        (
            [FIRST, put(2, policy=C, lead_ms=90_000)],
            ("bank-a",),
            20_000,
            "policy better .* 1970-01-01T00:01:30.002Z on, and",
        ),
        (
            [FIRST, put(2, policy=C), put(3, policy=C, lead_ms=90_000)],
            ("bank-a",),
            20_000,
            "policy better .* 1970-01-01T00:01:30.003Z on, and",
        ),
        ([FIRST, put(2, policy=C), put(3, "bank-b", policy=D)], TENANTS, LATE, "not the same for all .*--tenant"),
        ([FIRST, put(2, "bank-a", policy=C), put(3, policy=C)], TENANTS, LATE, "not the same for all .*--tenant"),
    ],
    ids=["first", "nothing", "overtaken", "overtaken by the same", "differ", "from two activations"],
)
def test_a_rollback_that_is_not_one_thing_is_refused(published, tenants, effect_ms, says):
    """Where there is nothing before, where it would be overtaken, where banks go back from different activations."""
    with pytest.raises(Problem, match=says):
        back(published, tenants, effect_ms)


@patient
@given(topics, st.sampled_from(TENANTS), st.lists(st.integers(0, 7), max_size=2), st.booleans())
def test_the_top_of_the_stack_is_what_workers_decide_by(topic, tenant, withdrawn, again):
    """Whatever was activated, rolled back and withdrawn, in whatever order it takes effect."""
    if again and topic:
        try:
            topic = rolled_back(topic, 200_000, tenant)
        except Problem:
            assume(False)
    topic = [*topic, *(put(300_000, withdraws=id_of(topic[at])) for at in withdrawn if at < len(topic))]
    stack = history_of(topic).stands(tenant)
    steps = history_of(topic).steps(tenant)
    assert [one.in_force for one in stack[-1:]] == [step.in_force for step in steps[-1:]]
    assert all(one.in_force != other.in_force for one, other in itertools.pairwise(stack))
    assert [one.since_ms for one in stack] == sorted(one.since_ms for one in stack)


@patient
@given(topics, st.sampled_from(TENANTS))
def test_rollbacks_go_back_through_every_step_in_turn(topic, tenant):
    """From one rollback's lead on workers decide as before the activation that it took back, down to the first."""
    expected = [step.in_force for step in history_of(topic).steps(tenant)]
    at_ms = 200_000
    while len(expected) > 1:
        now = in_force(topic, at_ms, tenant)
        assert now == expected.pop()
        topic = rolled_back(topic, at_ms, tenant)
        assert in_force(topic, at_ms + LEAD - 1, tenant) == now
        assert in_force(topic, at_ms + LEAD, tenant) == expected[-1]
        at_ms += LEAD + 1
    with pytest.raises(Problem, match="nothing"):
        back(topic, (tenant,), at_ms + LEAD)


@patient
@given(st.lists(st.sampled_from((B, C, D, None)), max_size=12))
def test_activations_and_rollbacks_in_any_order_are_a_stack(moves):
    """An activation pushes, a rollback (None) pops: no pattern of them is refused or ambiguous."""
    topic, model, at_ms = [FIRST], [B], 50_000
    for policy in moves:
        if policy is not None and policy != model[-1]:
            topic.append(put(at_ms, "bank-a", policy=policy))
            model.append(policy)
        elif policy is None and len(model) > 1:
            topic = rolled_back(topic, at_ms)
            model.pop()
        assert in_force(topic, at_ms + LEAD) == InForce(A, model[-1])
        at_ms += LEAD + 1


def test_a_rollback_that_comes_too_late_brings_back_nothing_that_another_got_rid_of():
    """Two see the same mistake. One takes it back, and the step below; the other's rollback is void."""
    topic = [FIRST, put(50_000, policy=C), put(60_000, policy=D)]
    late = drafted(topic, 90_000)
    topic = rolled_back(rolled_back(topic, 80_000), 85_000)
    before = in_force(topic)
    topic.append(late)
    assert in_force(topic) == before == InForce(A, B)
    assert void_for(topic, id_of(late), ["bank-a", "bank-b"]) == ["bank-a"]
    with pytest.raises(Problem, match="nothing was there before it"):
        back(topic)


def test_what_is_activated_upon_a_mistake_makes_its_rollback_void():
    """A bundle never decides with a policy that nobody chose for it: the mistake stays below, and goes in its turn."""
    topic = [FIRST, put(50_000, policy=D)]
    late = drafted(topic, 80_200)
    topic += [put(80_100, bundle=C), late]
    assert in_force(topic) == InForce(C, D)
    assert void_for(topic, id_of(late), ["bank-a"]) == ["bank-a"]
    topic = rolled_back(topic, 110_000)
    assert in_force(topic) == InForce(A, D)
    assert in_force(rolled_back(topic, 140_000)) == InForce(A, B)


def test_a_rollback_for_all_is_void_for_the_banks_where_something_else_is_on_top():
    """It counts for the others."""
    mistake = put(50_000, policy=D)
    late = put(80_200, policy=B, rolls_back=id_of(mistake))
    topic = [FIRST, mistake, put(80_100, "bank-b", bundle=C), late]
    assert void_for(topic, id_of(late), [*TENANTS, None]) == ["bank-b"]
    assert in_force(topic) == InForce(A, B)
    assert in_force(topic, tenant="bank-b") == InForce(C, D)


def test_a_withdrawal_never_makes_an_earlier_rollback_void_nor_lets_it_count():
    """Who withdraws the first of two rollbacks, or what it brought back, keeps what the second one brought back."""
    topic = rolled_back(rolled_back([FIRST, put(50_000, policy=C), put(60_000, policy=D)], 90_000), 120_000)
    for gone in (topic[1], topic[3]):
        assert in_force([*topic, put(150_000, withdraws=id_of(gone))]) == InForce(A, B)
    mistake = put(50_000, policy=D)
    late = drafted([FIRST, mistake], 80_200)
    upon = put(80_100, bundle=C)
    assert in_force([FIRST, mistake, upon, late, put(150_000, withdraws=id_of(upon))]) == InForce(A, D)


def test_after_a_withdrawal_a_rollback_takes_back_what_is_left_on_top():
    """What was withdrawn before it is not on top."""
    bad = put(60_000, policy=D)
    topic = [FIRST, put(50_000, policy=C), bad, put(80_000, withdraws=id_of(bad))]
    topic = rolled_back(topic, 110_000)
    assert void_for(topic, id_of(topic[-1]), ["bank-a"]) == []
    assert in_force(topic) == InForce(A, B)
    assert history_of(topic).before_withdrawals("bank-a", LATE) == InForce(A, B)


def test_an_activation_that_names_what_decides_already_is_no_step():
    """The first one is taken back."""
    better = put(50_000, policy=C)
    topic = [FIRST, better, put(80_000, policy=C)]
    assert back(topic) == (id_of(better), None, B)
    assert history_of(topic).stands("bank-a")[-1].by == id_of(better)


def test_what_comes_later_by_its_lead_is_not_on_top_yet():
    """A rollback sent past the command counts at its own moment, and is overtaken."""
    mistake, coming = put(50_000, policy=D), put(55_000, bundle=C, lead_ms=600_000)
    topic = [FIRST, mistake, coming, put(80_000, policy=B, rolls_back=id_of(mistake))]
    assert in_force(topic, 100_000) == InForce(A, B)
    assert in_force(topic) == InForce(C, B)
    topic[-1] = put(80_000, bundle=A, rolls_back=id_of(coming))
    assert void_for(topic, id_of(topic[-1]), ["bank-a"]) == ["bank-a"]
    assert in_force(topic) == InForce(C, D)


_moves = st.lists(
    st.one_of(
        st.tuples(st.just("policy"), st.sampled_from((B, C, D))),
        st.tuples(st.just("bundle"), st.sampled_from((A, D))),
        st.tuples(st.just("rollback"), st.integers(0, 3)),
        st.tuples(st.just("withdraw"), st.integers(0, 9)),
    ),
    max_size=10,
)
"""Activations, rollbacks as who has not read the last so many records drafts them, withdrawals of the record so-and-so."""


def played(moves, gap_ms=4_000):
    topic = [FIRST]
    for number, (kind, what) in enumerate(moves, 1):
        at_ms = 50_000 + number * gap_ms
        if kind == "rollback":
            try:
                topic.append(drafted(topic[: len(topic) - what], at_ms))
            except Problem:
                continue
        elif kind == "withdraw":
            if what < len(topic) and topic[what].activation.withdraws is None:
                topic.append(put(at_ms, withdraws=id_of(topic[what])))
        else:
            topic.append(put(at_ms, **{kind: what}))
    return topic


@patient
@given(_moves.filter(lambda moves: all(kind != "withdraw" for kind, _ in moves)))
def test_whoever_is_late_changes_nothing(moves):
    """However stale what somebody read before a rollback: it takes the top away, as it meant to, or is void."""
    model = [(id_of(FIRST), InForce(A, B))]
    topic = played(moves)
    for number, one in enumerate(topic[1:], 2):
        made, now = one.activation, model[-1][1]
        then = InForce(made.bundle_id or now.bundle_id, made.policy_id or now.policy_id)
        if made.rolls_back == model[-1][0]:
            model.pop()
            assert then == model[-1][1]
        elif made.rolls_back is None and then != now:
            model.append((id_of(one), then))
        assert in_force(topic[:number]) == model[-1][1]
        assert [standing.activation_id for standing in history_of(topic[:number]).stands("bank-a")] == [
            activation_id for activation_id, _ in model
        ]


@patient
@given(_moves)
def test_what_is_void_stays_void_and_nothing_else_becomes_it(moves):
    """Activations, rollbacks and withdrawals that come later on the topic change no verdict."""
    topic = played(moves)
    verdicts = [history_of(topic[:number]).void("bank-a") for number in range(len(topic) + 1)]
    for number, verdict in enumerate(verdicts):
        assert verdict == verdicts[-1] & {id_of(one) for one in topic[:number]}


@patient
@given(_moves, st.integers(50_000, 110_000))
def test_a_worker_that_has_read_as_far_as_it_must_knows_what_is_void(moves, accepted_ms):
    """What decides at a moment is known a lead before it, whoever comes late with a rollback after that."""
    topic = played([move for move in moves if move[0] != "withdraw"])
    seen = [one for one in topic if one.at_ms <= accepted_ms - LEAD]
    assert in_force(seen, accepted_ms) == in_force(topic, accepted_ms)


@patient
@given(_moves)
def test_a_worker_that_asks_between_any_two_records_decides_as_one_that_reads_them_at_once(moves):
    """The verdicts that it keeps are those of the topic."""
    topic, asked = played(moves), history_of([])
    for number, one in enumerate(topic, 1):
        asked.add(one.activation, one.at_ms)
        whole = history_of(topic[:number])
        assert asked.stands("bank-a") == whole.stands("bank-a")
        assert asked.steps("bank-a") == whole.steps("bank-a")
        assert asked.void("bank-a") == whole.void("bank-a")
