"""Which verified event a decision was made from: by the place of the application's record, never by a time."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from schemas.records import Place
from schemas.verification import ApplicationVerified
from scoring.canonical import application_bytes, evidence_bytes
from scoring.receipt import ReceiptKey

Row = Mapping[str, Any]
R = TypeVar("R", bound=Row)


def origin_of(row: Row) -> Place | None:
    """The application's record that a row of the warehouse was made from; None where the row is older than that."""
    if row["origin_topic"] is None:
        return None
    return Place(row["origin_topic"], row["origin_partition"], row["origin_offset"])


def place_of(row: Row) -> Place:
    """Where the record stands that a row of the warehouse is."""
    return Place(row["kafka_topic"], row["kafka_partition"], row["kafka_offset"])


def may_be_of(origin: Place | None, verifications: Sequence[R]) -> list[R]:
    """The rows of verified events that a decision may have been made from: the one of its application's record, and
    where no row has that place those without one. While an upgrade rolls, either side may lack it.
    """
    same = [row for row in verifications if origin is not None and origin_of(row) == origin]
    return same[:1] or [row for row in verifications if origin is None or origin_of(row) is None]


def receipt_names(receipt: Mapping[str, str], event: ApplicationVerified, key: ReceiptKey) -> bool:
    """Whether a decision's receipt holds the hashes of this event: its claims, documents and extractions are then those
    that were decided on, wherever the record stood.
    """
    return (
        receipt["key_id"] == key.key_id
        and receipt["input_hmac"] == key.hash(application_bytes(event.application))
        and receipt["evidence_hmac"] == key.hash(evidence_bytes(event.application, event.extractions))
    )
