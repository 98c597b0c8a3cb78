"""`loanstream submit FILE`: publish the applications of a file, their documents first."""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from loanstream.cli.options import AsJson, State, installation_of, verb
from loanstream.installation import Installation
from loanstream.served import not_served
from loanstream.terminal import emit
from producers.client import ApplicationProducer
from producers.documents import attach_documents
from producers.files import read_applications
from producers.lines import LineError
from schemas.application import LoanApplication
from schemas.problem import Problem
from schemas.values import utc_of_ms

app = verb()


Upload = Callable[[str, bytes], object]
"""Stores a document of a tenant."""


@dataclass(slots=True)
class Tally:
    """What became of a file's lines; a line with several faults is refused once."""

    documents: int = 0
    faulty: set[int] = field(default_factory=set)
    unsendable: int = 0

    @property
    def refused(self) -> int:
        """Lines that were not sent."""
        return len(self.faulty) + self.unsendable


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
    """Publish every application and wait for the broker's word; exit code 1 where a line was refused."""
    if documents is not None and not documents.is_dir():
        raise Problem(f"--documents {documents}: expected a folder with files <application id>.<kind>.pdf")
    now = utc_of_ms(time.time_ns() // 1_000_000)
    bank = installation.tenant(tenant)
    _note(not_served(installation, bank))
    lines = read_applications(file, bank, currency, now, id_prefix)
    with ApplicationProducer(installation.producer_settings(bank), bank) as producer:
        upload = None if documents is None else installation.documents.put
        tally = send(lines, producer, upload, documents, id_prefix)
        producer.flush()
        confirmed = producer.confirmed
    counts = {
        "tenant": bank,
        "submitted": confirmed,
        "refused_lines": tally.refused,
        "documents": tally.documents,
    }
    text = f"{confirmed} applications confirmed by the broker for {bank}, {tally.documents} documents stored"
    text += f"; {tally.refused} lines refused" if tally.refused else ""
    emit(counts, text, as_json=as_json)
    return 1 if tally.refused else 0


def _note(line: str | None) -> None:
    if line is not None:
        sys.stderr.write(f"note: {line}\n")


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
            tally.faulty.add(line.line)
            continue
        try:
            application, uploads = _with_documents(line, upload, folder, id_prefix)
            producer.submit(application)
        except ValueError as error:  # another tenant's application, more documents than one may have
            sys.stderr.write(f"{line.application_id}: {error}\n")
            tally.unsendable += 1
            continue
        tally.documents += uploads
    return tally


def _with_documents(
    application: LoanApplication, upload: Upload | None, folder: Path | None, id_prefix: str
) -> tuple[LoanApplication, int]:
    if folder is None or upload is None:
        return application, 0
    attached, found = attach_documents(application, folder, id_prefix)
    for _, data in found:
        upload(application.tenant, data)
    return attached, len(found)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="applications: CSV, JSON lines, or JSON with one or a list")],
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="the bank they are from (default: the first that is served)")
    ] = None,
    currency: Annotated[str, typer.Option(help="for files without a currency")] = "INR",
    documents: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="the applicants' documents, named <application id>.<kind>.pdf or <application id>/<kind>.pdf; "
            "kinds: payslip, bank_statement, tax_return, identity, other",
        ),
    ] = None,
    id_prefix: Annotated[str, typer.Option(help="put before every application id")] = "",
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Publish the applications in a file."""
    raise typer.Exit(submit_file(installation_of(state), file, tenant, currency, documents, id_prefix, as_json=as_json))
