"""`loanstream worker`: one worker in the foreground."""

from enum import StrEnum
from typing import Annotated

import typer

from loanstream.cli.options import verb

app = verb()


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
    lane: Annotated[Lane, typer.Option(help="verify's lane")] = Lane.FAST,
    slot: Annotated[
        int | None, typer.Option(min=0, max=999, help="which worker of its stage this one is (LOANSTREAM_SLOT)")
    ] = None,
) -> None:
    """Run one worker: verify [--lane fast|slow], score or record; settings from the environment."""
    from loanstream.settings import load
    from loanstream.worker import run

    settings = load()
    name = "verify-slow" if (stage, lane) == (Stage.VERIFY, Lane.SLOW) else stage.value
    raise typer.Exit(run(name, settings, settings.slot if slot is None else slot))
