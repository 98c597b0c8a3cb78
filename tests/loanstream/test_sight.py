"""What the operator may not see is told as that: never as absent, and within seconds."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from loanstream import sight
from loanstream.install import grants, steps
from loanstream.install.grants import Change, Held
from loanstream.installation import Installation
from loanstream.problem import describe_problem
from loanstream.reach import Fault
from loanstream.settings import load
from schemas.access import Grant
from schemas.problem import Problem
from schemas.stages import STAGES

ADMIN = "LOANSTREAM_KAFKA_ADMIN_SECURITY"
HERE = Installation(load({"LOANSTREAM_KAFKA_BOOTSTRAP": "k:1", "LOANSTREAM_TENANTS": "bank-a", ADMIN: "{}"}))
REFUSED_TOPIC, REFUSED_GROUP = KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED

RECORDS = STAGES["record"].group


def _told(code: int | None) -> "Future[object]":
    future: Future[object] = Future()
    if code is None:
        future.set_result(object())
    else:
        future.set_exception(KafkaException(KafkaError(code)))
    return future


@pytest.fixture
def broker(monkeypatch):
    """A broker that answers about each name by a code; None: it describes it."""
    codes: dict[str, int | None] = {}

    class Admin:
        def __init__(self, settings, logger):
            assert settings["bootstrap.servers"] == "k:1"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def describe_topics(self, topics, request_timeout):
            return {name: _told(codes.get(name)) for name in topics.topics}

        def describe_consumer_groups(self, groups, request_timeout):
            return {name: _told(codes.get(name)) for name in groups}

    class Names(list):
        topics = property(lambda self: self)

    monkeypatch.setattr(sight, "AdminClient", Admin)
    monkeypatch.setattr(sight, "TopicCollection", Names)
    monkeypatch.setattr(sight, "need_kafka", lambda _: None)
    return codes


def test_an_operator_who_sees_everything_has_no_fault(broker):
    """A topic that is absent is another matter."""
    assert sight.sight_fault(HERE) is None
    broker["loan.control.v1"] = KafkaError.UNKNOWN_TOPIC_OR_PART
    assert sight.sight_fault(HERE) is None
    sight.need_sight(HERE)


@pytest.mark.parametrize(
    ("refused", "code", "said"),
    [
        ("loan.control.v1", REFUSED_TOPIC, "topic loan.control.v1"),
        ("loan.applications.v1.bank-a", REFUSED_TOPIC, "topic loan.applications.v1.bank-a"),
        (RECORDS, REFUSED_GROUP, f"group {RECORDS}"),
    ],
)
def test_what_is_refused_is_named_with_the_operators_variable(broker, refused, code, said):
    """Topics of all, of one bank, and a stage's group; a command's line says how it is mended."""
    broker[refused] = code
    assert sight.sight_fault(HERE) == Fault(f"the operator may not see {said}", (ADMIN,))
    with pytest.raises(Problem, match=f"{ADMIN}: the operator may not see {said}; .*access.md"):
        sight.need_sight(HERE)


def test_many_are_told_by_two_and_their_number(broker):
    """A stranger's account sees nothing at all."""
    names = [name for name, _ in sight.named_topics(("bank-a",))]
    broker |= dict.fromkeys(names, REFUSED_TOPIC)
    assert sight.sight_fault(HERE).said == (
        f"the operator may not see topic {names[0]}, topic {names[1]} and {len(names) - 2} more"
    )


@pytest.mark.parametrize("code", [KafkaError._TRANSPORT, KafkaError.COORDINATOR_NOT_AVAILABLE])
def test_another_answer_is_no_refusal(broker, code):
    """A broker that goes away meanwhile, or has no coordinator yet, is not called a lack of rights."""
    broker |= {"loan.control.v1": code, RECORDS: code}
    assert sight.sight_fault(HERE) is None


def test_a_kafka_without_any_topic_of_ours_is_not_asked_for_groups(broker):
    """Before the first installation there is no group, and its coordinator's log would have to be made first."""
    names = [name for name, _ in sight.named_topics(("bank-a",))]
    broker |= dict.fromkeys(names, KafkaError.UNKNOWN_TOPIC_OR_PART) | {RECORDS: REFUSED_GROUP}
    assert sight.sight_fault(HERE) is None


LACKING = Held("User:platform-admin", Grant("topic", "loan.", "READ", prefixed=True))


@pytest.mark.parametrize(
    ("leaves", "change", "goes_on"),
    [
        (True, Change((LACKING,), ()), False),
        (False, Change((LACKING,), ()), True),
        (False, Change((), ()), False),
        (False, None, False),
    ],
    ids=["others keep the rights", "he grants them himself", "he has them all, by another name", "he may not"],
)
def test_install_goes_on_blind_only_where_its_own_step_gives_sight(monkeypatch, leaves, change, goes_on):
    """An operator who may make rights begins without any; everybody else is told at once, and nothing is called absent."""
    fault = Fault("the operator may not see topic t", (ADMIN,))

    def changed(_):
        if change is None:
            raise grants.NotAllowed("no")
        return change

    monkeypatch.setattr(steps, "REACHED", {"Kafka": lambda _: None})
    monkeypatch.setattr(steps, "sight_fault", lambda _: fault)
    monkeypatch.setattr(steps.grants, "change", changed)
    kafka = steps.Step(lambda _: ["topic t"], lambda _: None, "Kafka")
    monkeypatch.setattr(steps, "STEPS", {"topics": kafka})
    found, faults = steps.plan(steps.Wanted(HERE, None, None, actor="a test", leave_grants=leaves))
    assert (found, faults) == (({"topics": ["topic t"]}, []) if goes_on else ({}, [str(fault)]))


@pytest.mark.parametrize("code", [REFUSED_TOPIC, REFUSED_GROUP, KafkaError.CLUSTER_AUTHORIZATION_FAILED])
def test_a_right_that_lacks_elsewhere_is_one_readable_line(code):
    """Wherever a command meets it, the line names the right and the variable, and is no dump of an error object."""
    line = describe_problem(KafkaException(KafkaError(code)))
    assert ADMIN in line
    assert "_AUTHORIZATION_FAILED)" in line
    assert "KafkaError{" not in line
    other = describe_problem(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    assert ADMIN not in other
    assert describe_problem(Problem("as it is")) == "as it is"
    assert describe_problem(ValueError(SimpleNamespace(name="x"))) is None
