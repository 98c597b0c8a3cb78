"""The books over records that nobody could read: each ends with the one dead letter about its place."""

import pytest

from loanstream.ask.balance import Balance
from processors.deadletters import dead_letter
from processors.identity import Worker
from schemas.records import MemoryMessage, Unreadable

WORKER = Worker("verify", "verify-0", "1", lambda: 1_770_715_800_000)
FAMILIES = {
    "applications": "loan.applications.v1.bank-a",
    "applications_slow": "loan.applications.slow.v1.bank-a",
    "verifications": "loan.verifications.v1.bank-a",
}


def unreadable(topic, offset):
    return Unreadable(topic, 0, offset, cause="too_large", expected="less")


def about(message, at, stage="verify"):
    worker = Worker(stage, f"{stage}-0", "1", WORKER.now_ms)
    letter = dead_letter(message, "too_large", [], worker)
    return MemoryMessage(letter.topic, 0, at, letter.key, letter.value, None, (2, 1))


@pytest.mark.parametrize("family", FAMILIES)
def test_each_place_ends_with_its_letter(family):
    """Nothing is known of them but where they stood; record's letter of the same place ends nothing."""
    books, topic = Balance("bank-a"), FAMILIES[family]
    for offset in range(3):
        books.put(family, unreadable(topic, offset))
    for offset in range(2):
        books.put(f"{family}_dlq", about(unreadable(topic, offset), offset))
    books.put(f"{family}_dlq", about(unreadable(topic, 2), 2, stage="record"))
    assert books.undecided == 1
    assert [(found.kind, found.offset) for found in books.differences(whole=True)] == [("undecided", 2)]


def test_a_second_letter_about_a_place_is_one_too_many():
    """Exactly one, also for what nobody could read."""
    books, place = Balance("bank-a"), unreadable(FAMILIES["applications"], 7)
    books.put("applications", place)
    for at in range(2):
        books.put("applications_dlq", about(place, at))
    assert [(found.kind, found.offset) for found in books.differences(whole=True)] == [("made_twice", 1)]


@pytest.mark.parametrize("value", [b"{nonsense", b"[]", b"", None])
def test_what_is_no_letter_among_letters_ends_nothing(value):
    """A stranger's record there, or one that nobody could read, is no reason for reconcile to fail."""
    books = Balance("bank-a")
    books.put("applications_dlq", MemoryMessage(f"{FAMILIES['applications']}.dlq", 0, 0, b"k", value, None, (2, 1)))
    books.put("applications_dlq", unreadable(f"{FAMILIES['applications']}.dlq", 1))
    assert books.differences(whole=True) == []


def test_an_application_with_a_huge_key_ends_with_its_letter():
    """The letter has no room to tell such a key; it is its own."""
    books, key = Balance("bank-a"), b"k" * 1_000_000
    huge = MemoryMessage(FAMILIES["applications"], 0, 3, key, b"{}", None, (2, 1_770_715_800_000))
    books.put("applications", huge)
    books.put("applications_dlq", about(huge, 0))
    assert books.differences(whole=True) == []
