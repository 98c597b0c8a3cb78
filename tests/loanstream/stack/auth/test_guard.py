"""Wrong secrets cost little and shut nobody out who was let in."""

import pytest

from loanstream.stack.auth import guard as guard_module
from loanstream.stack.auth import hashes
from loanstream.stack.auth.clients import Client
from loanstream.stack.auth.guard import LIMITS, Guard
from loanstream.stack.auth.hashes import hash_of


class Clock:
    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def guard(clock):
    return Guard(clock)


@pytest.fixture
def counted(monkeypatch):
    """How many secrets were hashed."""
    calls = []
    real = hashes._scrypt
    monkeypatch.setattr(hashes, "_scrypt", lambda *given: calls.append(1) or real(*given))
    return calls


def client(name="bank-a-producer", secret="right"):
    return Client(name, "bank-a", "producer", (), (hash_of(secret),))


BANK = client()


def test_a_right_secret_is_let_in_and_a_wrong_one_not(guard):
    """So it is for a client that there is, and for one that there is not."""
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right
    assert not guard.look_at("bank-a-producer", BANK, "wrong", "1.1.1.1").right
    assert not guard.look_at("nobody", None, "right", "1.1.1.1").right


def test_who_tries_the_same_wrong_secret_again_and_again_costs_nothing(guard, counted):
    """A bank's system with an old secret in its settings asks in a loop: one hash, and never a shut door for others."""
    for _ in range(1000):
        verdict = guard.look_at("bank-a-producer", BANK, "old", "1.1.1.1")
        assert not verdict.right
        assert verdict.wait_s == 0
    assert len(counted) == 1
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right


def test_guesses_are_counted_and_then_not_looked_at(guard, clock, counted):
    """After a handful of guesses at one client nobody hashes any more for a while; then one more."""
    verdicts = [guard.look_at("bank-a-producer", BANK, f"guess {n}", "1.1.1.1") for n in range(100)]
    assert len(counted) == LIMITS["client and address"].burst == 5
    assert verdicts[4].wait_s == 0
    assert verdicts[5].wait_s == pytest.approx(5.0)
    clock.at += 5
    guard.look_at("bank-a-producer", BANK, "another", "1.1.1.1")
    guard.look_at("bank-a-producer", BANK, "yet another", "1.1.1.1")
    assert len(counted) == 6


def test_who_was_let_in_before_is_let_in_while_others_guess(guard):
    """Guesses at a bank's name do not shut the bank out, nor the bank elsewhere that was not let in yet."""
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right
    for n in range(100):
        guard.look_at("bank-a-producer", BANK, f"guess {n}", "1.1.1.1")
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right
    other = client(secret="right too")
    assert guard.look_at("bank-a-producer", other, "right too", "2.2.2.2").right


def test_one_address_that_guesses_at_many_clients_is_bounded(guard, counted):
    """Names cost nothing, so an address is counted as well."""
    for n in range(500):
        guard.look_at(f"nobody-{n}", None, "guess", "1.1.1.1")
    assert len(counted) == LIMITS["address"].burst == 50
    assert guard.look_at("bank-a-producer", BANK, "right", "2.2.2.2").right


def test_many_addresses_are_bounded_as_well(guard, clock, counted):
    """What all wrong secrets together may cost has an end: a tenth of one processor, whoever sends them."""
    for n in range(2000):
        guard.look_at(f"nobody-{n}", None, "guess", f"10.0.{n // 256}.{n % 256}")
    assert len(counted) == LIMITS["everybody"].burst == 200
    clock.at += 10
    for n in range(2000):
        guard.look_at(f"someone-{n}", None, "guess", f"10.1.{n // 256}.{n % 256}")
    assert len(counted) == 400


def test_what_is_kept_of_guesses_has_an_end(clock, monkeypatch):
    """A year of guesses takes no more memory than an hour, and pushes out no client that was let in."""
    monkeypatch.setattr(guard_module, "REMEMBERED", 20)
    guard = Guard(clock)
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right
    for n in range(100):
        clock.at += 60
        guard.look_at(f"nobody-{n}", None, "guess", f"10.0.0.{n}")
    stores = [*guard._answers.values(), *guard._left.values()]
    assert max(len(store._held) for store in stores) == 20
    assert len(guard._answers[True]._held) == 1


def test_a_secret_that_was_replaced_is_not_remembered(guard, clock):
    """The answer of a moment ago is none about another record: neither the old secret nor the new one is taken on trust."""
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right
    assert not guard.look_at("bank-a-producer", BANK, "new", "1.1.1.1").right
    changed = BANK.with_secret("new", old_until=1010.0)
    assert guard.look_at("bank-a-producer", changed, "new", "1.1.1.1").right
    assert guard.look_at("bank-a-producer", changed, "right", "1.1.1.1").right
    clock.at = 1010.0
    assert not guard.look_at("bank-a-producer", changed, "right", "1.1.1.1").right
    assert not guard.look_at("bank-a-producer", None, "new", "1.1.1.1").right


def test_a_client_that_is_added_is_let_in_after_it_was_refused(guard):
    """Who asked a moment too early is no stranger for ever."""
    assert not guard.look_at("bank-a-producer", None, "right", "1.1.1.1").right
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right
