"""The first offsets of a bank's partitions, where a call of the Kafka client never returns."""

import threading

import pytest

from loanstream.install import topics
from schemas.problem import Problem


@pytest.fixture
def tries(monkeypatch):
    """Makes the first so many tries hang; the threads that began, in order."""
    monkeypatch.setattr(topics, "STUCK_AFTER_S", 0.1)
    begun, free = [], threading.Event()

    def hang(first: int) -> list[str]:
        def commit(client, tenants):
            begun.append(tenants[0])
            if len(begun) <= first:
                free.wait(30)

        monkeypatch.setattr(topics, "_commit_first_offsets", commit)
        return begun

    yield hang
    free.set()


def test_a_call_that_never_returns_is_left_alone_and_made_again(tries):
    """A start does not stand still for ever because of one lost answer of a coordinator."""
    begun = tries(2)
    topics.commit_first_offsets({}, ("bank-a",))
    assert begun == ["bank-a"] * 3


def test_one_that_never_returns_at_all_is_told(tries):
    """In one line, with what to look at."""
    begun = tries(99)
    with pytest.raises(Problem, match="transaction coordinator does not answer"):
        topics.commit_first_offsets({}, ("bank-a",))
    assert len(begun) == topics.TRIES


@pytest.mark.parametrize("error", [TimeoutError("the call's own"), Problem("no")])
def test_what_it_raises_comes_out_at_once(tries, monkeypatch, error):
    """An error is no call that hangs."""

    def commit(client, tenants):
        raise error

    monkeypatch.setattr(topics, "_commit_first_offsets", commit)
    with pytest.raises(type(error), match=str(error)):
        topics.commit_first_offsets({}, ("bank-a",))
