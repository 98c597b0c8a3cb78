"""The review queue, against the real engine; which human decision counts, by every reader."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanstream.ask.decisions import latest_decisions
from loanstream.ask.story import story
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from producers.gateway.routes.reviews import ReviewPage, ReviewTold
from schemas.records import MemoryMessage
from stores.reviews import Cursor, CursorWrong, ReviewQueue, counting, human_decisions
from stores.warehouse.cipher import ColumnCipher

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
CIPHER = ColumnCipher(b"k" * 32)
START = 1_770_888_600_120


def example(name):
    return json.loads((EXAMPLES / f"{name}.json").read_text())


class Bank:
    """Puts decisions of one bank, and what persons decide, into the warehouse."""

    def __init__(self, server, refused, tenant="bank-a"):
        self.server, self.refused, self.tenant = server, refused, tenant
        self.offset = 0
        self.queue = ReviewQueue(server.client("reader"))

    def put(self, topic, event, offset=None):
        at = self.offset if offset is None else offset
        self.offset = max(self.offset, at + 1)
        key, value = event["application_id"].encode(), json.dumps(event).encode()
        name = f"loan.{topic}.v1.{self.tenant}"
        sink = WarehouseSink(self.server.client, CIPHER, self.refused)
        record = MemoryMessage(name, 0, at, key, value, None, (2, START))
        sink.write(OffsetRange(name, 0, at, at + 1), sink.prepare([record]))
        assert self.refused == []

    def decided(self, number, outcome="refer", revision=1, minute=0, **changes):
        """A decision; its id."""
        decision_id = f"{number:08x}-298d-5145-83ac-{revision:012d}"
        ids = {"tenant": self.tenant, "application_id": f"a-{number}", "revision": revision, "decision_id": decision_id}
        at = {"accepted_at": f"2026-02-10T09:{minute:02}:00.000Z"}
        event = example("loan.decision.made") | ids | at | {"outcome": outcome} | changes
        self.put("decisions", event)
        return decision_id

    def said(self, number, decision="approve", actor="asha", revision=1, offset=None, **changes):
        outcome = example("loan.outcome.recorded") | {"tenant": self.tenant, "application_id": f"a-{number}"}
        outcome |= {"revision": revision, "decision": decision, "actor": actor} | changes
        self.put("outcomes", outcome, offset)

    def ids(self, **asked):
        page = self.queue.waiting(self.tenant, asked.pop("limit", 50), **asked)
        return [row["review_id"] for row in page.reviews]


@pytest.fixture
def bank(empty, refused):
    return Bank(empty, refused)


def test_what_was_referred_waits_and_nothing_else_does(bank, empty, refused):
    """Neither an approval nor a decline, nor what a person decided, nor another bank's; the queue says what to look at."""
    waits = bank.decided(1)
    bank.decided(2, "approve")
    bank.decided(3, "decline")
    bank.decided(4)
    bank.said(4, "decline")
    Bank(empty, refused, "bank-b").decided(5)
    page = bank.queue.waiting("bank-a", 50)
    assert [row["review_id"] for row in page.reviews] == [waits]
    assert page.following is None
    (row,) = page.reviews
    decision = example("loan.decision.made")
    assert (row["application_id"], row["revision"], row["accepted_at"]) == ("a-1", 1, "2026-02-10T09:00:00.000Z")
    assert (row["first_reason"], row["basis"]) == (decision["reasons"][0]["text"], decision["basis"])
    assert json.loads(json.dumps(page.as_json())) == page.as_json()


def test_the_highest_revision_is_what_is_asked(bank):
    """A newer revision takes the older one's review out, whatever it was decided; a human decision is of one revision."""
    old = bank.decided(1)
    bank.said(1)
    new = bank.decided(1, revision=2, minute=1)
    gone = bank.decided(2)
    bank.decided(2, "approve", revision=2)
    assert bank.ids() == [new]
    assert bank.queue.one("bank-a", old).state == "decided"
    assert bank.queue.one("bank-a", gone).state == "superseded"
    assert "revision 2" in bank.queue.one("bank-a", gone).closed


def test_the_first_record_of_a_revision_is_the_decision(bank):
    """In a conflict the first record says whether a person is asked; the other is no review."""
    first = bank.decided(1)
    other = "ffffffff-298d-5145-83ac-000000000001"
    bank.decided(1, "approve", decision_id=other)
    bank.decided(2, "decline")
    bank.decided(2, "refer", decision_id="eeeeeeee-298d-5145-83ac-000000000001")
    assert bank.ids() == [first]
    assert bank.queue.one("bank-a", first).state == "waiting"
    assert bank.queue.one("bank-a", other) is None


def test_pages_hold_every_review_once(bank):
    """Newest or oldest first, also of one moment, and while others are decided between two pages."""
    ids = [bank.decided(number, minute=number // 2) for number in range(7)]
    for order, expected in (("newest", ids[::-1]), ("oldest", ids)):
        found, after = [], None
        while True:
            page = bank.queue.waiting("bank-a", 2, order=order, after=after)
            found += [row["review_id"] for row in page.reviews]
            after = page.following
            if after is None:
                break
        assert found == expected
    page = bank.queue.waiting("bank-a", 3)
    bank.said(6)
    bank.said(3)
    assert bank.ids(after=page.following) == [ids[2], ids[1], ids[0]]


def test_one_review_tells_the_decision_and_what_persons_decided(bank):
    """Reasons, basis, verification result and receipt as the event has them; who vouches for the actor."""
    review_id = bank.decided(1)
    bank.said(1, "decline", "priya", asserted_by="core-banking")
    review = bank.queue.one("bank-a", review_id)
    told = review.as_json()
    assert told["decision"]["receipt"] == example("loan.decision.made")["receipt"]
    assert told["decision"]["reasons"] == example("loan.decision.made")["reasons"]
    (human,) = told["human_decisions"]
    assert (human["decision"], human["actor"], human["asserted_by"]) == ("decline", "priya", "core-banking")
    assert human["counts"]
    assert review.closed == "it was decided at 2026-02-11T14:05:00.000Z by priya: decline"
    assert json.loads(json.dumps(told)) == told


def test_the_answers_are_as_the_page_of_the_interface_says(bank):
    """The fields of its models, neither more nor fewer: what a developer reads is what comes."""
    review_id = bank.decided(1)
    page = bank.queue.waiting("bank-a", 50).as_json()
    bank.said(1)
    told = bank.queue.one("bank-a", review_id).as_json()
    for model, answer in ((ReviewPage, page), (ReviewTold, told)):
        understood = model.model_validate_json(json.dumps(answer))
        assert understood.model_dump(mode="json", exclude_unset=True) == answer
        assert set(answer) == set(model.model_fields)


@pytest.mark.parametrize("review_id", ["", "a-1", "00000001-298d-5145-83ac-000000000009", "' OR 1=1 --", "x" * 10_000])
def test_what_is_no_review_is_none(bank, review_id):
    """Nor is another bank's, nor a decision that was not referred."""
    other = bank.decided(1)
    approved = bank.decided(2, "approve")
    assert bank.queue.one("bank-a", review_id) is None
    assert bank.queue.one("bank-b", other) is None
    assert bank.queue.one("bank-a", approved) is None


@pytest.mark.parametrize("text", ["", "1", "x-00000001-298d-5145-83ac-000000000009", "99999999999999-a", "1-", "-1"])
def test_a_cursor_that_no_page_gave_is_refused(text):
    """Before the warehouse is asked."""
    with pytest.raises(CursorWrong):
        Cursor.parse(text)


def test_every_reader_agrees_which_human_decision_counts(bank, empty, refused):
    """Whatever order records are written to the warehouse in, and whatever their clocks say: the first record counts."""
    ids = []
    for number, order in enumerate(itertools.permutations(range(3))):
        ids.append(bank.decided(number))
        for offset in order:
            at = {"at": f"2026-02-1{3 - offset}T00:00:00.000Z"}  # a later record of an earlier moment
            verdict = "decline" if offset == 0 else "approve"
            bank.said(number, verdict, f"person-{offset}", offset=10 * number + offset, **at)
    client = empty.client("reader")
    view = client.query(
        "SELECT application_id, actor FROM loanstream.human_decisions ORDER BY application_id"
    ).result_rows
    assert view == [(f"a-{number}", "person-0") for number in range(6)]
    listed = {row["application_id"]: row for row in latest_decisions(client, "bank-a", None, 20)}
    for number, review_id in enumerate(ids):
        assert bank.queue.one("bank-a", review_id).counts["actor"] == "person-0"
        (chapter,) = story(client, CIPHER, f"a-{number}").chapters
        assert chapter.human_decision["actor"] == "person-0"
        assert sum(row["counts"] for row in chapter.outcomes) == 1
        assert listed[f"a-{number}"]["human_actor"] == "person-0"
        assert listed[f"a-{number}"]["human_decision"] == "decline"


def row(offset, kind, actor):
    place = {"kafka_topic": "loan.outcomes.v1.bank-a", "kafka_partition": 2, "kafka_offset": offset}
    said = {"at": "2026-02-11T14:05:00.000Z", "decision": "approve", "reason": "seen", "asserted_by": None}
    return place | said | {"kind": kind, "actor": actor}


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.sampled_from(["human_decision", "repayment"])), unique_by=lambda one: one[0]
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_reading_changes_nothing(records, random):
    """However rows arrive, one human decision counts, and it is that of the first record."""
    found = [row(offset, kind, f"person-{offset}") for offset, kind in records]
    people = [one["kafka_offset"] for one in found if one["kind"] == "human_decision"]
    random.shuffle(found)
    expected = f"person-{min(people)}" if people else None
    counts = counting(found)
    assert (counts and counts["actor"]) == expected
    told = human_decisions(found)
    assert [one["actor"] for one in told] == [f"person-{offset}" for offset in sorted(people)]
    assert [one["actor"] for one in told if one["counts"]] == ([expected] if expected else [])
