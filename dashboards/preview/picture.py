"""A dashboard as one picture, without a browser: SVG of the figures that the preview's page would show."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final
from xml.sax.saxutils import escape

from dashboards.panels import Dashboard, Panel
from dashboards.preview.asking import Asking, Unanswered
from dashboards.preview.charts import DRAWN, Answer
from dashboards.preview.choice import Choices
from dashboards.preview.figures import Figures
from dashboards.preview.grid import COLUMNS, rows
from dashboards.preview.svg import (
    BOLDER,
    FONT,
    INK,
    LINE,
    PAGE,
    PAPER,
    SOFT,
    Box,
    length,
    rectangle,
    tag,
    words,
    wrapped,
)
from dashboards.preview.units import moment

WIDTH: Final = 1280
MARGIN, GAP, TITLE, ROW = 24.0, 12.0, 76.0, 34.0
HEADING: Final = 34.0
POINTS: Final = 96
"""So many points a chart of a picture has at most."""


def taken(connect: Callable[[], Any], dashboard: Dashboard, tenant: str | None, since: str | None = None) -> str:
    """A picture of what the warehouse says now; `since` is Grafana's relative time, the dashboard's own where None.

    `connect` and `tenant` as the preview has them. A panel without an answer says why. Raises Unanswered where no panel
    has one.
    """

    async def asked() -> tuple[dict[str, Any], list[Any]]:
        with closing(Asking(connect)) as asking:
            figures = Figures(Choices(asking, tenant), asking)
            given = {"from": [since or dashboard.since], "points": [str(POINTS)]}
            answers = {panel.id: await figures.of_panel(panel, dashboard, given) for panel in dashboard.panels()}
            return answers, (await figures.of_marks(dashboard, given)).get("marks", [])

    answers, marks = asyncio.run(asked())
    errors = [answer["error"] for answer in answers.values() if "error" in answer]
    if len(errors) == len(answers):
        raise Unanswered(errors[0])
    return drawn(dashboard, answers, marks, tenant)


def drawn(
    dashboard: Dashboard, answers: Mapping[str, Answer], marks: Sequence[Answer] = (), tenant: str | None = None
) -> str:
    """The SVG. `answers`: panel's id -> what the preview answers for it."""
    parts, y = [], TITLE
    for section in dashboard.sections:
        parts.append(words(MARGIN, y + 22, section.title, 15, SOFT, weight=600))
        y += HEADING
        for row in rows(section.panels):
            x = MARGIN
            for panel in row:
                box = Box(x, y, (WIDTH - 2 * MARGIN + GAP) * panel.width / COLUMNS - GAP, panel.height * ROW - GAP)
                parts.append(_panel(panel, answers[panel.id], box, marks))
                x = box.right + GAP
            y += max(panel.height for panel in row) * ROW
    height = y + MARGIN - GAP
    head = [
        rectangle(Box(0, 0, WIDTH, height), PAGE),
        words(MARGIN, 42, dashboard.title, 24, weight=700),
        words(MARGIN, 64, dashboard.question, 14, SOFT),
        words(WIDTH - MARGIN, 42, "every bank" if tenant is None else tenant, 14, anchor="end", room=500, weight=600),
        words(WIDTH - MARGIN, 64, _time(answers), 13, SOFT, anchor="end"),
    ]
    return tag(
        "svg",
        tag("title", escape(dashboard.title)) + "\n" + "\n".join([*head, *parts]) + "\n",
        xmlns="http://www.w3.org/2000/svg",
        width=WIDTH,
        height=height,
        viewBox=f"0 0 {WIDTH} {height:g}",
        font_family=FONT,
        role="img",
    )


def _time(answers: Mapping[str, Answer]) -> str:
    """Which time is shown, where any panel was answered."""
    found = next((answer for answer in answers.values() if "from_ms" in answer), None)
    return f"{moment(found['from_ms'])[:-3]} to {moment(found['to_ms'])[:-3]}, UTC" if found else ""


def _panel(panel: Panel, answer: Answer, box: Box, marks: Sequence[Answer]) -> str:
    frame = rectangle(box, PAPER, rx=8, stroke=LINE)
    title = words(
        box.x + 14, box.y + 24, panel.title, _size(panel.title, box.width - 26), INK, room=box.width - 22, weight=600
    )
    return tag("g", "".join([frame, title, *_content(panel, answer, box.inside(14, 36, 14, 12), marks)]))


def _size(title: str, room: float) -> float:
    """As large as fits, down to a small one."""
    return min(13.5, max(room / length(title, BOLDER), 11.5))


def _content(panel: Panel, answer: Answer, box: Box, marks: Sequence[Answer]) -> Iterator[str]:
    said = answer.get("error") or answer.get("why")
    if said or not answer["rows"]:
        for number, text in enumerate(wrapped(said or panel.when_empty, 12, box.width)):
            if (number + 1) * 16 <= box.height + 12:
                yield words(box.x, box.y + 12 + number * 16, text, 12, SOFT)
        return
    notes = " ".join(answer["notes"])
    room = box.inside(0, 0, 0, 18 if notes else 0)
    more = {"marks": marks} if panel.kind == "timeseries" else {}
    yield from DRAWN[panel.kind](panel, answer, room, **more)
    if notes:
        yield words(box.x, box.bottom + 4, notes, 11.5, SOFT, room=box.width)
