"""The whole report: this machine, then the stack that runs at a state directory, if one does."""

from pathlib import Path

from loanstream.doctor.check import Check
from loanstream.doctor.machine import check_machine
from loanstream.doctor.running_stack import check_stack
from loanstream.installation import Installation
from loanstream.stack.layout import Layout, read_stack
from schemas.problem import Problem


def run_doctor(state: Path) -> list[Check]:
    """Check the machine, then every part of a running stack. Never raises for what it finds."""
    state = state.expanduser().absolute()
    checks = list(check_machine(state))
    try:
        # Not Installation.at: of a stack that was killed the doctor names the dead parts.
        running = Installation(Layout(state), read_stack(state))
    except Problem as problem:
        return [*checks, Check("stack", True, str(problem))]
    return [*checks, *check_stack(running)]
