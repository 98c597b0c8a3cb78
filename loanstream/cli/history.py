"""`loanstream history`: which bundle and policy decide, since when, by whose word."""

from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError

from loanstream.ask.activations import Known, decided, known, told_activations
from loanstream.cli.activation_text import decided_lines, history_lines
from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.terminal import emit
from schemas.operations import ACTIVATION_LEAD_MS
from schemas.values import Timestamp, ms_of_utc, rfc3339_of_ms

app = verb()

_moment: TypeAdapter[Any] = TypeAdapter(Timestamp)


@app.command()
def history(
    tenant: TenantOption = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            help="tell instead what decides on an application accepted at this moment, such as 2026-11-29T09:30:00Z",
        ),
    ] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Every activation in order: who, when, why, what is in force; with --as-of, what decided at a moment."""
    at_ms = None if as_of is None else _ms(as_of)
    found = known(installation_of(state))
    if at_ms is None:
        _whole(found, tenant, as_json=as_json)
    else:
        _as_of(found, tenant, at_ms, as_json=as_json)


def _ms(text: str) -> int:
    try:
        return ms_of_utc(_moment.validate_python(text))
    except ValidationError:
        raise typer.BadParameter(
            "--as-of: expected a moment as RFC 3339 writes it, with seconds and a time zone: 2026-11-29T09:30:00Z"
        ) from None


def _whole(found: Known, tenant: str | None, *, as_json: bool) -> None:
    rows = told_activations(found, tenant and found.banks(tenant)[0])
    now = decided(found, found.banks(tenant), found.now_ms)
    text = "\n".join([*history_lines(rows), "", "what decides now", *decided_lines(now)])
    emit({"activations": rows, "now": now}, text, as_json=as_json)


def _as_of(found: Known, tenant: str | None, at_ms: int, *, as_json: bool) -> None:
    rows = decided(found, found.banks(tenant), at_ms)
    final = at_ms < found.now_ms + ACTIVATION_LEAD_MS
    open_yet = [] if final else ["what is published from now on may still change this"]
    lines = [f"what decides on an application accepted at {rfc3339_of_ms(at_ms)}", *decided_lines(rows), *open_yet]
    emit({"as_of": rfc3339_of_ms(at_ms), "final": final, "decides": rows}, "\n".join(lines), as_json=as_json)
