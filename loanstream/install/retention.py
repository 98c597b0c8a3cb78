"""Retention as a step of making a warehouse ready: what settings say, held against what each table does."""

from collections.abc import Mapping
from contextlib import closing

from loanstream.installation import Installation
from loanstream.settings import SettingProblem, Settings
from stores.warehouse.migrate import pending
from stores.warehouse.retention import RETENTIONS, Change, Days, by_table, changes, held, uncounted

ANY_DATABASE = "default"
COUNTED_OF = ("decisions", "monitoring")
"""What figures are counted of: they outlive it."""


def wanted_of(settings: Settings) -> dict[str, Days]:
    """Retention -> days, None for ever. SettingProblem where figures would go before what they are counted of."""
    wanted: dict[str, Days] = {name: getattr(settings, f"retention_{name}_days") for name in RETENTIONS}
    figures = wanted["figures"]
    if figures is None:
        return wanted
    for name in COUNTED_OF:
        days = wanted[name]
        if days is None or days > figures:
            kept = "not set (for ever)" if days is None else f"{days}"
            raise SettingProblem(
                f"LOANSTREAM_RETENTION_FIGURES_DAYS is {figures}, and LOANSTREAM_RETENTION_{name.upper()}_DAYS is "
                f"{kept}; expected figures to be kept as long as what they are counted of, or longer"
            )
    return wanted


def planned(installation: Installation, wanted: Mapping[str, Days]) -> list[str]:
    """A line for each table whose retention would be set, one that a migration is still to make included."""
    with closing(installation.warehouse_writer(database=ANY_DATABASE)) as client:
        there, found = held(client), changes(client, wanted)
        waits = _waiting(client, found)
        coming = by_table(wanted) if pending(client) else {}
    new = [Change(table, days) for table, days in coming.items() if table not in there and days is not None]
    return [str(change) for change in (*found, *new) if change.table not in waits]


def waiting(installation: Installation, wanted: Mapping[str, Days]) -> list[str]:
    """A line for each table whose retention waits, since figures of what would go are not counted yet."""
    with closing(installation.warehouse_writer(database=ANY_DATABASE)) as client:
        waits = _waiting(client, changes(client, wanted))
    return [
        f"{table} keeps its rows for now: {hours} hours of what would go are not counted yet, a hundred a minute are; "
        "run it again then"
        for table, hours in waits.items()
    ]


def make(installation: Installation, wanted: Mapping[str, Days]) -> None:
    """Set what differs and need not wait. Returns when the rows that are older are gone, or on their way."""
    with closing(installation.warehouse_writer(database=ANY_DATABASE)) as client:
        found = changes(client, wanted)
        waits = _waiting(client, found)
        for change in found:
            if change.table not in waits:
                client.command(change.statement)


def _waiting(client: object, found: list[Change]) -> dict[str, int]:
    """Table -> how many hours are still to be counted before rows may go from it."""
    counted_of = {table for name in COUNTED_OF for table in RETENTIONS[name].tables if table != "outcomes_log"}
    hours = {
        change.table: uncounted(client, change.days) for change in found if change.going and change.table in counted_of
    }
    return {table: count for table, count in hours.items() if count}
