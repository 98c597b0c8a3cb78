"""What an installation decides with already, told where a start asks for something else."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from registry.change import decides, moment, told
from registry.history import Published, Step, history_of
from registry.kinds import KINDS
from stores.artefacts import Named


@dataclass(frozen=True, slots=True)
class Asked:
    """A bundle or policy (`kind`) that a start's option names: as it is written there, and its id."""

    kind: str
    written: str
    artefact_id: str

    def decides_in(self, step: Step) -> bool:
        """Whether it is what decides from that step on."""
        return KINDS[self.kind].named_by(step.in_force) == self.artefact_id


def in_force_note(
    published: Sequence[Published],
    tenants: Sequence[str],
    asked: Sequence[Asked],
    now_ms: int,
    named: Named,
    where: str = "",
) -> str | None:
    """One line where a bank is decided with something else than `asked`, and stays so: what decides, and the command
    that changes it, with `where` behind it. None where all is, or will be, as asked.

    A bank without any activation is left out: its score stage says so itself.
    """
    history = history_of(published)
    steps = {tenant: found for tenant in tenants if (found := history.steps(tenant))}
    otherwise = {
        one: others
        for one in asked
        if (others := [tenant for tenant, found in steps.items() if not one.decides_in(found[-1])])
    }
    if not otherwise:
        return None
    meant = list(dict.fromkeys(tenant for others in otherwise.values() for tenant in others))
    commands = [
        _command(one, others, everybody=len(others) == len(tenants)) + where for one, others in otherwise.items()
    ]
    return f"{_decided(steps, meant, now_ms, named)}; to change that: {' and '.join(commands)}"


def _decided(steps: dict[str, list[Step]], tenants: list[str], now_ms: int, named: Named) -> str:
    """What decides for the first of `tenants`, and who else is not decided as asked."""
    found = steps[tenants[0]]
    words = [f"{tenants[0]} is decided with {told(decides(found, now_ms), named)}"]
    words += [
        f"{told(step.in_force, named)} from {moment(step.since_ms)} on" for step in found if step.since_ms > now_ms
    ]
    others = f" (nor as asked: {', '.join(tenants[1:])})" if tenants[1:] else ""
    return ", then with ".join(words) + others


def _command(one: Asked, tenants: list[str], *, everybody: bool) -> str:
    whom = "--all-tenants" if everybody else f"--tenant {tenants[0]}"
    return f"loanstream activate {one.kind} {shlex.quote(one.written)} {whom} --reason '...'"
