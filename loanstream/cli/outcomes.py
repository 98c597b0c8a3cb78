"""`loanstream outcomes import FILE`: bring in what became of loans."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from loanstream.ask.approvals import Approvals, Standing
from loanstream.cli.of_files import KAFKA_BACK_WITHIN_S, note, tell_columns
from loanstream.cli.options import AsJson, State, installation_of, verb
from loanstream.cli.said_for_all import of_prefix
from loanstream.installation import Installation
from loanstream.reach import need_kafka, warehouse_fault
from loanstream.reach import producer as producer_of
from loanstream.served import not_served
from loanstream.terminal import counted, emit
from producers.client import TenantProducer
from producers.errors import ProducerError
from producers.files import read_outcomes
from producers.forms import OUTCOMES, Repayment
from producers.lines import LineError
from producers.outcomes import outcome_record
from producers.repeats import OUTCOMES_ALIKE, Repeats, ids_of
from schemas.problem import Problem
from schemas.values import utc_of_ms

app = verb()

SAID: dict[Standing, str] = {
    "not_approved": "of applications that were not approved, and repayment is of approved ones alone",
    "unknown": "of applications and revisions on which no decision is known here",
}
"""What is said of outcomes that are sent all the same: the decision may be elsewhere, or still to come."""


@app.callback()
def outcomes() -> None:
    """What became of loans: bring repayment outcomes in from a file."""


def _reader(installation: Installation) -> Any:
    """A client of the warehouse's reader. Problem within seconds where it does not answer."""
    fault = warehouse_fault(installation)
    if fault is not None:
        raise Problem(str(fault))
    return installation.warehouse()


def notes(approvals: Approvals) -> Iterator[str]:
    """What a person should know of the loans that the outcomes tell of."""
    counts = approvals.counts
    if counts is None:
        yield f"whether these loans were approved was not looked up: {approvals.away}"
        return
    for standing, said in SAID.items():
        if counts[standing]:
            yield f"{counted(counts[standing], 'outcome')} {said}: {ids_of(approvals.named[standing])}"


@dataclass(slots=True)
class Tally:
    """What became of a file's lines; a line with several faults is refused once, and of a refused file none is read."""

    read: int = 0
    faulty: set[int] = field(default_factory=set)
    file_refused: bool = False
    repeats: Repeats = field(default_factory=lambda: Repeats(OUTCOMES_ALIKE))


def import_file(
    installation: Installation, file: Path, tenant: str | None, id_prefix: str, *, dry_run: bool, as_json: bool
) -> int:
    """Publish every outcome and wait for the broker's word; exit code 1 where a line or the file was refused."""
    bank = installation.tenant(tenant)
    if not dry_run:
        need_kafka(producer_of(installation, bank), KAFKA_BACK_WITHIN_S)
        note(not_served(installation, bank, "outcomes", "record"))
    lines = read_outcomes(file, bank, utc_of_ms(time.time_ns() // 1_000_000), id_prefix)
    with Approvals(lambda: _reader(installation), bank) as approvals:
        tally, confirmed = (
            (send(lines, approvals.note, lambda _: None), 0)
            if dry_run
            else _published(installation, bank, lines, approvals.note)
        )
        approvals.settle()
    for line in notes(approvals) if tally.read else ():
        note(line)
    for hint in str(tally.repeats).splitlines():
        sys.stderr.write(f"{hint}\n")
    counts = {
        "tenant": bank,
        "outcomes": tally.read,
        "submitted": confirmed,
        "refused_lines": len(tally.faulty),
        "file_refused": tally.file_refused,
        "loans": approvals.counts,
        "conflicting_ids": [name for name, _ in tally.repeats.different],
        "repeated_ids": [name for name, _ in tally.repeats.equal],
        "dry_run": dry_run,
    }
    read = f"{counted(tally.read, 'outcome')} read for {bank}, nothing was sent"
    text = read if dry_run else f"{counted(confirmed, 'outcome')} confirmed by the broker for {bank}"
    text += f"; {counted(len(tally.faulty), 'line')} refused" if tally.faulty else ""
    text += "; the file was refused" if tally.file_refused else ""
    emit(counts, text, as_json=as_json)
    return 1 if tally.faulty or tally.file_refused else 0


def _published(
    installation: Installation, bank: str, lines: Iterable[Repayment | LineError], look_up: Callable[[Repayment], None]
) -> tuple[Tally, int]:
    """What was sent, and how many outcomes the broker confirmed. Raises ProducerError, having said how far it came."""
    producer = TenantProducer(installation.producer_settings(bank), bank, "outcomes")
    try:
        with producer:
            tally = send(lines, look_up, lambda outcome: producer.submit_raw(*outcome_record(outcome)))
            producer.flush()
    except (ProducerError, KeyboardInterrupt):
        note(
            f"{counted(producer.confirmed, 'outcome')} of the file confirmed by the broker, the others not: "
            "send the whole file again, for the same outcome counts once"
        )
        raise
    return tally, producer.confirmed


def send(
    lines: Iterable[Repayment | LineError], look_up: Callable[[Repayment], None], submit: Callable[[Repayment], Any]
) -> Tally:
    """Hand every outcome to `submit` and to `look_up`; faults go to stderr."""
    tally = Tally()
    for line in lines:
        if isinstance(line, LineError):
            sys.stderr.write(f"{line}\n")
            tally.faulty.update(line.lines)
            tally.file_refused = tally.file_refused or line.of_file
            continue
        submit(line)
        look_up(line)
        tally.read += 1
        tally.repeats.note(line)
    return tally


@app.command("import")
def import_(
    file: Annotated[Path | None, typer.Argument(help="outcomes: CSV, JSON lines, or JSON with one or a list")] = None,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="the bank they are from (default: the first that is served)")
    ] = None,
    id_prefix: Annotated[
        str, typer.Option(help="put before every application id, as it was with submit", callback=of_prefix)
    ] = "",
    columns: Annotated[bool, typer.Option("--columns", help="print the columns that a CSV may have, and end")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="read and check the file, and send nothing")] = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Publish the repayment outcomes in a file. The same outcome again counts once.

    Exit 1 where a line was refused (the others are sent), or where no outcome is in the file.
    """
    if columns:
        tell_columns(OUTCOMES, as_json=as_json)
        return
    if file is None:
        raise typer.BadParameter("expected a file of outcomes", param_hint="FILE")
    raise typer.Exit(import_file(installation_of(state), file, tenant, id_prefix, dry_run=dry_run, as_json=as_json))
