"""What a worker has surely seen: it decides nothing while an activation that should be in force may be unknown to it."""

from hypothesis import example, given
from hypothesis import strategies as st

from registry.sight import Sight
from schemas.operations import ACTIVATION_LEAD_MS, SKEW_MOST_MS

NOW_MS = 1_780_000_000_000


class World:
    """One worker, a control topic and an applications topic. Each broker's clock is off by something of its own."""

    def __init__(self):
        self.time_ms, self.sight = NOW_MS, Sight()
        self.published, self.accepted, self.received, self.decided = [], [], [], []
        self.looking, self.seen = None, 0

    def publish(self, off_ms):
        self.published.append(self.time_ms + off_ms)

    def accept(self, off_ms):
        self.accepted.append(self.time_ms + off_ms)

    def receive(self, _):
        for accepted_ms in self.accepted:
            self.sight.hear(accepted_ms)
        self.received += self.accepted
        self.accepted = []

    def begin(self, _):
        if self.looking is None:
            self.looking = self.sight.begin(), len(self.published)

    def end(self, _):
        if self.looking is not None:
            began, self.seen = self.looking
            self.sight.end(began)
            self.looking = None

    def decide(self, _):
        covered = [accepted_ms for accepted_ms in self.received if self.sight.covers(accepted_ms)]
        self.decided += [(accepted_ms, self.seen) for accepted_ms in covered]
        self.received = [accepted_ms for accepted_ms in self.received if accepted_ms not in covered]

    def decided_unseen(self):
        """Records decided while an activation that is in force for them had not been seen, whenever it was published."""
        return [
            accepted_ms
            for accepted_ms, seen in self.decided
            if any(published + ACTIVATION_LEAD_MS <= accepted_ms for published in self.published[seen:])
        ]


_steps = st.lists(
    st.tuples(
        st.sampled_from(("publish", "accept", "receive", "begin", "end", "decide")),
        st.one_of(st.integers(0, 300), st.integers(0, 20_000)),
        st.integers(0, SKEW_MOST_MS),
    ),
    max_size=40,
)
LATE = [
    ("accept", 0, SKEW_MOST_MS),
    ("receive", 0, 0),
    ("begin", 0, 0),
    ("end", 0, 0),
    ("publish", 0, 0),
    ("accept", ACTIVATION_LEAD_MS, 0),
    ("receive", 0, 0),
]
"""The clocks as far apart as they may be, and a record of the moment at which what was published takes effect."""
SLOW = [
    ("begin", 0, 0),
    ("publish", 0, 0),
    ("accept", ACTIVATION_LEAD_MS, 0),
    ("receive", 0, 0),
    ("end", 0, 0),
]
"""A record that is received while a look is going on, which began long before."""


@given(_steps)
@example(LATE)
@example(SLOW)
def test_no_record_is_decided_with_an_activation_unseen_that_is_in_force_for_it(steps):
    """Whenever records come, looks begin and end, and with clocks that differ by as much as is allowed."""
    world = World()
    for step, passed_ms, off_ms in steps:
        world.time_ms += passed_ms
        getattr(world, step)(off_ms)
        world.decide(0)
    assert world.decided_unseen() == []


def test_a_look_that_began_after_the_record_came_is_enough():
    """However long nothing had come before: the first record after a silence waits for one look, and no longer."""
    sight = Sight()
    sight.end(sight.begin())
    sight.hear(NOW_MS)
    assert not sight.covers(NOW_MS)
    began = sight.begin()
    sight.end(began)
    assert sight.covers(NOW_MS)


def test_in_steady_traffic_no_record_waits():
    """A look a second is enough for what comes until the next one."""
    sight = Sight()
    for second in range(60):
        for part in range(10):
            accepted_ms = NOW_MS + second * 1000 + part * 100
            sight.hear(accepted_ms)
            assert sight.covers(accepted_ms) or second == 0
        sight.end(sight.begin())


def test_before_the_first_look_nothing_is_decided():
    """Not even what was accepted long ago: the whole history is yet to be read."""
    sight = Sight()
    sight.hear(1)
    assert not sight.covers(1)
