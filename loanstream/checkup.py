"""`loanstream doctor`: the checks on the terminal."""

from dataclasses import asdict
from pathlib import Path

from loanstream.doctor.report import run_doctor
from loanstream.show import emit, table


def checkup(state: Path, *, as_json: bool) -> int:
    """Exit code 1 where a check failed."""
    checks = run_doctor(state)
    rows = [("ok" if check.ok else "WRONG", check.name, check.found, "" if check.ok else check.fix) for check in checks]
    emit([asdict(check) for check in checks], table("doctor", "", "check", "found", "mend", rows=rows), as_json=as_json)
    return 0 if all(check.ok for check in checks) else 1
