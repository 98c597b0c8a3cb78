"""Dead letters on topics in memory: which are sent back or discarded, and what is noted of it."""

import json
from importlib import resources

import pytest
from confluent_kafka import KafkaException

from loanstream.dlq import box as boxes
from loanstream.dlq.asked import Asked
from loanstream.dlq.letters import LetterId, LetterProblem
from loanstream.dlq.post import HANDLED, MemoryPost
from loanstream.dlq.redrive_position import RedrivePosition
from processors.identity import code_version
from schemas.decode import Undecodable
from schemas.operations import FieldError
from schemas.records import Unreadable

EXAMPLES = resources.files("schemas") / "examples"
APPLICATIONS = "loan.applications.v1.bank-a"
LETTERS = f"{APPLICATIONS}.dlq"
GOOD = {"application_id": "a-1"}
ROW = FieldError(field="(row)", error="type_mismatch", expected="a row it takes")
REFUSED = Undecodable("refused_by_warehouse", ROW)


STAMPED = (2, 1_790_000_000_000)


def ids(*texts):
    return [LetterId.parse(text) for text in texts]


@pytest.fixture
def good(flow):
    """A letter whose record the stage of today would take."""
    return lambda **more: flow.letter("invalid_event", value=flow.application(**GOOD), **more)


def test_a_letter_goes_back_once_with_who_sent_it(flow, good):
    """The record goes to its topic with its key, its tries and its first place; the note goes in the same transaction."""
    lying = good()
    done = flow.box().redrive(actor="j.doe")
    assert done.sent == 1
    (record,) = flow.sent
    assert (record.topic, record.key, record.value) == (APPLICATIONS, b"a-1", flow.application(**GOOD))
    assert record.headers == [("loanstream-attempts", b"1"), ("loanstream-first-stood", f"{APPLICATIONS}/0/0".encode())]
    (note,) = flow.handled
    assert (note.action, note.actor, note.letter.offset, note.origin.topic) == ("redriven", "j.doe", 0, APPLICATIONS)
    assert flow.states() == {lying: "redriven"}
    assert flow.box().redrive().told == {}


def test_a_dry_run_counts_and_sends_nothing(flow, good):
    """Neither record nor note, and nobody else who handles letters is disturbed."""
    lying = good()
    done = flow.box().redrive(dry_run=True)
    assert done.sent == 1
    assert (flow.post.sent, flow.post.opened) == ([], 0)
    assert flow.states() == {lying: "waiting"}


def test_letters_that_are_made_during_a_redrive_are_not_sent_again(flow, good, monkeypatch):
    """Three letters are three records sent, though each comes back as a letter at once."""
    monkeypatch.setattr(boxes, "RECORDS_AT_ONCE", 1)
    lying = [good() for _ in range(3)]
    send = flow.post.send

    def refused_at_once(records):
        send(records)
        good()

    flow.post.send = refused_at_once
    assert flow.box().redrive().sent == 3
    states = flow.states()
    assert [states.pop(one) for one in lying] == ["redriven"] * 3
    assert set(states.values()) == {"waiting"}


def test_a_record_that_would_be_refused_again_makes_no_second_letter(flow, good):
    """It waits, and the redrive says why by the stage's own words of today; its neighbours go."""
    bad = flow.letter("not_json", value=b"{not json")
    worse = flow.letter("invalid_event", value=flow.application(annual_income="-5", **GOOD))
    fine = good()
    done = flow.box().redrive()
    assert (done.sent, done.kept) == (1, 2)
    assert {told.why.split(":")[0] for told in done.told if told.fate == "refused"} == {
        "not_json (record)",
        "invalid_event annual_income",
    }
    assert flow.states() == {bad: "waiting", worse: "waiting", fine: "redriven"}
    assert flow.box().redrive(force=True).sent == 2


def test_our_own_fault_is_tried_again_by_other_code_alone(flow):
    """The code that failed would fail again; after an upgrade the record goes."""
    value = flow.application(**GOOD)
    same = flow.letter("internal_error", value=value, code_version=code_version())
    other = flow.letter("crashes_worker", value=value, code_version="0.0.1")
    flow.box().redrive()
    assert flow.states() == {same: "waiting", other: "redriven"}


def test_a_letter_without_its_original_is_told_to_be_sent_again(flow):
    """Neither sent nor forgotten: it waits until somebody discards it. One of another version may lack hash and headers."""
    lying = [
        flow.letter("too_large", value_base64=None),
        flow.letter("too_large", value_base64=None, key_base64=None, headers=[]),
    ]
    for force in (False, True):
        done = flow.box().redrive(force=force)
        assert (done.sent, done.count("no_original")) == (0, 2)
    flow.box().discard(only=ids(*lying), actor="j.doe", reason="sent again by the bank")
    assert set(flow.states().values()) == {"discarded"}
    assert flow.box().redrive().told == {}


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (Asked(tenant="bank-a"), 2),
        (Asked(tenant="bank-b"), 1),
        (Asked(cause="key_mismatch"), 1),
        (Asked(application="a-1"), 2),
        (Asked(application="b-1"), 1),
        (Asked(application="nobody"), 0),
        (Asked(tenant="bank-b", cause="key_mismatch"), 0),
    ],
)
def test_only_the_letters_that_are_asked_for_go(flow, good, asked, sent):
    """By bank, cause and application; what is not meant still waits afterwards."""
    good()
    flow.letter("key_mismatch", value=flow.application(**GOOD))
    flow.letter(
        "invalid_event", tenant="bank-b", key=b"b-1", value=flow.application(tenant="bank-b", application_id="b-1")
    )
    assert flow.box().redrive(asked).sent == sent
    assert list(flow.states().values()).count("waiting") == 3 - sent


def test_letters_since_a_moment(flow, good):
    """The moment itself is within."""
    lying = [good() for _ in range(3)]
    moments = [letter.letter.at for letter in flow.box().letters()]
    assert flow.box().redrive(Asked(since=moments[1])).sent == 2
    assert flow.states()[lying[0]] == "waiting"


def test_what_was_handled_goes_again_by_its_id_and_force_alone(flow, good):
    """Copying a command twice sends nothing twice."""
    first, second = good(), good()
    flow.box().redrive(only=ids(first))
    flow.box().discard(only=ids(second), actor="j.doe", reason="withdrawn")
    done = flow.box().redrive(only=ids(first, second))
    assert (done.sent, done.count("was_redriven"), done.count("was_discarded")) == (0, 1, 1)
    assert flow.box().redrive(force=True).sent == 0
    assert flow.box().redrive(only=ids(first, second), force=True).sent == 2
    assert flow.states() == {first: "redriven", second: "redriven"}


def test_a_discard_is_a_record_with_who_and_why_and_made_once(flow, good):
    """The letter stays where it is; a second discard says that it was done before."""
    lying = good()
    assert flow.box().discard(Asked(tenant="bank-a"), actor="j.doe", reason="test data").count("discarded") == 1
    (note,) = flow.handled
    assert (note.action, note.actor, note.reason, note.cause) == ("discarded", "j.doe", "test data", "invalid_event")
    again = flow.box().discard(only=ids(lying), actor="j.doe", reason="test data")
    assert (again.count("discarded"), again.count("was_discarded")) == (0, 1)
    assert len(flow.handled) == 1
    assert flow.states() == {lying: "discarded"}
    assert flow.box().redrive().sent == 0


def test_a_letter_that_was_sent_back_is_not_discarded(flow, good):
    """Its record is on its way: whoever wants it out of sight looks at what became of it."""
    lying = good()
    flow.box().redrive()
    assert flow.box().discard(only=ids(lying), actor="j.doe", reason="late").count("was_redriven") == 1
    assert flow.states() == {lying: "redriven"}


def test_a_letter_that_was_written_twice_is_one(flow, good):
    """Its record goes back once, and both are handled."""
    good()
    lying = flow.topics.records[LETTERS, 0][0]
    flow.put(LETTERS, lying.key(), lying.value())
    assert flow.box().redrive().sent == 1
    assert set(flow.states().values()) == {"redriven"}


def test_a_record_that_comes_back_is_linked_to_where_it_first_stood(flow):
    """However often: the third letter names the first record, and a producer can name no other topic's."""
    first = flow.letter("invalid_event", value=flow.application(annual_income="-5", **GOOD))
    flow.box().redrive(force=True)
    (second,) = flow.verify()
    flow.box().redrive(force=True)
    box = flow.box()
    threads = {str(letter.id): letter.thread for letter in box.letters()}
    assert threads == dict.fromkeys([first, second], (f"{APPLICATIONS}/0/0", "verify"))
    assert flow.sent[-1].headers == [
        ("loanstream-attempts", b"2"),
        ("loanstream-first-stood", f"{APPLICATIONS}/0/0".encode()),
    ]
    thread = box.thread(box.letter(LetterId.parse(second)))
    assert [str(letter.id) for letter in thread] == [first, second]
    untried = flow.put(APPLICATIONS, b"a-1", b"{", [("loanstream-first-stood", f"{APPLICATIONS}/0/0".encode())])
    assert box.letter(LetterId.parse(flow.refuse(untried))).thread[0] == f"{APPLICATIONS}/0/{untried.offset()}"
    for said in (b"loan.applications.v1.bank-b/0/0", b"\xff", b"nonsense"):
        record = flow.put(APPLICATIONS, b"a-1", b"{", [("loanstream-attempts", b"1"), ("loanstream-first-stood", said)])
        assert box.letter(LetterId.parse(flow.refuse(record))).thread[0] == f"{APPLICATIONS}/0/{record.offset()}"


def test_a_letter_is_found_by_the_record_it_is_about(flow, good):
    """`show` and logs name the record's place; the newest letter about it is meant."""
    record = flow.put(APPLICATIONS, b"a-1", flow.application(**GOOD))
    flow.refuse(record, stage="record")
    newest = flow.refuse(record)
    good()
    assert str(flow.box().letter(LetterId.parse(f"{APPLICATIONS}/0/0")).id) == newest


def test_a_letter_about_a_letter_is_not_taken_for_it(flow, good):
    """The record stage may refuse a letter's own row; the letter's id is still the letter's."""
    lying = good()
    flow.seconds += 1
    about = flow.letter("refused_by_warehouse", stage="record", origin=flow_origin(lying))
    assert [str(flow.box().letter(one).id) for one in ids(lying, about)] == [lying, about]


def flow_origin(lying):
    place = LetterId.parse(lying)
    return {**place._asdict(), "timestamp_ms": 1}


def test_what_another_operator_did_meanwhile_is_seen(flow, good):
    """Letters are read once nobody else can handle them: what he noted until then is not sent a second time."""
    lying = good()
    other = flow.box()
    opened = flow.post.open

    def he_was_quicker():
        opened()
        flow.post.open = opened
        other.redrive()

    flow.post.open = he_was_quicker
    assert flow.box().redrive().sent == 0
    assert flow.states() == {lying: "redriven"}
    assert len(flow.sent) == 1


@pytest.mark.parametrize("wanted", [f"{LETTERS}/0/7", f"{APPLICATIONS}/0/7", "no.such.topic/0/0", f"{LETTERS}/9/0"])
def test_an_id_at_which_nothing_lies_sends_nothing(flow, good, wanted):
    """Also where another id beside it is right: all of them or none."""
    lying = good()
    with pytest.raises(LetterProblem, match=f"no dead letter {wanted}; see dlq list"):
        flow.box().redrive(only=ids(lying, wanted))
    with pytest.raises(LetterProblem, match="of bank-b"):
        flow.box().redrive(Asked(tenant="bank-b"), ids(lying))
    assert flow.sent == []


def test_a_transaction_that_fails_forgets_nothing(flow, good, monkeypatch):
    """What went before it is noted; the rest waits for the next redrive."""
    monkeypatch.setattr(boxes, "RECORDS_AT_ONCE", 4)
    for _ in range(4):
        good()
    send, left = flow.post.send, iter((True, False))

    def send_once(records):
        if not next(left):
            raise KafkaException("refused")
        send(records)

    flow.post.send = send_once
    with pytest.raises(KafkaException):
        flow.box().redrive()
    assert list(flow.states().values()) == ["redriven"] * 2 + ["waiting"] * 2


def test_records_go_in_transactions_of_a_bounded_size(flow, good, monkeypatch):
    """Letters may hold megabytes each: a batch ends by its bytes, too."""
    monkeypatch.setattr(boxes, "BYTES_AT_ONCE", 4000)
    for _ in range(6):
        good()
    batches = []
    send = flow.post.send

    def counted(records):
        batches.append(len(records))
        send(records)

    flow.post.send = counted
    assert flow.box().redrive().sent == 6
    assert len(batches) > 1
    assert sum(batches) == 12


def test_the_record_stage_s_letters_go_into_the_warehouse_or_wait(flow, good):
    """Their events were decided long ago: none goes to its topic. What the warehouse takes is noted as recorded."""
    value = flow.application(**GOOD)
    lying = [flow.letter("refused_by_warehouse", value=value, stage="record") for _ in range(3)]
    tried = []

    def record_again(message):
        tried.append(message.offset())
        return REFUSED if message.offset() == 1 else None

    dry = flow.box(record_again).redrive(dry_run=True)
    assert (dry.count("to_record"), tried) == (3, [])
    done = flow.box(record_again).redrive()
    assert (done.count("recorded"), done.kept, flow.sent) == (2, 1, [])
    assert [told.why for told in done.told if told.fate == "refused"] == ["refused_by_warehouse (row): a row it takes"]
    assert flow.states() == dict(zip(lying, ("recorded", "waiting", "recorded"), strict=True))
    tried.clear()
    assert flow.box(lambda _: None).redrive().count("recorded") == 1
    assert set(flow.states().values()) == {"recorded"}


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_record_that_makes_no_row_is_not_laid_at_the_warehouse_s_door(flow, dry_run):
    """An outcome whose headers nobody could read, and which is none: our own code refuses it, and the fault is named."""
    outcomes = "loan.outcomes.v1.bank-a"
    empty = Unreadable(
        outcomes, 0, 0, b"a-1", None, None, (2, 1), "unreadable_headers", "UTF-8", b"{}", has_original=True
    )
    flow.refuse(empty, "unreadable_headers", stage="record")
    done = flow.box(pytest.fail).redrive(dry_run=dry_run)
    ((told, count),) = done.told.items()
    assert (told.fate, count, flow.handled) == ("refused", 1, [])
    assert told.why.startswith("invalid_event tenant: a bank's name")


def test_a_record_that_lacks_nothing_but_its_headers_is_recorded(flow):
    """What our own code takes is tried; it is for the warehouse to say whether it takes it, too."""
    outcomes = "loan.outcomes.v1.bank-a"
    value = (EXAMPLES / "loan.outcome.recorded.json").read_bytes()
    key = json.loads(value)["application_id"].encode()
    whole = Unreadable(
        outcomes, 0, 0, key, None, None, STAMPED, "unreadable_headers", "UTF-8", value, has_original=True
    )
    flow.refuse(whole, "unreadable_headers", stage="record")
    assert flow.box(lambda _: None).redrive(dry_run=True).count("to_record") == 1
    assert flow.box().redrive().kept == 1
    assert flow.box(lambda _: None).redrive().count("recorded") == 1


def test_what_an_older_version_noted_stays_redriven(flow, good):
    """It kept offsets beside a group's: an upgrade sends nothing a second time."""
    lying = [good() for _ in range(4)]
    bare = flow.letter("too_large", value_base64=None)
    flow.post = MemoryPost(flow.topics, {(LETTERS, 0): RedrivePosition.read(2, "3,4,!1")})
    assert flow.states() == dict(zip(lying, ("redriven", "waiting", "waiting", "redriven"), strict=True)) | {
        bare: "waiting"
    }
    assert flow.box().redrive().sent == 2


def test_what_is_no_letter_and_no_note_is_passed_over(flow, good):
    """Somebody else's record on our topics stops nobody."""
    lying = good()
    flow.put(LETTERS, b"k", b"[]")
    flow.put(HANDLED, b"k", json.dumps({"action": "burnt"}).encode())
    assert flow.states() == {lying: "waiting"}
