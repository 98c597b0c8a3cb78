"""`loanstream submit FILE`: publish the applications of a file, their documents first."""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from loanstream.cli.of_files import KAFKA_BACK_WITHIN_S, note, tell_columns
from loanstream.cli.options import AsJson, State, installation_of, verb
from loanstream.cli.said_for_all import CurrencyOption, of_prefix
from loanstream.installation import Installation
from loanstream.reach import need_kafka
from loanstream.reach import producer as producer_of
from loanstream.served import not_served
from loanstream.terminal import counted, emit
from producers.client import ApplicationProducer
from producers.documents import attach_documents, doubts, unclaimed
from producers.files import read_applications
from producers.forms import APPLICATIONS
from producers.lines import LineError
from producers.repeats import Repeats
from schemas.application import LoanApplication
from schemas.problem import Problem
from schemas.values import utc_of_ms

app = verb()

UNCLAIMED_MOST = 20
"""Documents that nothing asked for, of which names are told."""

Upload = Callable[[str, bytes], object]
"""Stores a document of a tenant."""


@dataclass(slots=True)
class Tally:
    """What became of a file's lines; a line with several faults is refused once, and of a refused file none is read."""

    documents: set[Path] = field(default_factory=set)
    faulty: set[int] = field(default_factory=set)
    file_refused: bool = False
    unsendable: int = 0
    nameless: int = 0
    repeats: Repeats = field(default_factory=Repeats)

    @property
    def refused(self) -> int:
        """Lines that were not sent."""
        return len(self.faulty) + self.unsendable

    @property
    def nobodys(self) -> str | None:
        """What is said of documents that nothing will tie to an applicant."""
        if not self.nameless:
            return None
        told = counted(self.nameless, "application")
        return (
            f"{told} with documents but no applicant.name: whose they are cannot be checked, so they bear nothing out"
        )


def submit_file(
    installation: Installation,
    file: Path,
    tenant: str | None,
    currency: str,
    documents: Path | None,
    id_prefix: str,
    *,
    as_json: bool,
) -> int:
    """Publish every application and wait for the broker's word; exit code 1 where a line or the file was refused, or a
    document of the folder belongs to none of them.
    """
    if documents is not None and not documents.is_dir():
        raise Problem(f"--documents {documents}: expected a folder with files <application id>.<kind>.pdf")
    now = utc_of_ms(time.time_ns() // 1_000_000)
    bank = installation.tenant(tenant)
    # Before Kafka is asked: what is not set is told at once.
    upload = None if documents is None else installation.documents.put
    need_kafka(producer_of(installation, bank), KAFKA_BACK_WITHIN_S)
    note(not_served(installation, bank))
    lines = read_applications(file, bank, currency, now, id_prefix, only_tenant=True)
    with ApplicationProducer(installation.producer_settings(bank), bank) as producer:
        tally = send(lines, producer, upload, documents, id_prefix)
        producer.flush()
        confirmed = producer.confirmed
    left = [] if documents is None else list(islice(unclaimed(documents, tally.documents), UNCLAIMED_MOST))
    note(tally.nobodys)
    for hint in (*str(tally.repeats).splitlines(), *(f"not sent: {name}" for name in left)):
        sys.stderr.write(f"{hint}\n")
    counts = {
        "tenant": bank,
        "submitted": confirmed,
        "refused_lines": tally.refused,
        "file_refused": tally.file_refused,
        "documents": len(tally.documents),
        "conflicting_ids": [name for name, _ in tally.repeats.different],
        "repeated_ids": [name for name, _ in tally.repeats.equal],
        "documents_not_sent": left,
    }
    stored = counted(len(tally.documents), "document")
    text = f"{counted(confirmed, 'application')} confirmed by the broker for {bank}, {stored} stored"
    text += f"; {counted(tally.refused, 'line')} refused" if tally.refused else ""
    text += "; the file was refused" if tally.file_refused else ""
    text += f"; {counted(len(left), 'document')} that no application asked for" if left else ""
    emit(counts, text, as_json=as_json)
    return 1 if tally.refused or tally.file_refused or left else 0


def send(
    lines: Iterable[LoanApplication | LineError],
    producer: Any,
    upload: Upload | None,
    folder: Path | None,
    id_prefix: str,
) -> Tally:
    """Hand every application to the producer, its documents in `folder` to the store; faults go to stderr."""
    tally = Tally()
    for line in lines:
        if isinstance(line, LineError):
            sys.stderr.write(f"{line}\n")
            tally.faulty.update(line.lines)
            tally.file_refused = tally.file_refused or line.of_file
            continue
        try:
            application, paths = _with_documents(line, upload, folder, id_prefix)
            producer.submit(application)
        except ValueError as error:  # another tenant's application, more documents than one may have
            sys.stderr.write(f"{line.application_id}: {error}\n")
            tally.unsendable += 1
            continue
        tally.documents.update(paths)
        person = application.applicant
        tally.nameless += bool(application.documents and person.name is None and not person.identifiers)
        tally.repeats.note(application)
    return tally


def _with_documents(
    application: LoanApplication, upload: Upload | None, folder: Path | None, id_prefix: str
) -> tuple[LoanApplication, list[Path]]:
    if folder is None or upload is None:
        return application, []
    attached, found = attach_documents(application, folder, id_prefix)
    for document in found:
        if (doubt := doubts(document.data)) is not None:
            note(f"{document.path.name} is stored, and nothing will be read of it: {doubt}")
        upload(application.tenant, document.data)
    return attached, [document.path for document in found]


@app.command()
def submit(
    file: Annotated[
        Path | None, typer.Argument(help="applications: CSV, JSON lines, or JSON with one or a list")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="the bank they are from (default: the first that is served)")
    ] = None,
    currency: CurrencyOption = "INR",
    documents: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="the applicants' documents, named <application id>.<kind>.pdf or <application id>/<kind>.pdf; "
            "kinds: payslip, bank_statement, tax_return, identity, other",
        ),
    ] = None,
    id_prefix: Annotated[str, typer.Option(help="put before every application id", callback=of_prefix)] = "",
    columns: Annotated[bool, typer.Option("--columns", help="print the columns that a CSV may have, and end")] = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Publish the applications in a file.

    Exit 1 where a line was refused (the others are sent), where no application is in the file, or where a document in
    the folder belongs to none.
    """
    if columns:
        tell_columns(APPLICATIONS, as_json=as_json)
        return
    if file is None:
        raise typer.BadParameter("expected a file of applications", param_hint="FILE")
    raise typer.Exit(submit_file(installation_of(state), file, tenant, currency, documents, id_prefix, as_json=as_json))
