"""Looks at the workers' own pages while a stack runs, and tells what a person should know of them."""

from collections.abc import Callable, Mapping

from loanstream.stack.probe import page
from loanstream.stack.refusals import Refusals, letters_in
from loanstream.stack.told import ToldToStop
from loanstream.stack.wellbeing import Wellbeing, complaint_of

LOOK_EVERY_S = 5.0


def watch(
    workers: Mapping[str, str], is_up: Callable[[str], bool], tell: Callable[[str], None], stop: ToldToStop
) -> None:
    """Look at the pages of the workers (name -> URL) until `stop`; to be run in a thread of its own.

    Of one that is not up, because it is being started, its supervisor tells.
    """
    refusals, wellbeing = Refusals(), Wellbeing()
    while not stop.wait(LOOK_EVERY_S):
        complaints: dict[str, str | None] = {}
        for name, url in workers.items():
            if not is_up(name):
                wellbeing.forget(name)
                continue
            complaints[name] = complaint_of(url, page)
            metrics = page(f"{url}/metrics")
            if metrics is not None:
                refusals.saw(name, letters_in(metrics.body.decode(errors="replace")))
        if stop.is_set():
            return  # they are being stopped
        for line in (*wellbeing.lines(complaints), *refusals.lines()):
            tell(line)
