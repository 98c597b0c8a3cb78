"""`loanstream worker`: one worker in the foreground."""

import logging
from enum import StrEnum
from typing import Annotated

import typer

from loanstream.cli.options import verb

app = verb()
log = logging.getLogger(__name__)


class Stage(StrEnum):
    """What a worker may do."""

    VERIFY = "verify"
    SCORE = "score"
    RECORD = "record"


class Lane(StrEnum):
    """Verify's lanes."""

    FAST = "fast"
    SLOW = "slow"


@app.command()
def worker(
    stage: Annotated[Stage, typer.Argument(help="the stage it works for")],
    lane: Annotated[Lane | None, typer.Option(help="verify's lane (default: fast)")] = None,
    slot: Annotated[
        int | None, typer.Option(min=0, max=999, help="which worker of its stage this one is (LOANSTREAM_SLOT)")
    ] = None,
) -> None:
    """Run one worker: verify [--lane fast|slow], score or record; settings from the environment."""
    from processors.transport.logs import log_to_stderr

    if lane is not None and stage is not Stage.VERIFY:
        raise typer.BadParameter(f"--lane is verify's; {stage.value} has none")
    name = "verify-slow" if (stage, lane) == (Stage.VERIFY, Lane.SLOW) else stage.value
    log_to_stderr(name, slot or 0)  # before anything is loaded that could have something to say
    try:
        code = _run(name, slot)
    except Exception as error:
        from loanstream.problem import describe_problem

        line = describe_problem(error)
        if line is None:
            raise
        log.critical(line)
        code = 1
    raise typer.Exit(code)


def _run(name: str, slot: int | None) -> int:
    from loanstream.settings import load
    from loanstream.worker import run
    from processors.transport.logs import log_to_stderr

    settings = load()
    place = settings.slot if slot is None else slot
    log_to_stderr(name, place)
    return run(name, settings, place)
