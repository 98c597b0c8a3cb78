"""`loanstream submit FILE`: publish the applications of a file, their documents first."""

import sys
import time
from pathlib import Path

from loanstream.files import application_file
from loanstream.running import Running
from loanstream.show import emit
from producers.client import ApplicationProducer
from producers.documents import attach_documents
from producers.files import read_applications
from producers.lines import LineError
from schemas.application import LoanApplication
from schemas.values import utc_of_ms


def submit_file(
    running: Running,
    file: Path,
    tenant: str | None,
    currency: str,
    documents: Path | None,
    id_prefix: str,
    *,
    as_json: bool,
) -> int:
    """Publish every application and wait for the broker's word; exit code 1 where a line was refused."""
    now = utc_of_ms(time.time_ns() // 1_000_000)
    bank = running.tenant(tenant)
    refused = uploaded = 0
    with ApplicationProducer(running.producer_settings(bank), bank) as producer:
        for line in read_applications(application_file(file), bank, currency, now, id_prefix):
            if isinstance(line, LineError):
                sys.stderr.write(f"{line}\n")
                refused += 1
                continue
            try:
                application, uploads = _with_documents(running, line, documents, id_prefix)
                producer.submit(application)
            except ValueError as error:  # another tenant's application, more documents than one may have
                sys.stderr.write(f"{line.application_id}: {error}\n")
                refused += 1
                continue
            uploaded += uploads
        producer.flush()
        confirmed = producer.confirmed
    counts = {"tenant": bank, "submitted": confirmed, "refused_lines": refused, "documents": uploaded}
    text = f"{confirmed} applications confirmed by the broker for {bank}"
    text += f", {uploaded} documents stored" if uploaded else ""
    text += f"; {refused} faults in lines that were not sent" if refused else ""
    emit(counts, text, as_json=as_json)
    return 1 if refused else 0


def _with_documents(
    running: Running, application: LoanApplication, folder: Path | None, id_prefix: str
) -> tuple[LoanApplication, int]:
    if folder is None:
        return application, 0
    attached, found = attach_documents(application, folder, id_prefix)
    for _, data in found:
        running.documents.put(application.tenant, data)
    return attached, len(found)
