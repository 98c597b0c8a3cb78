"""`loanstream dlq`: dead letters on the terminal."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Any

import typer

from loanstream.cli.letter_filters import Filters, filtered
from loanstream.cli.options import AsJson, State, Yes, confirm, installation_of, verb
from loanstream.cli.words import Actor, actor_of, reason_of
from loanstream.dlq.asked import Asked
from loanstream.dlq.box import DeadLetterBox, Done, RecordAgain, kafka_box
from loanstream.dlq.letters import LetterId
from loanstream.dlq.listing import listed, row_of, summary
from loanstream.dlq.recording import recording_again
from loanstream.dlq.text import COLUMNS, as_text, done_text, history, letter_text, list_text, summary_text
from loanstream.installation import Installation
from loanstream.sight import need_sight
from loanstream.terminal import console, emit
from schemas.originals import original_key, original_value
from schemas.problem import WrongOption

app = verb()

Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id", metavar="LETTER", help="exactly this letter (topic/partition/offset); may be given several times"
    ),
]
Lines = Annotated[bool, typer.Option("--json", help="one JSON object a line on stdout, all else on stderr")]


@app.callback()
def dlq() -> None:
    """Dead letters: list, show, send back, discard."""


@app.command("list")
@filtered
def dlq_list(
    filters: Filters,
    waiting: Annotated[bool, typer.Option("--waiting", help="only those that nothing was done with yet")] = False,
    only_summary: Annotated[bool, typer.Option("--summary", help="only how many, by bank and cause")] = False,
    limit: Annotated[int, typer.Option(min=1, help="so many letters, the newest")] = 50,
    state: State = None,
    as_json: Lines = False,
) -> None:
    """The dead letters, newest last, with every error; then how many there are by bank and cause."""
    installation = installation_of(state)
    asked = filters.asked(installation, waiting=waiting)
    with _box(installation) as box:
        show_list(box, asked, limit, only_summary=only_summary, as_json=as_json)


def show_list(box: DeadLetterBox, asked: Asked, limit: int, *, only_summary: bool, as_json: bool) -> None:
    """The newest `limit` of the letters that are asked for, and how many there are in all."""
    # All letters of the tenant: one that was sent back is told by what came of it, whatever else is asked.
    rows = listed(box.letters(Asked(tenant=asked.tenant)), asked)
    totals = summary(rows)
    for value in (totals if only_summary else rows[-limit:]) if as_json else ():
        emit(value, "", as_json=True)
    if not as_json:
        told = summary_text(totals, _width()) if only_summary else list_text(rows, limit, totals, _width())
        _tell(None, told, as_json=False)


@app.command("show")
def dlq_show(
    letter: Annotated[str, typer.Argument(help="topic/partition/offset of the letter, or of the record")],
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """One dead letter (topic/partition/offset, or the record it is about) with its record and its history.

    The record may hold personal data: it goes to this terminal alone.
    """
    with _box(installation_of(state)) as box:
        show_letter(box, letter, as_json=as_json)


def show_letter(box: DeadLetterBox, wanted: str, *, as_json: bool) -> None:
    """One letter whole, with all that is known of its record's other letters."""
    found = box.letter(LetterId.parse(wanted))
    thread, would = box.thread(found), box.would(found)
    value = {
        **found.letter.model_dump(mode="json"),
        **row_of(found),
        "key": _text(original_key(found.letter)),
        "value": _text(original_value(found.letter)),
        "redrive": {"would": would.name, "why": would.why or None},
        "history": history(thread),
    }
    _tell(value, letter_text(found, thread, would, _width()), as_json=as_json)


@app.command("redrive")
@filtered
def dlq_redrive(
    filters: Filters,
    letter: Ids = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be sent, and send nothing")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="also what would be refused again; with --id also what was handled before")
    ] = False,
    actor: Actor = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Send the waiting dead letters back to the topics they came from, once each. Exit code 1 where some are kept.

    A letter whose record would be refused again is kept: it would only become another letter.
    """
    installation = installation_of(state)
    asked, only = filters.asked(installation), _only(filters, letter)

    def writer() -> Any:
        return installation.watched(installation.warehouse_writer)

    with (
        recording_again(writer, lambda: installation.cipher) as record_again,
        _box(installation, record_again) as box,
    ):
        done = box.redrive(asked, only, actor=actor_of(actor), force=force, dry_run=dry_run)
    _tell(_done(done, dry_run=dry_run), done_text(done, dry_run=dry_run), as_json=as_json)
    raise typer.Exit(1 if done.kept else 0)


@app.command("discard")
@filtered
def dlq_discard(
    filters: Filters,
    reason: Annotated[str, typer.Option("--reason", help="why nothing will be done with them; it is recorded")],
    letter: Ids = None,
    actor: Actor = None,
    yes: Yes = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Record that nothing will be done with dead letters, who says so and why. The letters themselves stay."""
    installation = installation_of(state)
    asked, only = filters.asked(installation), _only(filters, letter)
    if not only and filters.none:
        raise WrongOption("nothing says which letters; give --id, or one of --tenant, --cause, --since, --application")
    with _box(installation) as box:
        done = discard(box, asked, only, reason_of(reason), actor_of(actor), yes=yes)
    _tell(_done(done), done_text(done), as_json=as_json)


def discard(box: DeadLetterBox, asked: Asked, only: list[LetterId], reason: str, actor: str, *, yes: bool) -> Done:
    """Discard, where the person agrees, exactly the letters that he was shown."""
    plan = box.discard(asked, only, actor=actor, reason=reason, dry_run=True)
    if not plan.ids:
        return plan
    if not yes:
        _say(done_text(plan, dry_run=True))
        confirm("discard them?", "run it with --yes")
    return box.discard(asked, plan.ids, actor=actor, reason=reason)


def _only(filters: Filters, ids: list[str] | None) -> list[LetterId]:
    if ids and not filters.at_most_tenant:
        raise WrongOption("--id names the letters exactly; expected no --cause, --since or --application beside it")
    return [LetterId.parse(text) for text in ids or ()]


def _done(done: Done, *, dry_run: bool = False) -> dict[str, Any]:
    """What became of letters as JSON."""
    totals = {fate: done.count(fate) for fate in ("redriven", "recorded", "discarded", "refused", "no_original")}
    by = [{**told._asdict(), "why": told.why or None, "letters": count} for told, count in done.told.items()]
    return {"dry_run": dry_run, **totals, "by": by}


def _text(data: bytes | None) -> str | None:
    return None if data is None else as_text(data)


def _tell(value: Any, text: str, *, as_json: bool) -> None:
    """As `emit`, but no line is broken: an id that is wider than the terminal is copied whole all the same."""
    if as_json:
        emit(value, "", as_json=True)
    else:
        sys.stdout.write(f"{text}\n")


def _width() -> int:
    return min(console().width, COLUMNS)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@contextmanager
def _box(installation: Installation, record_again: RecordAgain | None = None) -> Iterator[DeadLetterBox]:
    need_sight(installation)
    with closing(kafka_box(installation.bootstrap, installation.security, record_again)) as box:
        yield box
