"""Who is right is let in whoever else guesses; who is wrong again and again is slowed."""

import pytest

from loanstream.stack.auth import guard as guard_module
from loanstream.stack.auth import hashes
from loanstream.stack.auth.clients import Client
from loanstream.stack.auth.guard import LIMITS, Guard
from loanstream.stack.auth.hashes import hash_of


@pytest.fixture
def guard(clock):
    clock.now = 1000.0
    return Guard(clock)


def client(name="bank-a-producer", secret="right"):
    return Client(name, "bank-a", "producer", None, (hash_of(secret),))


BANK = client()


def test_a_right_secret_is_let_in_and_a_wrong_one_not(guard):
    """So it is for a client that there is, and for one that there is not."""
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right
    assert not guard.look_at("bank-a-producer", BANK, "wrong", "1.1.1.1").right
    assert not guard.look_at("nobody", None, "right", "1.1.1.1").right


def test_nobody_pays_for_anothers_guesses(guard):
    """Everybody on one machine has one address. Where all limits are used up from there, at the bank's own name too, and
    nobody was let in yet as after a restart, each bank's right secret is let in at once."""
    for n in range(1000):
        guard.look_at("bank-a-producer", BANK, f"guess {n}", "127.0.0.1")
        guard.look_at(f"nobody-{n}", None, "guess", "127.0.0.1")
        guard.look_at(f"nobody-{n}", None, "guess", f"10.0.{n // 256}.{n % 256}")
    assert guard.look_at("bank-b-producer", BANK, "guess", "127.0.0.1").wait_s > 0
    assert guard.look_at("bank-a-producer", BANK, "right", "127.0.0.1").right
    other = client("bank-b-producer", "right too")
    assert guard.look_at("bank-b-producer", other, "right too", "127.0.0.1").right


def test_wrong_secrets_are_slowed(guard, clock):
    """After a handful at one client the next is told to wait, also the same one again; after the wait, one more."""
    verdicts = [guard.look_at("bank-a-producer", BANK, "old", "1.1.1.1") for _ in range(100)]
    assert [each.wait_s for each in verdicts[:5]] == [0] * int(LIMITS["client and address"].burst)
    assert verdicts[5].wait_s == verdicts[99].wait_s == pytest.approx(5.0)
    clock.now += 5
    assert guard.look_at("bank-a-producer", BANK, "old", "1.1.1.1").wait_s == 0
    assert guard.look_at("bank-a-producer", BANK, "old", "1.1.1.1").wait_s > 0


@pytest.mark.parametrize(
    ("row", "address"), [("address", lambda _: "1.1.1.1"), ("everybody", lambda n: f"10.0.{n // 256}.{n % 256}")]
)
def test_names_and_addresses_are_cheap_and_bounded_as_well(guard, row, address):
    """One address that guesses at many clients is slowed, and so are many addresses."""
    verdicts = [guard.look_at(f"nobody-{n}", None, "guess", address(n)) for n in range(1000)]
    assert sum(each.wait_s == 0 for each in verdicts) == LIMITS[row].burst


def test_what_is_kept_of_guesses_has_an_end(clock, monkeypatch):
    """A year of guesses takes no more memory than an hour."""
    monkeypatch.setattr(guard_module, "REMEMBERED", 20)
    guard = Guard(clock)
    for n in range(100):
        clock.now += 60
        guard.look_at(f"nobody-{n}", None, "guess", f"10.0.0.{n}")
    assert max(len(store._held) for store in guard._left.values()) == 20


def test_the_work_of_an_answer_does_not_tell_who_there_is(guard, monkeypatch):
    """A client that is none, one that there is, and one whose replaced secret is still good cost the same hashes."""
    calls = []
    real = hashes._digest
    monkeypatch.setattr(hashes, "_digest", lambda *given: calls.append(1) or real(*given))
    rotated = BANK.with_secret("new", old_until=1010.0)
    costs = []
    for found in (None, BANK, rotated):
        before = len(calls)
        guard.look_at("bank-a-producer", found, "guess", "1.1.1.1")
        costs.append(len(calls) - before)
    assert costs == [2, 2, 2]


def test_a_secret_that_was_replaced_is_over_when_its_grace_is(guard, clock):
    """The answer of a moment ago is none about another record: neither secret is taken on trust."""
    assert guard.look_at("bank-a-producer", BANK, "right", "1.1.1.1").right
    assert not guard.look_at("bank-a-producer", BANK, "new", "1.1.1.1").right
    changed = BANK.with_secret("new", old_until=1010.0)
    assert guard.look_at("bank-a-producer", changed, "new", "1.1.1.1").right
    assert guard.look_at("bank-a-producer", changed, "right", "1.1.1.1").right
    clock.now = 1010.0
    assert not guard.look_at("bank-a-producer", changed, "right", "1.1.1.1").right
    assert not guard.look_at("bank-a-producer", None, "new", "1.1.1.1").right
