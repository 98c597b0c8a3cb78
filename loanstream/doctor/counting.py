"""What the doctor looks at in the warehouse's figures: whether what counts hours runs, and gets on."""

from contextlib import closing

from loanstream.doctor.check import Found
from loanstream.doctor.look_at import read_client, some
from loanstream.installation import Installation

LATE_MIN = 30
"""An hour is counted ten to twelve minutes after its last row: after so many something is wrong."""

VIEWS = ("count_hours", "mark_counted")

# A refresh that somebody stopped has no code, and is seen by the hours that wait.
_FAILING = """
SELECT view, exception
FROM system.view_refreshes
WHERE database = 'loanstream' AND view IN {views:Array(String)} AND startsWith(exception, 'Code: ')
ORDER BY view
"""
_KNOWN = "SELECT count() FROM system.view_refreshes WHERE database = 'loanstream' AND view IN {views:Array(String)}"
_LATE = """
SELECT count(), toString(min(touched_at)) FROM loanstream.hours_state
WHERE NOT is_counted AND touched_at < now64(3) - toIntervalMinute({late:UInt8})
"""


def figures(installation: Installation) -> Found:
    """Whether hours are counted for figures soon after their last record; until then each question counts them anew."""
    views = {"views": list(VIEWS)}
    with closing(read_client(installation)) as client:
        known = client.query(_KNOWN, parameters=views).first_row[0]
        failing = [
            f"{view} fails: {code_of(fault)}" for view, fault in client.query(_FAILING, parameters=views).result_rows
        ]
        late, since = client.query(_LATE, parameters={"late": LATE_MIN}).first_row
    absent = [] if known == len(VIEWS) else [f"{len(VIEWS) - known} of {', '.join(VIEWS)} is absent"]
    waiting = [f"{late} hours wait to be counted, the first since {since} UTC"] if late else []
    wrong = [*absent, *failing, *waiting]
    return (
        (False, some(wrong)) if wrong else (True, f"every hour is counted within {LATE_MIN} minutes of its last record")
    )


def code_of(fault: str) -> str:
    """ClickHouse's code alone: the text of a fault may quote a row.

    >>> code_of("Code: 241. DB::Exception: Memory limit")
    'code 241'
    """
    return f"code {fault.removeprefix('Code: ').partition('.')[0]}"
