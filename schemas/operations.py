"""Events about the running of the service: dead letters, outcomes, activations, metrics."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from schemas.decision import Digest
from schemas.values import (
    STORED,
    WHOLE,
    ApplicationId,
    Code,
    Event,
    Money,
    OwnEvent,
    Revision,
    Sentence,
    Sha256,
    Tenant,
    Text,
    Timestamp,
)

ACTIVATION_LEAD_MS = 10_000
"""The least time between an activation's publication and its effect: within it every worker has seen it."""

ERRORS_MAX = 20
"""Errors that a dead letter tells of one record."""

PATH_MAX = 200
"""Characters of a field's path."""

HEADER_NAME_MAX = 1000
"""Characters of a header's name."""
SKEW_MOST_MS = ACTIVATION_LEAD_MS // 2
"""How far a broker's stamp may lie below one that a broker gave before: what the brokers' clocks may differ by.

The rest of the lead is how old a worker's last look at the control topic may be."""


class Origin(OwnEvent):
    """Where a record came from; `timestamp_ms` is the broker's, in milliseconds since 1970, and -1 where it is not
    known.
    """

    topic: Annotated[str, Field(max_length=249)]
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    timestamp_ms: int


class Header(OwnEvent):
    """A header of the original record, its bytes in base64."""

    name: Annotated[str, Field(max_length=HEADER_NAME_MAX)]
    value_base64: str | None


class FieldError(OwnEvent):
    """What is wrong with one field: its path, the kind of error, what is expected; of what was found only the JSON type
    and the length.
    """

    field: Annotated[str, Field(max_length=PATH_MAX)]
    error: Code
    expected: Sentence
    found: Text | None = None


class DeadLetter(OwnEvent):
    """`loan.dead_letter`: a record that could not be processed, with its reason and its original bytes.

    `value_base64` is None where the original does not fit into a record again; `value_sha256` and `origin` then say
    which bytes are meant. Of a record that the client library could not hand over hash, size and headers are None as
    far as nobody knows them. `attempts` counts how often the record was processed, redrives included. `sender_told`
    says that a `loan.record.rejected` goes with the letter.
    """

    tenant: Tenant | None
    stage: Text
    cause: Code
    errors: Annotated[tuple[FieldError, ...], Field(max_length=ERRORS_MAX)] = ()
    origin: Origin
    attempts: Annotated[int, Field(ge=1)]
    at: Timestamp
    key_base64: str | None
    value_base64: str | None
    value_sha256: Sha256 | None
    value_size: Annotated[int, Field(ge=0)] | None
    headers: tuple[Header, ...] | None = ()
    code_version: Text
    sender_told: bool = False


class DeadLetterHandled(OwnEvent):
    """`loan.dead_letter.handled`: what an operator did with a dead letter: sent back, recorded after all, discarded.

    `letter` is where the dead letter lies, `origin` the record it is about. The letter itself stays as it was: it still
    says how its record ended. The last of several events about a letter says how it stands.
    """

    tenant: Tenant | None
    letter: Origin
    origin: Origin
    stage: Text
    cause: Code
    action: Literal["redriven", "recorded", "discarded"]
    actor: Text
    reason: Sentence | None = None
    at: Timestamp

    @model_validator(mode="after")
    def _says_why(self) -> "DeadLetterHandled":
        if self.action == "discarded" and not self.reason:
            raise ValueError("a dead letter is discarded for a reason")
        return self


NEEDED: Mapping[str, tuple[str, ...]] = {"repayment": ("repayment",), "human_decision": ("decision", "actor", "reason")}
"""Kind of an outcome -> the fields that it must have."""

OF_KIND: Mapping[str, tuple[str, ...]] = {
    "repayment": ("repayment", "days_past_due", "balance"),
    "human_decision": ("decision", "actor", "reason", "asserted_by"),
}
"""Kind of an outcome -> the fields that it alone may have: what says two things is no outcome of either kind."""

REASON = "why the person decided so, in words"


def _either(schema: dict[str, Any]) -> None:
    """Say in the schema of an outcome what each kind needs."""
    fields = schema["properties"]
    schema["anyOf"] = [
        {
            "properties": {"kind": {"const": kind}, **{name: fields[name]["anyOf"][0] for name in needed}},
            "required": list(needed),
        }
        for kind, needed in NEEDED.items()
    ]


class LoanOutcome(Event):
    """`loan.outcome.recorded`: what became of a loan, or what a person decided and why.

    Of several human decisions on one revision the first record counts, as of several decisions; clocks play no part.
    `at` is at most a day after the moment at which the broker took the record.
    """

    model_config = ConfigDict(json_schema_extra=_either)

    tenant: Tenant
    application_id: ApplicationId
    revision: Revision = 1
    at: Timestamp
    kind: Literal["repayment", "human_decision"]
    repayment: Literal["performing", "late", "defaulted", "repaid"] | None = None
    days_past_due: Annotated[int, Field(ge=0, le=10_000), WHOLE] | None = None
    balance: Money | None = None
    decision: Literal["approve", "decline"] | None = None
    actor: Text | None = None
    reason: Sentence | None = None
    asserted_by: Text | None = None

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> "LoanOutcome":
        faults: list[InitErrorDetails] = [
            {"type": "missing", "loc": (name,), "input": None}
            for name in NEEDED[self.kind]
            if getattr(self, name) is None
        ]
        if info.context != STORED:
            faults += [_foreign(kind, name, getattr(self, name)) for kind, name in self._of_other_kinds()]
        blank = self.kind == "human_decision" and self.reason is not None and not self.reason.strip()
        if blank and info.context != STORED:  # once it was taken
            said = PydanticCustomError("value_error", REASON)
            faults.append({"type": said, "loc": ("reason",), "input": self.reason})
        if faults:
            raise ValidationError.from_exception_data("LoanOutcome", faults, hide_input=True)
        return self

    def _of_other_kinds(self) -> list[tuple[str, str]]:
        others = [(kind, name) for kind, names in OF_KIND.items() if kind != self.kind for name in names]
        return [(kind, name) for kind, name in others if getattr(self, name) is not None]


def _foreign(kind: str, name: str, value: object) -> InitErrorDetails:
    said = PydanticCustomError("value_error", f"nothing: it belongs to an outcome of kind {kind}")
    return {"type": said, "loc": (name,), "input": value}


class Activation(OwnEvent):
    """`loan.activation.published`: which bundle and policy decide for a tenant (None: for all), or a withdrawal.

    It takes effect `lead_ms` after the control record's own broker time; the first one that leaves a tenant with both a
    bundle and a policy is in force for every `accepted_at`. What it does not name (None) stays as it was.

    A withdrawal (`withdraws`) names an earlier activation, and neither bundle nor policy: for every `accepted_at` it is
    as if that one had never been published, from the moment a worker has seen the withdrawal. It is for an activation
    under which nothing can be decided, because an artefact is lost or does not load: under such a one every worker
    waits, so it makes no difference which of them sees the withdrawal first. Withdrawing another is allowed, and not
    the same for all: what was decided under it stays (receipts name their artefacts), about the moment of the
    withdrawal workers may differ, and a record that is decided again may get another decision_id, which `conflicts`
    shows. What is withdrawn stays withdrawn: publish it again under another `activation_id`.

    A rollback (`rolls_back`) names the activation that it takes back, beside the bundle or policy that was in force
    before that. It decides as any other activation does, and the next rollback goes on from there. Where what it names
    is not what would be in force at its moment, by what stands before it on the topic, it is void: it changes nothing.
    """

    activation_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    tenant: Tenant | None
    bundle_id: Digest | None
    policy_id: Digest | None
    lead_ms: Annotated[int, Field(ge=ACTIVATION_LEAD_MS, le=86_400_000)] = ACTIVATION_LEAD_MS
    actor: Text
    reason: Sentence
    withdraws: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")] | None = None
    rolls_back: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> "Activation":
        names_something = self.bundle_id is not None or self.policy_id is not None
        if names_something == (self.withdraws is not None):
            raise ValueError("an activation names a bundle or a policy, or it withdraws another: one of both")
        if self.rolls_back is not None and not names_something:
            raise ValueError("a rollback names the bundle or the policy that was in force before")
        return self


class ServiceMetric(OwnEvent):
    """`loan.service.measured`: one measurement of one worker."""

    at: Timestamp
    stage: Text
    worker: Text
    name: Code
    value: float
    labels: Annotated[dict[str, Annotated[str, Field(max_length=100)]], Field(max_length=8)] = Field(
        default_factory=dict
    )
