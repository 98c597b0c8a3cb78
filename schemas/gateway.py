"""What the gateways tell each other: which `Idempotency-Key` was used for which application."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.decision import Digest
from schemas.values import ApplicationId, OwnEvent, Revision, Tenant, Text, Timestamp


class GatewayClaim(OwnEvent):
    """`loan.gateway.claimed`: a client's key stands for this application from now on, for a day.

    `claimed` is written and read back before the application is sent, `sent` when the broker has confirmed it. Neither
    the key nor the body is in it, only HMACs under a key of the bank's. The record's own key is `claim_id`, so that
    compaction leaves of a claim its `sent`, and never takes the first of several claims of one key away.
    """

    claim_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    tenant: Tenant
    client_id: Text
    key_hmac: Digest
    body_hmac: Digest
    application_id: ApplicationId
    revision: Revision
    status: Literal["claimed", "sent"]
    at: Timestamp
