"""What would be decided of an application's claims alone: for `loanstream score` and for the gateway."""

from processors.identity import code_version
from schemas.application import LoanApplication
from schemas.values import utc_of_ms
from schemas.verification import ApplicationVerified, VerifyProcessing
from scoring.checks import verify


def without_documents(application: LoanApplication, now_ms: int) -> ApplicationVerified:
    """As verify would pass it on without documents, whatever the application names."""
    now = utc_of_ms(now_ms)
    stripped = application.model_copy(update={"monitoring": None, "documents": ()})
    found = verify(stripped, ())
    return ApplicationVerified(
        application=stripped,
        accepted_at=now,
        checks=found.checks,
        verification_result=found.result,
        processing=VerifyProcessing(
            lane="fast", started_at=now, finished_at=now, worker="what-if", code_version=code_version()
        ),
    )
