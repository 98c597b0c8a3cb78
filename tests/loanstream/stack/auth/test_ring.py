"""The schedule of the signing keys: what signs when, and how long it is published."""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from loanstream.stack.auth import ring as rings
from loanstream.stack.auth.ring import Ring, SigningKey, State, Times, first_ring, rotated

TIMES = Times(life_s=300, refresh_s=30, leeway_s=10)
DAY = 1_800_000_000.0


def states(ring, now, leeway_s=10):
    return [standing.state for standing in ring.standings(now, leeway_s)]


def kids(ring):
    return [key["kid"] for key in ring.published["keys"]]


def settled(ring, now, times):
    """The ring, where all of it can be had."""
    return rings.settled(ring, now, times, kids(ring))


def test_a_rotation_goes_through_its_states_by_the_clock():
    """Next, current, retiring, gone: each follows from the time, with nobody there at the moment."""
    ring = settled(first_ring(DAY), DAY, TIMES)
    ring = rotated(ring, DAY)
    assert states(ring, DAY) == [State.CURRENT, State.NEXT]
    # Published at DAY + 5: what was not published gets no turn, however long that takes.
    ring = settled(ring, DAY + 5, TIMES)
    old, new = ring.keys
    assert states(ring, DAY + 34.9) == [State.CURRENT, State.NEXT]
    assert ring.signing(DAY + 34.9) is old
    assert states(ring, DAY + 35) == [State.RETIRING, State.CURRENT]
    assert ring.signing(DAY + 35) is new
    assert states(ring, DAY + 35 + 309.9) == [State.RETIRING, State.CURRENT]
    assert states(ring, DAY + 35 + 310) == [State.GONE, State.CURRENT]
    assert settled(ring, DAY + 344, TIMES).keys == ring.keys
    assert settled(ring, DAY + 345, TIMES).keys == (new,)


def test_a_second_rotation_waits_for_the_first():
    """Whoever asks twice gets one new key."""
    ring = rotated(first_ring(DAY), DAY)
    assert rotated(ring, DAY + 1) == ring


def test_a_rotation_under_way_can_be_hurried():
    """The key that waits signs at once, and the old one stays published for its tokens."""
    ring = settled(rotated(settled(first_ring(DAY), DAY, TIMES), DAY), DAY, TIMES)
    hurried = rotated(ring, DAY + 1, at_once=True)
    assert kids(hurried) == kids(ring)
    assert states(hurried, DAY + 1) == [State.RETIRING, State.CURRENT]


def test_a_compromised_key_takes_all_that_lay_beside_it_along():
    """A key that waited in the same file may be known as well: the one that is left was made now."""
    ring = settled(rotated(first_ring(DAY), DAY), DAY, TIMES)
    left = rotated(ring, DAY + 1, at_once=True, drop_old=True)
    assert len(left.keys) == 1
    assert set(kids(left)).isdisjoint(kids(ring))
    assert left.signing(DAY + 1) is left.keys[0]


def test_a_shorter_life_does_not_let_a_key_go_too_early():
    """A server that is started again with a shorter life keeps the old key for the longer tokens that it signed."""
    ring = settled(first_ring(DAY), DAY, TIMES)
    short = replace(TIMES, life_s=5)
    ring = settled(rotated(settled(ring, DAY + 1, short), DAY + 1, at_once=True), DAY + 1, short)
    assert states(ring, DAY + 309) == [State.RETIRING, State.CURRENT]
    assert states(ring, DAY + 312) == [State.GONE, State.CURRENT]


def test_a_clock_that_went_back_finds_a_key():
    """Before the time of every key the first signs."""
    ring = first_ring(DAY)
    assert ring.signing(DAY - 3600) is ring.keys[0]
    assert states(ring, DAY - 3600) == [State.CURRENT]


def test_what_is_published_is_public_and_says_what_it_is_for():
    """A JWK Set for a broker: no private part, and use, algorithm and key id of each key."""
    ring = first_ring(DAY)
    (shown,) = ring.published["keys"]
    assert set(shown) == {"kid", "use", "alg", "kty", "crv", "x", "y"}
    assert (shown["use"], shown["alg"]) == ("sig", "ES256")
    assert shown["kid"] == ECKey.import_key({name: shown[name] for name in ("kty", "crv", "x", "y")}).thumbprint()


def test_no_representation_of_a_ring_shows_a_private_key():
    """What ends in a log or a trace by mistake tells nothing."""
    ring = first_ring(DAY)
    assert ring.keys[0].jwk["d"] not in repr(ring)


@dataclass
class Issued:
    """A token: the key that signed it, and when nobody takes it any more."""

    kid: str
    until: float


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0.01, 400)),
        st.tuples(st.just("rotate"), st.booleans()),
        st.tuples(st.just("restart"), st.sampled_from([1, 5, 300, 900])),
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_every_token_verifies_for_as_long_as_it_lives(steps):
    """Whatever is rotated and restarted when: the key of a token is published until it has expired, leeway included,
    and one whose turn was not hurried was published a whole refresh interval before it first signed.
    """
    now, times = DAY, TIMES
    ring = settled(first_ring(now), now, times)
    seen_from = {ring.keys[0].kid: now - times.refresh_s}
    issued = []
    for step, value in [*steps, ("wait", 1.0)]:
        if step == "wait":
            now += value
        elif step == "rotate":
            ring = rotated(ring, now, at_once=value)
            if value:
                seen_from[ring.keys[-1].kid] = now - times.refresh_s
        else:
            times = replace(times, life_s=value)
        ring = settled(ring, now, times)
        for kid in kids(ring):
            seen_from.setdefault(kid, now)
        signing = ring.signing(now)
        assert now - seen_from[signing.kid] >= times.refresh_s
        issued = [token for token in issued if token.until > now]
        issued.append(Issued(signing.kid, now + times.life_s + times.leeway_s))
        assert {token.kid for token in issued} <= set(kids(ring))


def test_a_key_that_could_not_be_had_yet_gets_no_turn():
    """Its time begins when verifiers can fetch it, and not when it was made."""
    ring = rotated(first_ring(DAY), DAY)
    old, new = kids(ring)
    assert rings.settled(ring, DAY + 1, TIMES, [old]).keys[1].signs_from is None
    assert rings.settled(ring, DAY + 1, TIMES, [old, new]).keys[1].signs_from == DAY + 31


def test_a_key_without_a_time_never_signs():
    """What was never published may be known to nobody."""
    unknown = SigningKey("x", {}, DAY)
    ring = Ring((*first_ring(DAY).keys, unknown))
    assert ring.signing(DAY + 1_000_000).kid != "x"
