"""The whole report: this machine, then the stack that runs at a state directory, if one does."""

from pathlib import Path

from loanstream.doctor.check import Check
from loanstream.doctor.machine import check_machine
from loanstream.doctor.running_stack import check_stack
from loanstream.running import Running
from loanstream.stack.layout import Layout, read_stack
from loanstream.stack.problem import StackProblem


def run_doctor(state: Path) -> list[Check]:
    """Check the machine, then every part of a running stack. Never raises for what it finds."""
    state = state.expanduser().absolute()
    checks = list(check_machine(state))
    try:
        # Not Running.at: of a stack that was killed the doctor names the dead parts.
        running = Running(Layout(state), read_stack(state))
    except StackProblem as problem:
        return [*checks, Check("stack", True, str(problem))]
    return [*checks, *check_stack(running)]
