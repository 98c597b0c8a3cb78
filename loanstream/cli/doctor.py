"""`loanstream doctor`: the checks on the terminal."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import typer

from loanstream.cli.options import AsJson, State, by_settings, state_of, verb
from loanstream.doctor.check import Check
from loanstream.doctor.report import run_doctor, run_doctor_by_settings
from loanstream.terminal import counted, emit, text_width

app = verb()


@app.command()
def doctor(state: State = None, as_json: AsJson = False) -> None:
    """Check this machine and the installation, line by line, with how to mend what is wrong.

    Exit 1 where anything is, also where no stack runs at the state that is named (--state, LOANSTREAM_STATE).
    """
    installation = by_settings(state)
    checks = (
        run_doctor_by_settings(installation) if installation else run_doctor(state_of(state), named=state is not None)
    )
    emit([asdict(check) for check in checks], tuple(lines(checks, text_width())), as_json=as_json)
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


def lines(checks: Sequence[Check], width: int) -> Iterator[str]:
    """The report within `width` columns: a check a line, set in where it runs on, and how to mend what is wrong.

    A path is not broken, for whoever copies it.

    >>> for line in lines([Check("disk", True, "9 GiB free"), Check("keys", False, "none", "make some")], 40):
    ...     print(line)
    ok     disk  9 GiB free
    WRONG  keys  none
                 mend: make some
    wrong: keys
    """
    room = max(len(check.name) for check in checks)
    for check in checks:
        head = f"{_verdict(check):<{VERDICT}}  {check.name:<{room}}  "
        told = [check.found] if check.ok or not check.fix else [check.found, f"mend: {check.fix}"]
        for number, sentence in enumerate(told):
            first = head if number == 0 else " " * len(head)
            yield from textwrap.wrap(
                sentence,
                width,
                initial_indent=first,
                subsequent_indent=" " * len(head),
                break_long_words=False,
                break_on_hyphens=False,
            )
    yield _summary(checks)


VERDICT = len("WRONG")


def _verdict(check: Check) -> str:
    return "ok" if check.ok else "WRONG" if check.looked else "-"


def _summary(checks: Sequence[Check]) -> str:
    wrong = [check.name for check in checks if check.looked and not check.ok]
    unseen = sum(not check.looked for check in checks)
    if not wrong:
        return "all is well"
    return f"wrong: {', '.join(wrong)}" + (f"; not looked at: {counted(unseen, 'line')}" if unseen else "")
