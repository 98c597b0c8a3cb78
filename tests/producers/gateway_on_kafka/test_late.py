"""What a gateway remembers of late."""

import orjson

from producers.gateway.late import OVERHEAD, RECORDS_MOST, Late
from schemas.records import Place

NAME = ("bank-a", "A-1")


def event(number=1, revision=1, outcome="approve", **more):
    found = {
        "decision_id": f"00000000-0000-0000-0000-{number:012}",
        "application_id": "A-1",
        "revision": revision,
        "outcome": outcome,
        "score_final": 0.7,
    }
    return found | more


def late_of(*events, late=None):
    late = late or Late()
    for one in events:
        late.decide(NAME, one["decision_id"], orjson.dumps(one))
    return late


def told(decided):
    return decided and (decided.event["decision_id"][-1], decided.conflicting)


def test_the_highest_revision_is_told_and_each_can_be_asked_for():
    """Without a revision the highest one's decision is told, in whichever order they were made."""
    late = late_of(event(2, revision=2), event(1, revision=1))
    assert told(late.found(NAME)) == ("2", False)
    assert told(late.found(NAME, 1)) == ("1", False)
    assert late.found(NAME, 3) is None
    assert late.found(("bank-b", "A-1")) is None


def test_the_first_decision_counts_and_a_conflict_is_told():
    """A second decision that says otherwise changes nothing but that it is told; a repeat of the first is nothing."""
    assert told(late_of(event(1), event(1, processing={})).found(NAME)) == ("1", False)
    late = late_of(event(1), event(2, outcome="decline"))
    assert told(late.found(NAME)) == ("1", True)
    assert told(late.by_id("bank-a", event(2)["decision_id"])) == ("2", True)
    assert late.by_id("bank-b", event(1)["decision_id"]) is None


def test_memory_is_bounded_in_bytes():
    """Whatever comes, so many bytes are kept; what was not heard of for longest goes, with its ids."""
    late = Late(20 * OVERHEAD)
    for number in range(200):
        late.accept(("bank-a", f"A-{number}"), 1, Place("t", 0, number))
        late.decide(("bank-a", f"A-{number}"), f"id-{number}", orjson.dumps(event(number)))
    assert late.size <= 20 * OVERHEAD
    assert 5 < len(late) < 20
    assert late.found(("bank-a", "A-0")) is None
    assert late.by_id("bank-a", "id-0") is None
    assert len(late._of_id) == len(late._ids) == len(late)


def test_what_is_forgotten_is_counted_as_it_was():
    """The count of bytes comes back to nothing but the last application's."""
    late = Late(1)
    for number in range(50):
        name = ("bank-a", f"A-{number}")
        late.accept(name, 1, Place("t", 0, number))
        late.accept(name, 1, Place("t", 0, number))
        late.reject(name, b"x" * number)
        late.reject(name, b"y")
        late.decide(name, f"id-{number}", b"z" * number)
    assert len(late) == 1
    assert late.size == OVERHEAD + OVERHEAD // 4 + 1 + 49 + OVERHEAD // 2


def test_one_application_cannot_fill_the_memory():
    """A storm of decisions on one application keeps the first of them."""
    late = late_of(*(event(number % 10) for number in range(1, 500)))
    assert len(late._applications[NAME].decisions) == RECORDS_MOST
    assert told(late.found(NAME)) == ("1", True)
