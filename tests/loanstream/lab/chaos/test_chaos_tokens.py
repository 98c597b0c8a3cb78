"""The soak of tokens counts what became of every application, and is green for nothing but a run that showed something."""

from collections import Counter
from types import SimpleNamespace

import pytest

from loanstream.lab.chaos import tokens
from loanstream.lab.chaos.tokens import FIRST, THEN, counted, exit_code, refused, requests_of_tokens

WELL = {
    "sent": 100,
    "lost": 0,
    "doubled": 0,
    "handed_twice": 0,
    "client_errors": [],
    "refusals": {},
    "too_few_tokens": [],
    "differences": 0,
    "longest_wait_s": 12.0,
    "old_secret": {"outcome": "refused", "asked": 1},
}


def test_a_run_without_a_fault_is_green() -> None:
    """Nothing lost, doubled or told to the caller, and the one with the old secret refused, once."""
    assert exit_code(WELL) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"sent": 0},
        {"lost": 1},
        {"doubled": 1},
        {"handed_twice": 1},
        {"client_errors": ["KafkaSender-bank-a: CredentialsRefusedError: …"]},
        {"refusals": {"wrong_secret": 1}},
        {"too_few_tokens": ["bank-a-producer"]},
        {"differences": 1},
        {"longest_wait_s": 20.1},
        {"old_secret": {"outcome": "accepted", "asked": 0}},
        {"old_secret": {"outcome": "refused", "asked": 2}},
    ],
)
def test_anything_that_must_not_be_is_red(changed) -> None:
    """One of them is enough; so is a client that asked again after a refusal."""
    assert exit_code(WELL | changed) == 1


def test_what_was_submitted_is_counted_in_the_readers_hands_and_on_the_topics() -> None:
    """Lost is what no reader was handed; doubled what stands on a topic twice, handed twice what the library repeated."""
    senders = [SimpleNamespace(submitted={"a": 1.0, "b": 2.0}), SimpleNamespace(submitted={"c": 3.0})]
    readers = [SimpleNamespace(handed={"a": [1.5], "b": [4.0, 5.0]}), SimpleNamespace(handed={})]
    found = counted(senders, readers, {"a": 3, "b": 1})
    assert found == {"sent": 3, "lost": 1, "doubled": 2, "handed_twice": 1, "longest_wait_s": 2.0}


def test_refusals_that_the_logs_only_count_are_counted() -> None:
    """A line of the log may stand for many requests."""
    asked = requests_of_tokens(
        [
            {"client_id": "a", "reason": "issued"},
            {"client_id": "a", "reason": "wrong_secret", "unsaid": 9},
            {"client_id": None, "reason": "unknown_client"},
            {"message": "no request at all"},
        ]
    )
    assert asked["a"] == Counter(issued=1, wrong_secret=10)
    gateway = [{"status": 401, "reason": "token-key", "unsaid": 1}, {"status": 202, "reason": "answered"}, {}]
    assert refused(asked, gateway) == {"wrong_secret": 10, "unknown_client": 1, "token-key": 2}


def test_every_deed_is_done_in_turn_and_the_first_once(monkeypatch) -> None:
    """A key that signs at once comes first and never again; the others until the time is over."""
    clock = [0.0]
    monkeypatch.setattr(tokens.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(tokens.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    done: list[str] = []
    for table in (FIRST, THEN):
        monkeypatch.setattr(
            tokens, "FIRST" if table is FIRST else "THEN", {name: lambda _, n=name: done.append(n) for name in table}
        )
    found = tokens._through(SimpleNamespace(), until=tokens.EVERY_S * 7 + 1)
    assert done == [*FIRST, *THEN, *list(THEN)[:2]]
    assert sum(found.values()) == 7
    assert clock[0] == tokens.EVERY_S * 7 + 1
