"""A moment as a person writes it: a time, a day, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

from schemas.problem import WrongOption

_AGO = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
EXPECTED = "expected a duration (90s, 15m, 2h, 7d), a day (2026-11-29) or a time (2026-11-29T09:30Z)"


def moment(text: str, now: datetime) -> datetime:
    """The moment that `text` means; without a time zone it is UTC. WrongOption for anything else.

    >>> moment("2h", datetime(2026, 11, 29, 12, tzinfo=UTC)).isoformat()
    '2026-11-29T10:00:00+00:00'
    >>> moment("2026-11-29", datetime(2026, 11, 29, 12, tzinfo=UTC)).isoformat()
    '2026-11-29T00:00:00+00:00'
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise WrongOption(f"{text!r} is no moment; {EXPECTED}") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
