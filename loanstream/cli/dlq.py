"""`loanstream dlq`: dead letters on the terminal."""

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from heapq import nlargest
from typing import Annotated, Any

import typer
from rich.console import Group

from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.dlq.box import DeadLetterBox, Letter, LetterId, RecordAgain
from loanstream.dlq.recording import recording_again
from loanstream.installation import Installation
from loanstream.terminal import emit, table
from schemas.causes import CAUSES
from schemas.values import rfc3339

app = verb()


@app.callback()
def dlq() -> None:
    """Dead letters: list, show, send back."""


PREVIEW_BYTES = 2000


def list_letters(installation: Installation, tenant: str | None, limit: int, *, as_json: bool) -> int:
    """The newest `limit` dead letters, oldest first, and how many there are by cause."""
    causes: Counter[str] = Counter()

    def counted() -> Iterator[Letter]:
        for letter in _box(installation).letters(tenant and installation.tenant(tenant)):
            causes[letter.letter.cause] += 1
            yield letter

    # They come a partition after the other.
    newest = nlargest(limit, counted(), key=lambda found: (found.letter.at, found.id))
    rows = [_row(letter) for letter in reversed(newest)]
    shown = table(
        f"the newest {len(rows)} of {causes.total()} dead letters",
        "id",
        "at",
        "stage",
        "cause",
        "field",
        "expected",
        "tries",
        "redriven",
        rows=[tuple(row.values()) for row in rows],
    )
    totals = table(
        "by cause", "cause", "letters", "meaning", rows=[(c, n, CAUSES.get(c, "")) for c, n in causes.most_common()]
    )
    emit({"total": causes.total(), "causes": causes, "letters": rows}, Group(shown, "", totals), as_json=as_json)
    return 0


def show_letter(installation: Installation, wanted: str, *, as_json: bool) -> int:
    """One dead letter. Its original may hold personal data: it goes to this terminal alone."""
    found = _box(installation).letter(LetterId.parse(wanted))
    letter = found.letter
    original = base64.b64decode(letter.value_base64 or "")
    value: dict[str, Any] = {
        "id": str(found.id),
        "redriven": found.redriven,
        **letter.model_dump(mode="json", exclude={"value_base64"}),
        "original": original[:PREVIEW_BYTES].decode("utf-8", "backslashreplace"),
    }
    rows = [(name, str(content)) for name, content in value.items()]
    emit(value, table(wanted, "", "", rows=rows), as_json=as_json)
    return 0


def redrive(installation: Installation, tenant: str | None, wanted: str | None, *, as_json: bool) -> int:
    """Send dead letters back, or record them again; exit code 1 where one can be done neither with."""
    only = None if wanted is None else LetterId.parse(wanted)
    with recording_again(installation.warehouse_writer, lambda: installation.cipher) as record_again:
        done = _box(installation, record_again).redrive(tenant and installation.tenant(tenant), only)
    text = f"{done.sent} sent back"
    text += f", {done.recorded} recorded" if done.recorded else ""
    text += f", {done.not_redrivable} hold no original or are refused again" if done.not_redrivable else ""
    if done.forgotten:
        text += f"; {done.forgotten} of these were too many to remember: the next redrive tries them by --id alone"
    emit(asdict(done), text, as_json=as_json)
    return 1 if done.not_redrivable else 0


def _box(installation: Installation, record_again: RecordAgain | None = None) -> DeadLetterBox:
    return DeadLetterBox(installation.bootstrap, installation.security, record_again)


def _row(found: Letter) -> dict[str, Any]:
    first = found.letter.errors[0] if found.letter.errors else None
    return {
        "id": str(found.id),
        "at": rfc3339(found.letter.at),
        "stage": found.letter.stage,
        "cause": found.letter.cause,
        "field": first.field if first else "",
        "expected": first.expected if first else "",
        "attempts": found.letter.attempts,
        "redriven": "yes" if found.redriven else "no",
    }


@app.command("list")
def dlq_list(
    tenant: TenantOption = None,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 50,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """The dead letters, newest last, with their causes."""
    raise typer.Exit(list_letters(installation_of(state), tenant, limit, as_json=as_json))


@app.command("show")
def dlq_show(letter: str, state: State = None, as_json: AsJson = False) -> None:
    """One dead letter (topic/partition/offset) with its original bytes."""
    raise typer.Exit(show_letter(installation_of(state), letter, as_json=as_json))


@app.command("redrive")
def dlq_redrive(
    tenant: TenantOption = None,
    letter: Annotated[str | None, typer.Option("--id", help="exactly this one (topic/partition/offset)")] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters back to the topics they came from, once each."""
    raise typer.Exit(redrive(installation_of(state), tenant, letter, as_json=as_json))
