"""An installation's warehouse as dashboards ask it: by the account that may only read, for a few seconds a question."""

import logging
from collections.abc import Callable
from typing import Any

from dashboards.panels import Dashboard
from dashboards.preview.asking import ANSWER_S, Unanswered
from dashboards.preview.picture import taken
from loanstream.installation import Installation
from schemas.problem import Problem
from stores.warehouse.client import connect


def reader(installation: Installation) -> Callable[[], Any]:
    """Makes clients that fail where no answer comes, instead of asking again. Problem where no warehouse is named."""
    url, user, settings = installation.warehouse_url, installation.warehouse_reader, installation.settings

    def connected() -> Any:
        password = settings.warehouse_reader_password
        return connect(url, user, password, answer_s=int(ANSWER_S), ca=settings.warehouse_ca)

    return connected


def picture(installation: Installation, dashboard: Dashboard, tenant: str | None, since: str | None = None) -> str:
    """SVG of a dashboard as it is now, of one bank or of all. Problem where no panel is answered."""
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # its lines quote questions
    try:
        return taken(reader(installation), dashboard, installation.narrowed(tenant), since)
    except Unanswered as error:
        raise Problem(f"no picture was made: {error}") from None
