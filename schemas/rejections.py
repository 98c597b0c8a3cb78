"""What a bank is told of its own records that could not be taken, and of those that were taken after all: no values."""

from typing import Annotated

from pydantic import Field

from schemas.operations import ERRORS_MAX, FieldError, Origin
from schemas.values import ApplicationId, Code, OwnEvent, Tenant, Text, Timestamp


class RecordRejected(OwnEvent):
    """`loan.record.rejected`: a record of a bank's that could not be taken, through what the bank itself can mend.

    `origin` is where the bank's record stands, also where we had it processed again: `attempts` then counts on. Of what
    was found it says the JSON type and the size, never the value; the record itself is not in it.
    """

    tenant: Tenant
    application_id: ApplicationId | None
    origin: Origin
    attempts: Annotated[int, Field(ge=1)]
    cause: Code
    errors: Annotated[tuple[FieldError, ...], Field(max_length=ERRORS_MAX)] = ()
    at: Timestamp
    code_version: Text


class RejectionWithdrawn(OwnEvent):
    """`loan.rejection.withdrawn`: the record at `origin` was rejected before, and has been taken after all.

    It was processed again, unchanged: the bank need not send it once more. Of the events about one `origin` the last
    one counts.
    """

    tenant: Tenant
    application_id: ApplicationId | None
    origin: Origin
    at: Timestamp
    code_version: Text
