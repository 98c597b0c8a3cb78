"""What a worker has surely seen of the control topic, told by the brokers' stamps alone: no clock of ours is asked."""

from schemas.operations import ACTIVATION_LEAD_MS, SKEW_MOST_MS

LOOK_LASTS_MS = ACTIVATION_LEAD_MS - SKEW_MOST_MS
"""A record may have been accepted so much later than the latest one that was received when the look began."""


class Sight:
    """Which records may be decided after the looks there were; one thread looks, another asks.

    A record that was received with the stamp T proves that the broker's time is past T. So a look that begins after
    that sees all that was published before T, and what it does not see takes effect after T + lead. It is also enough
    for a record accepted later than T, as long as the lead is not used up; half of the lead is kept for what the
    brokers' clocks may differ by (`SKEW_MOST_MS`).

    In steady traffic a look a second is enough. After a silence the first record needs a look that begins after it was
    received; by then it is itself what was heard of last.

    >>> sight = Sight()
    >>> began = sight.begin()  # nothing was received yet
    >>> sight.end(began)
    >>> sight.hear(1_780_000_000_000)
    >>> sight.covers(1_780_000_000_000)
    False
    >>> sight.end(sight.begin())
    >>> sight.covers(1_780_000_000_000), sight.covers(1_780_000_004_999), sight.covers(1_780_000_005_000)
    (True, True, False)
    """

    def __init__(self) -> None:
        self._heard_ms = 0
        self._seen_ms: int | None = None

    def hear(self, accepted_ms: int) -> None:
        """A record accepted at this moment has been received."""
        self._heard_ms = max(self._heard_ms, accepted_ms)

    @property
    def heard_ms(self) -> int:
        """The latest acceptance heard of."""
        return self._heard_ms

    def begin(self) -> int:
        """A look begins; what to tell `end` once everything up to the topic's end at a later moment has been read."""
        return self._heard_ms

    def end(self, began: int) -> None:
        """It is over."""
        self._seen_ms = began

    def covers(self, accepted_ms: int) -> bool:
        """Whether what takes effect at `accepted_ms`, or before, has been seen."""
        return self._seen_ms is not None and accepted_ms < self._seen_ms + LOOK_LASTS_MS
