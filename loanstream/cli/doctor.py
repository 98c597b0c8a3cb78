"""`loanstream doctor`: the checks on the terminal."""

from dataclasses import asdict

import typer

from loanstream.cli.options import AsJson, State, by_settings, state_of, verb
from loanstream.doctor.report import run_doctor, run_doctor_by_settings
from loanstream.terminal import emit, table

app = verb()


@app.command()
def doctor(state: State = None, as_json: AsJson = False) -> None:
    """Check this machine and the installation, line by line, with how to mend what is wrong."""
    installation = by_settings(state)
    checks = run_doctor_by_settings(installation) if installation else run_doctor(state_of(state))
    rows = [("ok" if check.ok else "WRONG", check.name, check.found, "" if check.ok else check.fix) for check in checks]
    emit([asdict(check) for check in checks], table("doctor", "", "check", "found", "mend", rows=rows), as_json=as_json)
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)
