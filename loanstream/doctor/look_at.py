"""What the doctor looks at in any installation: each look says whether it is well and what it found, or raises."""

import re
import time
import uuid
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from clickhouse_connect.driver.exceptions import ClickHouseError

from loanstream.doctor.check import Found
from loanstream.install import grants
from loanstream.install import topics as installed
from loanstream.install.retention import wanted_of
from loanstream.installation import Installation
from loanstream.reach import kafka_fault, operator, own_words, warehouse_fault
from loanstream.sight import sight_fault
from loanstream.stack.clickhouse.errors import PROBE
from loanstream.stack.running import RunningStack
from loanstream.tenants.at import book_of
from schemas.operations import SKEW_MOST_MS
from schemas.problem import Problem
from stores.documents.blobs import StoreDownError
from stores.warehouse.retention import Change, by_table, held, told

TOLD = 3
"""So many of a kind are told by name; a new tenant may lack all of its topics."""
AHEAD_MOST_MS = SKEW_MOST_MS // 5
"""Well before the brokers' clocks differ by more than activations allow for."""
SET_CLOCKS = "set the clocks of brokers and of this machine by NTP: activations bear a difference of 5 s"
# Nothing comes of these where they are not refused.
PROBES: Mapping[str, str] = {
    "CREATE": "CREATE TABLE IF NOT EXISTS decisions_log (refused UInt8) ENGINE = Memory",
    "INSERT": "INSERT INTO decisions_log SELECT * FROM decisions_log WHERE 0",
    "file()": "SELECT * FROM file('/dev/null', 'LineAsString')",
    "url()": "DESCRIBE TABLE url('http://127.0.0.1:1/', 'LineAsString', 'line String')",
    "executable()": "DESCRIBE TABLE executable('true', 'TSV', 'line String')",
}
_REFUSED = re.compile(r"\bcode: (164|497)\b", re.IGNORECASE)
"""READONLY and ACCESS_DENIED: another failure of a probe is none of the account's limits."""


def kafka(installation: Installation) -> Found:
    """Whether a broker answers the operator."""
    fault = kafka_fault(operator(installation))
    return fault is None, installation.bootstrap if fault is None else fault.said


def operators_sight(installation: Installation) -> Found:
    """Whether the operator may see what is ours; where not, absence and silence would be told in its place."""
    fault = sight_fault(installation)
    return fault is None, "sees every topic and group of ours" if fault is None else fault.said


def topics(installation: Installation) -> Found:
    """Whether every topic is there, with its partitions."""
    wrong = installed.differences(installation.admin_settings, installation.tenants)
    if not wrong:
        return True, f"all there for {', '.join(installation.tenants)}, with their partitions"
    return False, some(wrong)


def banks(installation: Installation) -> Found:
    """Whether no bank is half added."""
    book = book_of(installation)
    half = [name for name, standing in book.standings.items() if standing == "adding"] if book is not None else []
    if half:
        return False, f"half added: {', '.join(half)}"
    return True, ", ".join(installation.tenants) or "none is served yet"


def some(lines: list[str]) -> str:
    """The first few, and how many more there are."""
    more = f"; and {len(lines) - TOLD} more" if len(lines) > TOLD else ""
    return "; ".join(lines[:TOLD]) + more


def rights(installation: Installation) -> Found:
    """Whether everybody may do at the broker what the table of access says, and no more."""
    try:
        if not grants.is_guarded(installation):
            return True, "nobody is refused: whoever reaches the broker may do everything"
        found = grants.change(installation)
    except grants.NotAllowed:
        return True, "kept by others: the operator may not see them"
    wrong, told = found.lines, found.told
    return not wrong, some([*wrong, *told]) if wrong or told else "those of the table, for everybody"


def clocks(installation: Installation) -> Found:
    """Of each broker's newest stamp, how far it is ahead of this machine's clock: what is behind cannot be seen so."""
    newest = installed.newest_stamps(installation.admin_settings, installation.tenants)
    now_ms = time.time_ns() // 1_000_000
    ahead = {broker: (at_ms - now_ms) / 1000 for broker, at_ms in newest.items() if at_ms - now_ms > AHEAD_MOST_MS}
    if ahead:
        told = (f"broker {broker} is {seconds:.1f} s ahead of this machine" for broker, seconds in ahead.items())
        return False, "; ".join(told)
    return True, f"no broker of {len(newest)} has stamped records ahead of this machine's clock"


def warehouse(installation: Installation) -> Found:
    """Whether it answers."""
    fault = warehouse_fault(installation)
    return fault is None, installation.warehouse_url if fault is None else fault.said


def retention(installation: Installation) -> Found:
    """How long rows are kept, by the warehouse; as settings say where these describe it. Nothing of it is a fault of a
    running stack's: settings are its start's.
    """
    with closing(read_client(installation)) as client:
        there = held(client)
    kept = "; ".join(told(there)) or "every row for ever"
    if isinstance(installation, RunningStack):
        return True, kept
    wanted = by_table(wanted_of(installation.settings))
    wrong = [str(Change(name, wanted[name])) for name, days in there.items() if days != wanted[name]]
    return (False, f"{some(wrong)} (kept now: {kept})") if wrong else (True, kept)


def reader(installation: Installation) -> Found:
    """Whether its account gets in."""
    read_client(installation).close()
    return True, f"{installation.warehouse_reader} logs in"


def readers_limits(installation: Installation) -> Found:
    """Whether its account can do no more than read our tables."""
    with closing(read_client(installation)) as client:
        taken = [name for name, statement in PROBES.items() if not _is_refused(client, statement)]
    return not taken, f"not refused: {', '.join(taken)}" if taken else f"refused: {', '.join(PROBES)}"


def read_client(installation: Installation) -> Any:
    """A client of the warehouse's reader. Problem where it does not get in."""
    try:
        return installation.warehouse()
    except ClickHouseError as error:
        raise Problem(f"{installation.warehouse_reader} does not get in: {own_words(error)}") from error


def _is_refused(client: Any, statement: str) -> bool:
    try:
        # The id says in the server's own log whose statement was refused, and that it was meant to be.
        client.command(statement, settings={"query_id": f"{PROBE}{uuid.uuid4()}"})
    except ClickHouseError as error:
        return _REFUSED.search(str(error)) is not None
    return False


def documents(installation: Installation) -> Found:
    """Whether the document store takes writes."""
    try:
        installation.blobs.try_write()
    except StoreDownError as error:
        return False, f"{installation.blobs.root}: {error}"
    return True, f"{installation.blobs.root} takes writes"


def keys(installation: Installation) -> Found:
    """Whether every tenant has its keys, and the warehouse its."""
    for tenant in installation.tenants:
        installation.keys.tenant(tenant)
    installation.keys.column()
    return True, f"all there for {', '.join(installation.tenants)}"
