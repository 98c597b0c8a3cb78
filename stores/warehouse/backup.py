"""The warehouse's database as one backup, made and restored by the process that owns it.

A backup is a directory in the place that the warehouse allows (the embedded one: `backups` beside its data). It is made
while rows come: each table is taken as it is when its turn comes, so that a batch may be in a log and not yet in what
follows from it. Restoring makes that anew. What was recorded after the backup is not in it.
"""

import re
import time
from dataclasses import dataclass
from typing import Any

from schemas.problem import Problem
from stores.warehouse.client import DATABASE

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

FOLLOWS = (
    """
    INSERT INTO loanstream.decision_keys_log
    SELECT
        tenant, reinterpretAsUInt128(sipHash128(tenant, application_id, revision)) AS revision_key,
        kafka_topic, kafka_partition, kafka_offset
    FROM loanstream.decisions_log
    """,
    """
    INSERT INTO loanstream.decision_repeats_log
    SELECT tenant, kafka_topic, kafka_partition, kafka_offset
    FROM
    (
        SELECT
            tenant, kafka_topic, kafka_partition, kafka_offset,
            min(kafka_offset) OVER
                (PARTITION BY tenant, application_id, revision, kafka_topic, kafka_partition) AS first_offset
        FROM loanstream.decisions_log
    )
    WHERE kafka_offset > first_offset
    """,
    *(
        f"INSERT INTO loanstream.hours_touched SELECT hour, now64(3) AS at FROM loanstream.{log} GROUP BY hour"  # noqa: S608
        for log in ("decisions_log", "applications_log", "monitoring_log", "verifications_log", "features_log")
    ),
)
"""What follows from the logs, made anew of all their rows; what is there already stays as it is. Hours are counted once
more: with what came when the backup was made they may not have been.
"""

_OF_AN_OUTCOME = "tenant, revision_key, kind, kafka_partition, kafka_offset"

BY_VIEWS = {
    "deciders_of_decisions": "INSERT INTO loanstream.deciders_log {}",
    "decisions_of_outcomes": f"""
    INSERT INTO loanstream.outcomes_decided_log
    SELECT * FROM ({{}})
    WHERE ({_OF_AN_OUTCOME}) NOT IN (SELECT {_OF_AN_OUTCOME} FROM loanstream.outcomes_decided_log)
    """,  # noqa: S608 - of constants
}
"""A materialized view -> how what it makes of its log's rows is made anew of all of them: deciders are merged, outcomes
are added where they lack. What stands beside an outcome stays, as retention may have taken its decision since.
"""


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made or restored: how many files of how many bytes, in how many seconds."""

    name: str
    files: int
    size: int
    seconds: float


def back_up(client: Any, name: str, base: str | None = None) -> Backup:
    """Make a backup called `name`; with `base`, of what that one has not. The account must be let BACKUP.

    Problem for a name that is none, or that is taken.
    """
    since = f" SETTINGS base_backup = {_file(base)}" if base is not None else ""
    return _done(client, f"BACKUP DATABASE {DATABASE} TO {_file(name)}{since}", name)


def restore(client: Any, name: str) -> Backup:
    """Restore the backup called `name` into a warehouse without a row. Problem where there is one.

    The base of a backup has to be there, too.
    """
    rows = client.query(f"SELECT sum(total_rows) FROM system.tables WHERE database = '{DATABASE}'").first_row[0]  # noqa: S608
    if rows:
        raise Problem(f"the warehouse holds {rows} rows; expected an empty one to restore {name} into")
    for table in client.query(f"SELECT name FROM system.tables WHERE database = '{DATABASE}'").result_rows:  # noqa: S608
        client.command("DROP TABLE IF EXISTS {table:Identifier} SYNC", parameters={"table": f"{DATABASE}.{table[0]}"})
    done = _done(client, f"RESTORE DATABASE {DATABASE} FROM {_file(name)}", name)
    for statement in FOLLOWS:
        client.command(statement)
    for view, statement in BY_VIEWS.items():
        client.command(statement.format(_select_of(client, view)))
    return done


def _select_of(client: Any, view: str) -> str:
    sql = f"SELECT as_select FROM system.tables WHERE database = '{DATABASE}' AND name = {{view:String}}"  # noqa: S608
    return str(client.query(sql, parameters={"view": view}).first_row[0])


def _done(client: Any, statement: str, name: str) -> Backup:
    began = time.monotonic()
    # As text: the client asks so what is no question.
    identity = str(client.command(statement)[0])
    seconds = time.monotonic() - began
    told = client.query(
        "SELECT num_files, total_size FROM system.backups WHERE id = {id:String}", parameters={"id": identity}
    )
    files, size = told.first_row
    return Backup(name, int(files), int(size), seconds)


def _file(name: str) -> str:
    if NAME.fullmatch(name) is None:
        raise Problem(f"a backup's name is {NAME.pattern}; found {len(name)} characters that are none")
    return f"File('{name}')"
