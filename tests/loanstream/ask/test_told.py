"""Reconcile's books of what banks were told, on topics in memory: every difference by name."""

import json

import pytest

from loanstream.ask.told import told
from processors.deadletters import dead_letter, refused
from processors.identity import Worker
from schemas.records import MemoryMessage
from schemas.topics import TOPICS
from stores.topics import Bounds, MemoryTopics

BANK, AT_MS = "bank-a", 1_780_000_000_000
REJECTIONS = TOPICS["rejections"].name(BANK)
APPLICATIONS, OUTCOMES = (TOPICS[key].name(BANK) for key in ("applications", "outcomes"))


class Flow:
    """What verify, or record, wrote of some bad records, into topics in memory."""

    def __init__(self):
        self.now_ms = AT_MS
        self.topics = MemoryTopics({(REJECTIONS, 0): []})

    def put(self, topic, key, value, headers=()):
        held = self.topics.records.setdefault((topic, 0), [])
        offset = held[-1].offset() + 1 if held else 0
        held.append(MemoryMessage(topic, 0, offset, key, value, list(headers), (1, self.now_ms)))

    def bad(self, offset, *, topic=APPLICATIONS, headers=None, kept=("letter", "told"), exists=True, cause="not_json"):
        """A bad record's letter and its rejection, as far as they are `kept`."""
        stage = "verify" if topic == APPLICATIONS else "record"
        worker = Worker(stage, f"{stage}-0", "1", lambda: self.now_ms)
        record = MemoryMessage(topic, 0, offset, b"a-1", b"{", headers, (2, AT_MS))
        for made in refused(record, cause, [], worker, lambda _: exists):
            if ("told" if made.topic == REJECTIONS else "letter") in kept:
                self.put(made.topic, made.key, made.value, made.headers)

    def alter(self, **changes):
        """The last rejection says something else than its letter."""
        held = self.topics.records[REJECTIONS, 0]
        last = held.pop()
        self.put(REJECTIONS, last.key(), json.dumps(json.loads(last.value()) | changes).encode(), last.headers())

    def found(self, patience_s=0.0):
        result = told(self.topics, BANK, patience_s)
        return sorted(
            (one.kind, one.topic, one.offset, one.application_id) for one in result.differences
        ), result.counts


@pytest.fixture
def flow():
    return Flow()


def test_each_letter_with_its_rejection_is_no_difference(flow):
    """Of applications and of outcomes; withdrawals and what nobody was to be told are counted apart."""
    flow.bad(0)
    flow.bad(1, topic=OUTCOMES)
    flow.bad(2, cause="internal_error")
    flow.put(REJECTIONS, b"a-1", b"{}", [("ce_type", b"loan.rejection.withdrawn")])
    assert flow.found() == ([], {"rejected": 2, "withdrawn": 1})


def test_a_bank_that_was_not_told_is_named(flow):
    """The letter says that it was told, and nothing stands there: the letter's place leads to it."""
    flow.bad(0, kept=("letter",))
    flow.bad(1, topic=OUTCOMES, kept=("letter",))
    assert flow.found()[0] == [
        ("lost", f"{APPLICATIONS}.dlq", 0, "a-1"),
        ("lost", f"{OUTCOMES}.dlq", 0, "a-1"),
    ]


def test_a_rejection_without_a_letter_is_one_too_many(flow):
    """Unless retention took the letters: then nobody can tell."""
    flow.bad(0, kept=("told",))
    assert flow.found()[0] == [("extra", REJECTIONS, 0, "a-1")]
    flow.bad(1)
    flow.topics.records[f"{APPLICATIONS}.dlq", 0] = [MemoryMessage(f"{APPLICATIONS}.dlq", 0, 9, None, b"{}")]
    assert [kind for kind, *_ in flow.found()[0]] == []


def test_a_rejection_that_says_something_else_is_named(flow):
    """A bank that is told the wrong cause mends the wrong thing."""
    flow.bad(0)
    flow.alter(cause="too_deep")
    assert flow.found()[0] == [("altered", REJECTIONS, 0, "a-1")]


def test_verify_tells_exactly_once_and_record_at_least(flow):
    """A second rejection of an application's record is an error of ours; after a crash record writes both again."""
    flow.bad(0)
    flow.bad(0, kept=("told",))
    assert flow.found()[0] == [("duplicated", REJECTIONS, 1, "a-1")]
    again = Flow()
    again.bad(0, topic=OUTCOMES, kept=("letter",))
    again.now_ms += 5_000
    again.bad(0, topic=OUTCOMES)
    assert again.found()[0] == []


def test_a_redriven_record_that_is_refused_again_has_its_own_rejection(flow):
    """Both are about the place where the bank's record stands; attempts tell them apart."""
    flow.bad(0)
    sent_back = [("loanstream-attempts", b"1"), ("loanstream-first-stood", f"{APPLICATIONS}/0/0".encode())]
    flow.bad(7, headers=sent_back, kept=("letter",))
    assert flow.found()[0] == [("lost", f"{APPLICATIONS}.dlq", 1, "a-1")]
    flow.bad(7, headers=sent_back, kept=("told",))
    assert flow.found()[0] == []


def test_letters_of_a_former_version_are_explained(flow):
    """Their banks were not told, and the letters say so: no difference, and a line of its own."""
    flow.bad(0, exists=False)
    worker = Worker("verify", "verify-0", "1", lambda: AT_MS)
    old = dead_letter(MemoryMessage(APPLICATIONS, 0, 1, b"a-1", b"{", None, (2, AT_MS)), "not_json", [], worker)
    flow.put(old.topic, old.key, old.value, old.headers)
    assert flow.found() == ([], {"not_told": 2})


class Growing(MemoryTopics):
    """Topics of which one is seen a look behind: its transaction's end comes later there."""

    behind = REJECTIONS

    def bounds(self, topics):
        found = super().bounds(topics)
        place = (self.behind, 0)
        if place in found and self.behind:
            self.behind = None
            found[place] = Bounds(0, 0)
        return found


@pytest.mark.parametrize("behind", [REJECTIONS, f"{APPLICATIONS}.dlq"])
def test_what_is_still_on_its_way_is_waited_for(flow, behind):
    """A transaction's end reaches one topic before another: neither half is missing for that."""
    flow.bad(0)
    flow.topics = Growing(flow.topics.records)
    flow.topics.behind = behind
    assert flow.found(patience_s=5.0)[0] == []


def test_what_came_after_the_start_is_no_concern(flow):
    """It is left for the next time, whatever is wrong with it."""
    flow.bad(0)
    flow.topics = Growing(flow.topics.records)
    flow.bad(1, kept=("letter",))
    flow.topics.behind = f"{APPLICATIONS}.dlq"
    assert flow.found(patience_s=1.0)[0] == []


def test_a_bank_without_the_topic_has_its_letters_alone():
    """Nothing was to be told."""
    flow = Flow()
    flow.topics.records.clear()
    flow.bad(0, exists=False)
    assert flow.found() == ([], {"not_told": 1})
