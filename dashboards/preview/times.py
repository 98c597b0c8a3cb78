"""The chosen time: Grafana's words for it, and how far apart a chart's points stand."""

import re
import time
from bisect import bisect_right
from typing import Final

from dashboards.macros import Window

RANGES: Final = (
    ("now-15m", "Last 15 minutes"),
    ("now-1h", "Last hour"),
    ("now-6h", "Last 6 hours"),
    ("now-24h", "Last 24 hours"),
    ("now-7d", "Last 7 days"),
    ("now-30d", "Last 30 days"),
    ("now-90d", "Last 90 days"),
)
"""What the picker offers: the beginning of a time that ends now, and its words."""

REFRESHES: Final = ("off", "5s", "10s", "30s", "1m", "5m", "15m")

POINTS = 400
"""So many points a chart has at most, where nobody asks for another number."""
POINTS_MOST = 2000

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_RELATIVE: Final = re.compile(r"now(?:-(\d{1,6})([smhdw]))?")
_ABSOLUTE: Final = re.compile(r"\d{1,15}")
_LATEST_MS: Final = (1 << 32) * 1000 - 1000
"""The last second that ClickHouse's DateTime holds, in 2106."""

_STEPS_MS: Final = (
    # up to here (exclusive) -> this interval; Grafana's own table
    (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500),
    (1_500, 1_000), (3_500, 2_000), (7_500, 5_000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000),
    (45_000, 30_000), (90_000, 60_000), (210_000, 120_000), (450_000, 300_000), (750_000, 600_000),
    (1_050_000, 900_000), (1_500_000, 1_200_000), (2_700_000, 1_800_000), (5_400_000, 3_600_000),
    (9_000_000, 7_200_000), (16_200_000, 10_800_000), (32_400_000, 21_600_000), (86_400_000, 43_200_000),
    (604_800_000, 86_400_000), (1_814_400_000, 604_800_000), (3_628_800_000, 2_592_000_000),
)  # fmt: skip
_YEAR_MS: Final = 31_536_000_000


class NoTime(ValueError):
    """What was asked for is no time; the message says what is expected."""


def window(since: str, until: str, points: int = POINTS, now_ms: int | None = None) -> Window:
    """The time between two of Grafana's words: `now`, `now-24h`, or milliseconds since 1970. Raises NoTime.

    >>> window("now-24h", "now", now_ms=86_400_000)
    Window(from_ms=0, to_ms=86400000, interval_ms=300000)
    """
    now = int(time.time() * 1000) if now_ms is None else now_ms
    begins, ends = _moment(since, now), _moment(until, now)
    if begins >= ends:
        raise NoTime("the time ends before it begins; choose a beginning before the end")
    return Window(begins, ends, interval_ms(ends - begins, points))


def interval_ms(length_ms: int, points: int) -> int:
    """Grafana's interval for so many points: a round one.

    >>> interval_ms(30 * 86_400_000, 400)
    7200000
    """
    exact = length_ms / min(max(points, 1), POINTS_MOST)
    found = bisect_right(_STEPS_MS, exact, key=lambda step: step[0])
    return _STEPS_MS[found][1] if found < len(_STEPS_MS) else _YEAR_MS


def _moment(said: str, now_ms: int) -> int:
    relative = _RELATIVE.fullmatch(said)
    if relative:
        number, unit = relative.groups(default="")
        found = now_ms - (int(number) * _UNIT_S[unit] * 1000 if unit else 0)
    elif _ABSOLUTE.fullmatch(said):
        found = int(said)
    else:
        raise NoTime("the time is not understood; expected now, now-24h (s, m, h, d, w) or milliseconds since 1970")
    return min(max(found, 0), _LATEST_MS)
