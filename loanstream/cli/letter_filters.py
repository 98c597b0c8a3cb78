"""The options that say which dead letters are meant, shared by the verbs of `loanstream dlq`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Annotated, Any

import typer

from loanstream.cli.moments import moment
from loanstream.cli.options import TenantOption
from loanstream.dlq.asked import Asked
from loanstream.installation import Installation

OPTIONS: dict[str, Any] = {
    "tenant": TenantOption,
    "cause": Annotated[str | None, typer.Option("--cause", help="only letters of this cause, such as invalid_event")],
    "since": Annotated[
        str | None, typer.Option("--since", help="only letters since then: 15m, 2h, 7d, or a day or time (UTC)")
    ],
    "application": Annotated[str | None, typer.Option("--application", help="only letters about this application id")],
}


@dataclass(frozen=True, slots=True)
class Filters:
    """The options as they were given."""

    tenant: str | None = None
    cause: str | None = None
    since: str | None = None
    application: str | None = None

    @property
    def none(self) -> bool:
        """Whether all letters are meant."""
        return self == Filters()

    @property
    def at_most_tenant(self) -> bool:
        """Whether nothing but a bank is said."""
        return self == Filters(tenant=self.tenant)

    def asked(self, installation: Installation, *, waiting: bool = False) -> Asked:
        """What they mean now. Problem where one means nothing."""
        since = None if self.since is None else moment(self.since, datetime.now(UTC))
        return Asked(installation.narrowed(self.tenant), self.cause, since, self.application, waiting)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first argument is the filters, as Typer wants it: each an option of its own."""

    @wraps(command)
    def run(**given: Any) -> None:
        filters = Filters(**{name: given.pop(name) for name in OPTIONS})
        command(filters, **given)

    _, *own = inspect.signature(command).parameters.values()
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in OPTIONS.items()
    ]
    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    vars(run)["__signature__"] = inspect.Signature([*options, *own])
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*options, *own)}
    return run
