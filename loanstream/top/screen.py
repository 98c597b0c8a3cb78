"""A frame as text that fits a terminal of 80 columns and 24 lines."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from loanstream.terminal import counted
from loanstream.top.frame import DECISION, Backlog, Frame, Pace, Told
from schemas.stages import STAGES

NONE = "-"
CAUSES_MOST = 3
WAITED_S = 60.0
"""What has waited for so long is shown as a warning, as the doctor looks at it."""
OLD_S = 3.0
"""Figures that are older are told as such: each is looked at every second."""
SHORT_ID = 8
"""Of an id so many characters tell it apart on a screen."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_SECOND_MS = 1000.0
_EVERYTHING = 100


def screen(frame: Frame, hint: str = "") -> Group:
    """All of it; `hint` stands at the end of the first line."""
    head = Text(f"loanstream top  {frame.tenant or 'all banks'}  {frame.at[:19]}Z", style="bold")
    head.append(f"  {hint}" if hint else "", style="dim")
    blank = Text("")
    parts: list[Any] = [head, blank, _stages(frame), blank]
    parts += [] if frame.told is None else [*_told(frame.told)]
    parts += [Text(f"{who} not asked: {why}", style="red") for who, why in frame.away.items()]
    parts += [
        Text(f"{who} not heard for {age:.0f} s: its figures are of then", style="yellow")
        for who, age in frame.ages_s.items()
        if age > OLD_S
    ]
    return Group(*parts)


def _stages(frame: Frame) -> Table:
    made = Table(show_edge=False, pad_edge=False, box=None, header_style="bold", expand=False, padding=(0, 2, 0, 0))
    made.add_column("stage")
    for name in ("workers", "rec/s 10s", "rec/s 1m", "waiting", "oldest", "p50", "p99"):
        made.add_column(name, justify="right", no_wrap=True)
    paces = {} if frame.told is None else frame.told.paces
    for stage in STAGES:
        made.add_row(stage, *_row((frame.backlogs or {}).get(stage), paces.get(stage, Pace())))
    whole = paces.get(DECISION, Pace())
    made.add_row(DECISION, *[""] * 5, _milliseconds(whole.p50_ms), _milliseconds(whole.p99_ms), style="dim")
    return made


def _row(backlog: Backlog | None, pace: Pace) -> Iterator[str | Text]:
    """A stage's cells behind its name."""
    nobody = backlog is not None and backlog.workers == 0
    workers = NONE if backlog is None or backlog.workers is None else str(backlog.workers)
    yield Text(workers, style="red" if nobody else "")
    yield _rate(pace.per_s_10)
    yield _rate(pace.per_s_60)
    yield NONE if backlog is None else f"{backlog.waiting:,}"
    oldest = None if backlog is None else backlog.oldest_s
    yield Text(duration(oldest), style="yellow" if oldest is not None and oldest > WAITED_S else "")
    yield _milliseconds(pace.p50_ms)
    yield _milliseconds(pace.p99_ms)


def _told(told: Told) -> Iterator[Any]:
    made = Table(show_edge=False, pad_edge=False, box=None, header_style="bold", padding=(0, 2, 0, 0))
    made.add_column("decisions")
    for name in ("last minute", "last hour", "share"):
        made.add_column(name, justify="right", no_wrap=True)
    hours = sum(hour for _, hour in told.decisions.values())
    for outcome, (minute, hour) in told.decisions.items():
        share = f"{100 * hour / hours:.1f} %" if hours else NONE
        made.add_row(outcome, f"{minute:,}", f"{hour:,}", share)
    yield made
    yield Text("")
    yield _letters(told.dead_letters)
    yield _activation(told.activation)


def _letters(letters: Mapping[str, int]) -> Text:
    most = [f"{cause} {count}" for cause, count in list(letters.items())[:CAUSES_MOST]]
    rest = len(letters) - len(most)
    causes = ", ".join(most) + (f" and {counted(rest, 'cause')} more" if rest else "")
    return Text(
        f"dead letters in the last hour: {sum(letters.values())}" + (f" ({causes})" if causes else ""),
        style="yellow" if letters else "",
        no_wrap=True,
        overflow="ellipsis",
    )


def _activation(row: Mapping[str, Any] | None) -> Text:
    if row is None:
        return Text("last activation: none is known here")
    what = [
        f"{kind} {row[f'{kind}_id'].removeprefix('sha256:')[:SHORT_ID]}"
        for kind in ("bundle", "policy")
        if row[f"{kind}_id"]
    ]
    what += [f"withdraws {row['withdraws'][:SHORT_ID]}"] if row["withdraws"] else []
    what += ["a rollback"] if row["rolls_back"] else []
    said = f"last activation: {row['at'][:16]}Z  {row['tenant'] or 'all banks'}: {', '.join(what)}"
    # Whatever a person wrote is one line, and moves no cursor.
    who = "".join(one if one.isprintable() else " " for one in f"by {row['actor']}: {row['reason']}")
    return Text(f"{said}\n  {who}", no_wrap=True, overflow="ellipsis")


def duration(seconds: float | None) -> str:
    """Seconds in at most seven characters.

    >>> [duration(one) for one in (None, 0.31, 59.96, 3599.0, 5400.0, 200_000.0)]
    ['-', '0.3 s', '60.0 s', '60 min', '1.5 h', '2.3 d']
    """
    if seconds is None:
        return NONE
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h" if seconds < _DAY_S else f"{seconds / _DAY_S:.1f} d"


def _milliseconds(found: float | None) -> str:
    if found is None:
        return NONE
    return f"{found:.0f} ms" if found < _SECOND_MS else duration(found / _SECOND_MS)


def _rate(found: float | None) -> str:
    return NONE if found is None else f"{found:,.1f}" if found < _EVERYTHING else f"{found:,.0f}"
