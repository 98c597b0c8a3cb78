"""What a worker looks up beside its reading: whatever happens there, the reading goes on."""

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from processors.transport.lookout import Lookout
from processors.transport.specs import METADATA_REFRESH_S, WorkerKafka


def lookout(look):
    return Lookout(WorkerKafka("127.0.0.1:9"), {"what the group reads": look}, 0.0)


@pytest.mark.parametrize(
    ("raised", "again", "said"),
    [
        (KafkaException(KafkaError(KafkaError._TRANSPORT, "no broker")), METADATA_REFRESH_S, "no broker"),
        (TimeoutError(), METADATA_REFRESH_S, "no answer"),
        (KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)), None, "the broker does not allow it"),
        (ValueError("Jane Canary"), METADATA_REFRESH_S, "ValueError at "),
    ],
    ids=["no broker", "no answer", "no right", "a bug"],
)
def test_a_look_that_fails_ends_nothing(caplog, raised, again, said):
    """It is taken again later, and given up only where the broker does not allow it; the text of an error stays inside."""

    def fail(_):
        raise raised

    with caplog.at_level("INFO"):
        assert lookout(fail).take("what the group reads", None) == again
    assert said in caplog.text
    assert "Canary" not in caplog.text


def test_it_looks_again_and_again_until_it_is_stopped():
    """Each look says when the next one is due."""
    seen, looks = threading.Event(), []

    def look(_):
        looks.append(1)
        if len(looks) == 3:
            seen.set()
        return 0.0

    watched = lookout(look)
    watched.watch()
    watched.watch()  # a second assignment begins no second thread
    assert seen.wait(10)
    watched.stop()
    watched._thread.join(10)
    assert not watched._thread.is_alive()
