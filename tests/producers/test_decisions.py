"""What a downstream service is handed: each decision once, how it stands, and nothing before its handler returned."""

import json
from importlib import resources

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from producers.decisions import ENFORCED, DecisionConsumer, UnreadableDecisionError
from producers.errors import CredentialsRefusedError, PermissionRefusedError, ProducerError
from producers.refusals import REFUSALS_MAX
from producers.seen import IDS_MOST, Known, MemorySeen, judged
from schemas.decision import LoanDecision
from schemas.decode import decode_own
from schemas.records import MemoryMessage

EXAMPLES = resources.files("schemas") / "examples"
MADE = json.loads((EXAMPLES / "loan.decision.made.json").read_text("utf-8"))
TOLD = json.loads((EXAMPLES / "loan.outcome.recorded.json").read_text("utf-8"))
DECISIONS, OUTCOMES = "loan.decisions.v1.bank-a", "loan.outcomes.v1.bank-a"


def uuid(number):
    return f"00000000-0000-5000-8000-{number:012d}"


def decision(name="a-1", revision=1, number=1, **changes):
    event = MADE | {"application_id": name, "revision": revision, "decision_id": uuid(number)} | changes
    return DECISIONS, name.encode(), json.dumps(event).encode()


def human(name="a-1", revision=1, said="approve", at="2026-03-31T12:00:00Z", **changes):
    event = {
        "tenant": "bank-a", "application_id": name, "revision": revision, "at": at, "kind": "human_decision",
        "decision": said, "actor": "j.doe", "reason": "seen",
    } | changes  # fmt: skip
    return OUTCOMES, name.encode(), json.dumps(event).encode()


class Failed:
    """A message that is an error."""

    def __init__(self, code, topic=None):
        self._error, self._topic = KafkaError(code), topic

    def error(self):
        return self._error

    def topic(self):
        return self._topic


class Record(MemoryMessage):
    def error(self):
        return None


class FakeKafka:
    """One partition a topic; begins at what was stored, as a group that commits on its way out."""

    def __init__(self, *records, store_fails=None):
        self.log, self.stored, self.errors = [], {}, []
        self.store_fails, self.closed, self.gone = store_fails, False, False
        for record in records:
            self.put(record)

    def put(self, record):
        topic, key, value = record
        offset = sum(one.topic() == topic for one in self.log)
        self.log.append(Record(topic, 0, offset, key, value))

    def __call__(self, settings):
        self.settings, self.at = settings, dict(self.stored)
        return self

    def subscribe(self, topics, on_assign):
        self.topics = topics
        on_assign(self, topics)

    def poll(self, _):
        if self.errors:
            return self.errors.pop(0)
        for message in self.log:
            if message.topic() in self.topics and message.offset() == self.at.get(message.topic(), 0):
                self.at[message.topic()] = message.offset() + 1
                return message
        return None

    def seek(self, place):
        if self.gone:
            raise KafkaException(KafkaError(KafkaError._STATE))
        self.at[place.topic] = place.offset

    def store_offsets(self, offsets):
        if self.store_fails:
            raise KafkaException(KafkaError(self.store_fails))
        self.stored |= {one.topic: one.offset for one in offsets}

    def close(self):
        self.closed = True


def consumer(kafka, **options):
    return DecisionConsumer({"bootstrap.servers": "nowhere:1"}, "bank-a", "bank-a.core", kafka=kafka, **options)


def drained(reader, handle):
    while reader.step(handle):
        pass


def received(*records, **options):
    found = []
    drained(consumer(FakeKafka(*records), **options), found.append)
    return found


def standings(*records):
    return [(one.application_id, one.revision, one.standing) for one in received(*records)]


def test_a_decision_comes_typed_with_all_it_says():
    """The handler gets the event's own fields, where it stands on its topic, and what counts."""
    (one,) = received(decision())
    assert isinstance(one.event, LoanDecision)
    assert one.event.reasons[0].text == MADE["reasons"][0]["text"]
    assert (str(one.place), one.standing, one.outcome) == (f"{DECISIONS}/0/0", "current", MADE["outcome"])


def test_the_highest_revision_counts_however_they_arrive():
    """An older revision that comes later is told as superseded, and nobody acts on it by mistake."""
    assert standings(decision(revision=2), decision(revision=1, number=2), decision(revision=3, number=3)) == [
        ("a-1", 2, "current"),
        ("a-1", 1, "superseded"),
        ("a-1", 3, "current"),
    ]


def test_a_repeat_is_handed_out_once():
    """A producer's own repeat has the same decision_id; the service pays out once."""
    reader = consumer(FakeKafka(decision(), decision(), decision(revision=2, number=2), decision()))
    found = []
    drained(reader, found.append)
    assert [one.revision for one in found] == [1, 2]
    assert reader.repeats == 2


def test_another_decision_on_the_same_revision_is_a_conflict_and_the_first_counts():
    """Told once, with the outcome that stands; repeats of either side are no news."""
    first, other = decision(outcome="approve"), decision(number=2, outcome="decline")
    found = received(first, other, first, other)
    assert [(one.standing, one.outcome) for one in found] == [("current", "approve"), ("conflict", "approve")]
    assert found[1].event.outcome == "decline"
    assert found[1].known.decision_ids == (uuid(1), uuid(2))


def test_conflicts_of_one_revision_are_remembered_within_bounds():
    """A sender that never says the same twice fills no memory."""
    found = received(*(decision(number=number) for number in range(IDS_MOST + 5)))
    assert len(found[-1].known.decision_ids) == IDS_MOST
    assert {one.standing for one in found[1:]} == {"conflict"}


def test_a_human_decision_joins_the_one_it_is_about():
    """Whichever topic is read first, the person's word counts in the end."""
    referred = decision(outcome="refer")
    later, earlier = received(referred, human(said="decline")), received(human(said="decline"), referred)
    assert [(one.outcome, one.known.machine) for one in later] == [("refer", "refer"), ("decline", "refer")]
    assert [(one.outcome, one.known.machine) for one in earlier] == [("decline", None), ("decline", "refer")]


def test_the_first_human_decision_of_a_revision_counts():
    """By where it stands, whatever its clock says: as the doors, `show` and the warehouse have it."""
    found = received(
        decision(outcome="refer"),
        human(at="2026-03-31T12:00:00Z", said="decline"),
        human(at="2026-03-31T13:00:00Z", said="approve"),
        human(at="2026-03-31T13:00:00Z", said="approve"),
        human(at="2026-03-31T11:00:00Z", said="approve"),
        human(at="2026-03-31T12:00:00Z", said="decline"),
    )
    assert [(one.standing, one.outcome) for one in found] == [
        ("current", "refer"),
        ("current", "decline"),
        ("conflict", "decline"),
        ("conflict", "decline"),
    ]


def test_a_mistyped_revision_hides_no_decision():
    """A person's word on a revision that was never sent waits, and the service's decisions count as ever."""
    assert standings(
        decision(revision=1), human(revision=99), decision(revision=2, number=2), human(revision=2, said="decline")
    ) == [("a-1", 1, "current"), ("a-1", 99, "waiting"), ("a-1", 2, "current"), ("a-1", 2, "current")]


def test_a_human_decision_on_an_application_that_was_never_sent_is_not_current():
    """Nobody pays out on a mistyped id; nor does a repeat of it come again."""
    assert standings(human("nobody"), human("nobody")) == [("nobody", 1, "waiting")]


def test_a_human_decision_on_an_older_revision_is_superseded():
    """The newer revision was decided since."""
    sent = decision(revision=1), decision(revision=2, number=2), human(revision=1)
    assert standings(*sent)[-1] == ("a-1", 1, "superseded")


STAMP_MS = 1_775_000_000_000  # 2026-03-31T23:33:20Z


@pytest.mark.parametrize(
    ("at", "kind", "standing"),
    [
        ("2199-11-30T10:00:00Z", 2, ["current"]),
        ("2026-04-01T23:33:20.001Z", 2, ["current"]),
        ("2026-04-01T23:33:20Z", 2, ["current", "current"]),
        ("2199-11-30T10:00:00Z", 1, ["current", "current"]),
    ],
)
def test_a_human_decision_of_the_future_is_none(at, kind, standing):
    """More than a day after the broker's own stamp it is refused, here as by loanstream; a producer's says nothing."""
    kafka = FakeKafka(decision())
    topic, key, value = human(at=at)
    kafka.log.append(Record(topic, 0, 0, key, value, None, (kind, STAMP_MS)))
    found = []
    drained(consumer(kafka), found.append)
    assert [one.standing for one in found] == standing


@pytest.mark.parametrize(
    "record",
    [
        (OUTCOMES, b"a-1", b"{not json"),
        (OUTCOMES, b"another", human()[2]),
        human(tenant="bank-b"),
        human(decision=None),
        (OUTCOMES, TOLD["application_id"].encode(), json.dumps(TOLD | {"kind": "repayment", "repayment": "late"}).encode()),
        (OUTCOMES, b"a-1", None),
    ],
)  # fmt: skip
def test_what_loanstream_refuses_on_the_banks_topic_is_no_decision_here_either(record):
    """It is passed by, as are repayments; what comes behind it is read."""
    assert standings(record, human("a-2")) == [("a-2", 1, "waiting")]


def test_a_service_may_leave_human_decisions_alone():
    """Then the topic is not read, and no right to it is needed."""
    kafka = FakeKafka(human(), decision())
    drained(consumer(kafka, human_decisions=False), lambda _: None)
    assert kafka.topics == [DECISIONS]


def test_an_event_that_has_grown_is_read_as_before():
    """A newer loanstream adds fields, at the top and within: an older helper ignores them."""
    grown = MADE | {"price": {"rate": "9.1"}, "receipt": MADE["receipt"] | {"sealed_by": "hsm"}}
    grown["reasons"] = [reason | {"since": "2027"} for reason in MADE["reasons"]]
    (one,) = received((DECISIONS, b"a-1", json.dumps(grown).encode()))
    assert one.event == decode_own(LoanDecision, json.dumps(MADE).encode())


def test_nothing_is_committed_before_the_handler_returned():
    """A service that dies in the middle of a decision gets that decision again."""
    kafka = FakeKafka(decision("a-1"), decision("a-2"), decision("a-3"))
    stored = []

    def handle(one):
        stored.append(dict(kafka.stored))
        if one.application_id == "a-2":
            raise RuntimeError("the ledger is down")

    with pytest.raises(RuntimeError), consumer(kafka) as reader:
        reader.run(handle)
    assert stored == [{}, {DECISIONS: 1}]
    assert kafka.closed
    again = []
    drained(consumer(kafka), again.append)
    assert [one.application_id for one in again] == ["a-2", "a-3"]


def test_a_failed_decision_is_no_repeat_in_the_same_process_either():
    """What the handler refused was not seen."""
    seen = MemorySeen()
    kafka = FakeKafka(decision())
    with pytest.raises(RuntimeError):
        consumer(kafka, seen=seen).step(lambda _: (_ for _ in ()).throw(RuntimeError()))
    found = []
    drained(consumer(kafka, seen=seen), found.append)
    assert [one.standing for one in found] == ["current"]


def test_a_service_that_goes_on_after_a_failure_gets_the_same_decision_again():
    """The offset of the one behind it is not committed past it."""
    kafka, handled, down = FakeKafka(decision("a-1"), decision("a-2")), [], [True, True]

    def handle(one):
        if down:
            down.pop()
            raise RuntimeError("the ledger is down")
        handled.append(one.application_id)

    reader, failures = consumer(kafka), 0
    for _ in range(6):
        try:
            reader.step(handle)
        except RuntimeError:
            failures += 1
            assert kafka.stored == {}
    assert (failures, handled, kafka.stored) == (2, ["a-1", "a-2"], {DECISIONS: 2})


def test_a_failure_while_the_partition_goes_away_comes_out_as_it_is():
    """The record comes again where the partition is now."""
    kafka = FakeKafka(decision())
    reader = consumer(kafka)
    kafka.gone = True
    with pytest.raises(RuntimeError, match="the ledger"):
        reader.step(lambda _: (_ for _ in ()).throw(RuntimeError("the ledger")))
    assert kafka.stored == {}


def test_what_another_process_took_over_comes_again_there():
    """A rebalance while the handler works: the offset is not ours to keep, and the consumer goes on."""
    kafka = FakeKafka(decision("a-1"), decision("a-2"), store_fails=KafkaError._STATE)
    found = []
    drained(consumer(kafka), found.append)
    assert ([one.application_id for one in found], kafka.stored) == (["a-1", "a-2"], {})


def test_an_offset_that_cannot_be_kept_for_another_reason_is_told():
    """Silence would let everything come again."""
    kafka = FakeKafka(decision(), store_fails=KafkaError._UNKNOWN_PARTITION)
    with pytest.raises(ProducerError, match=f"{DECISIONS}/0/0: the offset is not kept"):
        consumer(kafka).step(lambda _: None)


def test_a_decision_that_this_version_cannot_read_holds_the_consumer_up_and_says_where():
    """Passing it by would lose a decision; of what was found the error says nothing."""
    kafka = FakeKafka(decision(outcome="canary"), decision("a-2"))
    reader = consumer(kafka)
    with pytest.raises(UnreadableDecisionError, match=f"^{DECISIONS}/0/0: invalid_event in outcome") as error:
        reader.step(lambda _: None)
    assert "canary" not in str(error.value)
    with pytest.raises(UnreadableDecisionError):
        reader.step(lambda _: None)
    assert kafka.stored == {}


@pytest.mark.parametrize("code", [3, 29, 30])
def test_a_missing_right_is_told_at_once(code):
    """A wrong group, a topic of another tenant, a tenant that there is not: all look alike, and none is retried."""
    kafka = FakeKafka()
    kafka.errors = [Failed(code, DECISIONS)]
    with pytest.raises(PermissionRefusedError, match=DECISIONS):
        consumer(kafka).step(lambda _: None)


def test_refused_credentials_are_told_before_anything_was_read():
    """Three refusals in a row are no hiccup."""

    class Refusing(FakeKafka):
        def subscribe(self, topics, on_assign):
            self.topics = topics

        def poll(self, _):
            self.settings["error_cb"](KafkaError(KafkaError._AUTHENTICATION))

    reader = consumer(Refusing())
    assert [reader.step(lambda _: None) for _ in range(REFUSALS_MAX - 1)] == [False] * (REFUSALS_MAX - 1)
    with pytest.raises(CredentialsRefusedError):
        reader.step(lambda _: None)


NO_TOKEN = "Failed to acquire SASL OAUTHBEARER token: "


def test_a_refusal_by_the_token_server_is_told_at_once():
    """Also to a reader that reads already: the client library would ask again and again, and say nothing."""
    kafka = FakeKafka(decision())
    reader = consumer(kafka)
    assert reader.step(lambda _: None)
    refusal = KafkaError(KafkaError._AUTHENTICATION, NO_TOKEN + '{"error": "unauthorized_client"}')
    kafka.settings["error_cb"](refusal)
    with pytest.raises(CredentialsRefusedError):
        reader.step(lambda _: None)


def test_a_token_server_that_is_away_is_waited_for():
    """However often it does not answer, and the broker doubts the token that expired meanwhile."""
    kafka = FakeKafka(decision())
    reader = consumer(kafka)
    reader._reached = False
    for text in [*[NO_TOKEN + "Failed to connect"] * REFUSALS_MAX, *["invalid_token"] * REFUSALS_MAX]:
        kafka.settings["error_cb"](KafkaError(KafkaError._AUTHENTICATION, text))
    assert reader.step(lambda _: None)


def test_a_passing_error_of_the_client_is_no_end():
    """The client library tries again by itself."""
    kafka = FakeKafka(decision())
    kafka.errors = [Failed(KafkaError._MAX_POLL_EXCEEDED), Failed(KafkaError._TRANSPORT)]
    reader, found = consumer(kafka), []
    assert [reader.step(found.append) for _ in range(4)] == [False, False, True, False]
    assert len(found) == 1


def test_settings_that_keep_the_promises_cannot_be_overridden():
    """A service that sets its own client up still reads what is committed, and commits what it handled."""
    kafka = FakeKafka()
    theirs = dict.fromkeys(ENFORCED, "theirs") | {"client.id": "core", "bootstrap.servers": "nowhere:1"}
    DecisionConsumer(theirs, "bank-a", "bank-a.core", kafka=kafka)
    assert {name: kafka.settings[name] for name in ENFORCED} == dict(ENFORCED)
    assert (kafka.settings["client.id"], kafka.settings["group.id"]) == ("core", "bank-a.core")


@pytest.mark.parametrize(("tenant", "group"), [("bank-a", "core"), ("bank-a", "bank-ab.core"), ("Bank", "Bank.x")])
def test_a_name_that_cannot_be_is_refused(tenant, group):
    """Before the broker would refuse the group, or find no topic."""
    with pytest.raises(ValueError):
        DecisionConsumer({}, tenant, group, kafka=FakeKafka())


def test_memory_is_bounded_and_forgets_who_was_not_heard_of_for_longest():
    """A service that runs for years stays small."""
    seen = MemorySeen(applications_most=2)
    for name in ("a", "b", "a", "c"):
        seen.note(name, 1, Known(decision_ids=("x",)))
    remembered = {1: Known(decision_ids=("x",))}
    assert [seen.revisions(name) for name in "abc"] == [remembered, {}, remembered]


events = st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.integers(1, 3))


@given(st.lists(events, max_size=30))
def test_whatever_the_order_each_decision_comes_once_and_the_highest_revision_is_current(sent):
    """Against the rule said plainly: first of each id; the first of a revision counts; the highest revision counts."""
    seen, current, handed = MemorySeen(), {}, []
    for name, revision, number in sent:
        event = decode_own(LoanDecision, decision(name, revision, number)[2])
        found = judged(event, seen)
        if found is None:
            continue
        standing, known = found
        seen.note(name, revision, known)
        handed.append((name, revision, number))
        if standing == "current":
            current[name] = (revision, number)
    assert sorted(handed) == sorted(set(sent))
    for name in {name for name, _, _ in sent}:
        highest = max(revision for one, revision, _ in sent if one == name)
        first = next(number for one, revision, number in sent if (one, revision) == (name, highest))
        assert current[name] == (highest, first)


def test_what_is_known_fits_into_a_row():
    """A service keeps it as JSON in its own table, and finds the same again."""
    known = received(decision(), human())[-1].known
    assert Known.model_validate_json(known.model_dump_json()) == known
