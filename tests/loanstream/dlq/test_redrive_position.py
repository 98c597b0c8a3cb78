"""What is remembered of dead letters that were sent back, against a plain set of those that were."""

from hypothesis import given
from hypothesis import strategies as st

from loanstream.dlq.redrive_position import METADATA_MAX, RedrivePosition

END = 40
offsets = st.integers(0, END - 1)
steps = st.one_of(
    st.tuples(st.just("one"), offsets),
    st.tuples(st.just("tried"), st.sets(offsets), st.integers(1, 7)),
    st.tuples(st.just("gone"), offsets),
)


@given(st.lists(steps, max_size=12))
def test_it_holds_what_was_sent_whatever_the_order(history):
    """Single ones, passes in batches of which some are refused, and retention; read again from its text each time."""
    noted, sent, gone = RedrivePosition(0), set(), 0
    for what, *about in history:
        match what:
            case "one":
                noted = noted.with_one(*about)
                sent.add(*about)
            case "tried":
                refusing, batch = about
                began, refused = noted, set()
                assert all(offset in sent or offset < gone for offset in range(began.first_waiting))
                for first in range(max(began.first_waiting, gone), END, batch):
                    end = min(first + batch, END)
                    waiting = {offset for offset in range(first, end) if not began.holds(offset)}
                    refused |= waiting & refusing
                    sent |= waiting - refusing
                    noted = began.tried(end, refused)
            case "gone":
                gone = max(gone, *about)
                noted = noted.without_below(gone)
        noted = RedrivePosition.read(noted.below, noted.metadata)
        assert {offset for offset in range(gone, END) if noted.holds(offset)} == {o for o in sent if o >= gone}


@given(st.sets(st.integers(0, 10**12), max_size=900), st.sets(st.integers(10**12, 10**13), max_size=300))
def test_what_is_remembered_always_fits_and_is_the_newest(refused, singly):
    """However many are refused, and however many are noted by name."""
    began = RedrivePosition(0, frozenset(sorted(singly)[: METADATA_MAX // 15]))
    noted = began.tried(10**12, refused)
    assert len(noted.metadata) <= METADATA_MAX
    assert noted.singly == began.singly
    assert RedrivePosition.read(noted.below, noted.metadata) == noted
    forgotten = refused - noted.refused
    assert not forgotten or not noted.refused or max(forgotten) < min(noted.refused)
