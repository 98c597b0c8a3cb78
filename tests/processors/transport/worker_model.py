"""What the models of a stage's and of a record stage's worker have in common: places, markers, and faults of their poll thread.

A model has `source`, `broker` and `progress`.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from processors.transport.passage import Passage
from processors.transport.poll_thread import PollThread
from processors.transport.standstill import Standstill

A, B = ("in", 0), ("in", 1)
PARTITIONS = (A, B)

places = st.sampled_from(PARTITIONS)

SETTINGS = settings(
    max_examples=80, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def look_for_markers(model, known):
    """The poll thread looks for ends behind markers; of the partitions in `known` they were asked for just now."""
    model.progress.standstill.grew({place: model.broker.ends[place] for place in known})
    thread = model.source._thread
    thread._positions_due = thread._markers_due = 0.0
    thread._look_out()


def all_markers_are_passed(model):
    """Nothing is left to be lost of a partition, not even a marker."""
    for place in PARTITIONS:
        met = model.source._thread._passage.has_met(place)
        assert met or model.broker.committed(place) == model.broker.ends[place], place


FAULTS = {
    "the assignment's change ignored": (PollThread, "_poll", "generation == self.generation", "True"),
    "not begun again": (PollThread, "_begin_again", "self.consumer.assign(", "(lambda *_: None)("),
    "not read on behind a batch": (PollThread, "poll", "if passed:", "if False:"),
    "a batch answered from its start": (
        Passage,
        "stand_ins",
        "batch.records(at, at + most)",
        "batch.records(batch.base, batch.base + most)",
    ),
    "markers passed before records in flight": (
        Standstill,
        "read_over",
        "has_read_over(place)",
        "place.position < place.read_to == place.end",
    ),
    "markers passed unread": (
        Standstill,
        "read_over",
        "has_read_over(place)",
        "place.given <= place.position < place.end",
    ),
}
"""Rules of the poll thread: owner, method, the rule, what stands there instead."""
