"""A dashboard's figures, panel by panel; whatever goes wrong with one stays with it, as a sentence."""

import logging
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, Final

from dashboards.macros import MacroProblem
from dashboards.panels import MARKS, Dashboard, Panel
from dashboards.preview.answers import answer, plain, problem
from dashboards.preview.asking import Asking, Unanswered
from dashboards.preview.choice import Choices, NotAllowed, Unreadable
from dashboards.preview.times import NoTime

log = logging.getLogger(__name__)

FOR_THE_OPERATOR: Final = (
    "This is not of one bank, so it is shown to the operator alone: open the preview without --tenant."
)
AT_FAULT: Final = "This panel failed here, not in the warehouse. Please report it, with the panel's title."

Given = Mapping[str, Sequence[str]]
"""What was chosen: an address' parameters, name -> its values in their order."""


class Figures:
    """Answers of dashboards, for whatever shows them; `choices` and `asking` are of one warehouse."""

    def __init__(self, choices: Choices, asking: Asking) -> None:
        self._choices, self._asking = choices, asking

    async def of_panel(self, panel: Panel, dashboard: Dashboard, given: Given) -> dict[str, Any]:
        """One panel's figures, or why there are none."""
        return await _told(dashboard, self._panel(panel, dashboard, given))

    async def of_variables(self, dashboard: Dashboard, given: Given) -> dict[str, Any]:
        """What can be chosen, and what is."""
        return await _told(dashboard, self._variables(dashboard, given))

    async def of_marks(self, dashboard: Dashboard, given: Given) -> dict[str, Any]:
        """Moments that charts are annotated with."""
        return await _told(dashboard, self._marks(dashboard, given))

    async def _panel(self, panel: Panel, dashboard: Dashboard, given: Given) -> dict[str, Any]:
        choice = await self._choices.read(dashboard, given)
        found = await self._asking.ask(self._choices.expanded(panel.sql, choice))
        return answer(panel, self._choices.shown(found), choice)

    async def _variables(self, dashboard: Dashboard, given: Given) -> dict[str, Any]:
        choice = await self._choices.read(dashboard, given)
        return {"options": choice.options, "values": choice.values}

    async def _marks(self, dashboard: Dashboard, given: Given) -> dict[str, Any]:
        choice = await self._choices.read(dashboard, given)
        marks = []
        for name in dashboard.marks:
            found = await self._asking.ask(self._choices.expanded(MARKS[name].sql, choice))
            marks += [_mark(MARKS[name].colour, found.names, row) for row in found.rows]
        return {"marks": marks}


async def _told(dashboard: Dashboard, asked: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    try:
        return await asked
    except (Unanswered, NoTime, Unreadable) as error:
        return problem(str(error))
    except NotAllowed:
        return {"columns": [], "rows": [], "notes": [], "why": FOR_THE_OPERATOR}
    except MacroProblem as error:
        log.error("%s: %s", dashboard.uid, error)  # noqa: TRY400 - the message names the fault of the query
        return problem(AT_FAULT)
    except Exception as error:  # noqa: BLE001 - one panel's fault is not another's
        log.error("%s: %s", dashboard.uid, type(error).__name__)  # noqa: TRY400 - a trace holds values
        return problem(AT_FAULT)


def _mark(colour: str, names: Iterable[str], row: tuple[Any, ...]) -> dict[str, Any]:
    fields = dict(zip(names, map(plain, row), strict=True))
    return {
        "time": fields["time"],
        "title": str(fields.get("title", "")),
        "text": str(fields.get("text", ""))[:500],
        "tags": [tag for tag in str(fields.get("tags", "")).split(",") if tag],
        "colour": colour,
    }
