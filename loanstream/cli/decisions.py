"""`loanstream decisions`: the latest decisions, or their agreement with recorded outcomes."""

from collections.abc import Iterable
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from loanstream.ask.decisions import Agreement, agreement, latest_decisions
from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.terminal import console, emit, four_decimals, table

app = verb()

_HEADINGS = (
    "tenant",
    "application",
    "revision",
    "outcome",
    "person",
    "conflict",
    "probability",
    "score",
    "first reason",
)
_NARROW = 80
_LESS = frozenset({"revision", "score"})
_OUTCOMES = ("approve", "refer", "decline")


class Outcome(StrEnum):
    """What a decision may be."""

    APPROVE = "approve"
    REFER = "refer"
    DECLINE = "decline"


@app.command()
def decisions(
    tenant: TenantOption = None,
    outcome: Annotated[Outcome | None, typer.Option(help="only these")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="at most so many")] = 20,
    compare: Annotated[Path | None, typer.Option(help="CSV with recorded outcomes to compare with")] = None,
    id_prefix: Annotated[str, typer.Option(help="with --compare: the one the file was submitted with")] = "",
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """The latest decisions; with --compare, their agreement with a file's recorded outcomes."""
    if id_prefix and compare is None:
        raise typer.BadParameter("--id-prefix is of use with --compare alone")
    installation = installation_of(state)
    narrowed = installation.narrowed(tenant)
    with closing(installation.warehouse()) as client:
        if compare is not None:
            found = agreement(client, compare, narrowed, id_prefix)
            emit(found.as_json(), agreement_text(found), as_json=as_json)
            return
        rows = latest_decisions(client, narrowed, outcome, limit)
    emit(rows, decisions_table(rows, console().width), as_json=as_json)


def decisions_table(found: list[dict[str, Any]], width: int) -> Table:
    """The decisions as a table; on a narrow terminal without what `show` tells and what is the same in every row.

    What persons decided has a column where they did. Conflicts have one where there are any, and a line below that
    says what they are.
    """
    one_tenant = len({row["tenant"] for row in found}) == 1
    out = (_LESS | ({"tenant"} if one_tenant else set())) if width < _NARROW else set()
    conflicts = sum(row["conflict"] for row in found)
    out |= set() if conflicts else {"conflict"}
    out |= set() if any(row["human_decision"] for row in found) else {"person"}
    kept = [index for index, heading in enumerate(_HEADINGS) if heading not in out]
    rows = [tuple(row[index] for index in kept) for row in decisions_rows(found)]
    of = f" of {found[0]['tenant']}" if "tenant" in out else ""
    shown = table(f"The latest {len(rows)} decisions{of}", *(_HEADINGS[index] for index in kept), rows=rows)
    if conflicts:
        shown.caption = (
            f"{conflicts} in conflict: the id and revision was decided in other ways, too; see loanstream show"
        )
        shown.caption_justify = "left"
    return shown


def decisions_rows(found: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows of a table of decisions, in the order of the headings."""
    return [
        (
            row["tenant"],
            row["application_id"],
            row["revision"],
            row["outcome"],
            row["human_decision"] or "",
            "conflict" if row["conflict"] else "",
            four_decimals(row["p_calibrated"]),
            four_decimals(row["score_final"]),
            row["first_reason"],
        )
        for row in found
    ]


def agreement_text(found: Agreement) -> str:
    """The confusion table, and what it comes to."""
    share = "nothing to compare" if found.agreement is None else f"{100 * found.agreement:.1f} %"
    lines = [f"{'recorded':<12}" + "".join(f"{outcome:>10}" for outcome in _OUTCOMES)]
    lines += [
        f"{status:<12}" + "".join(f"{found.table[status, outcome]:>10}" for outcome in _OUTCOMES)
        for status in ("approved", "rejected")
    ]
    lines += [
        "",
        f"agreement of approve and decline with the recorded status: {share} of {found.compared}",
        f"referred to a person: {found.referred}; in the file without a decision: {found.undecided}",
    ]
    return "\n".join(lines)
