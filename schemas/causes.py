"""Why a record becomes a dead letter: one row a cause, with the sentence that the docs and `dlq list` show."""

from typing import NamedTuple


class Cause(NamedTuple):
    """What a cause says, and whether the sender made it so: only then is the sender told (`loan.record.rejected`)."""

    says: str
    sender: bool


CAUSES: dict[str, Cause] = {
    "empty": Cause("the record has no value", sender=True),
    "not_json": Cause("the value is not JSON in UTF-8", sender=True),
    "not_a_number": Cause("a number is NaN, infinite or beyond every bound", sender=True),
    "duplicate_key": Cause("an object holds a key twice", sender=True),
    "too_deep": Cause("objects are nested deeper than the schema knows", sender=True),
    "too_large": Cause("the record, or the batch in which it was sent, is larger than its topic takes", sender=True),
    "invalid_event": Cause("a field is missing, unknown, of the wrong type or out of bounds", sender=True),
    "key_mismatch": Cause("the record's key is not the event's application_id", sender=True),
    "tenant_mismatch": Cause("the event names another tenant than its topic's", sender=True),
    "unreadable_headers": Cause("the name of one of the record's headers is not UTF-8", sender=True),
    "unreadable_batch": Cause(
        "the batch in which the record was sent cannot be unpacked, or contradicts itself", sender=True
    ),
    "crashes_worker": Cause("the record ended its worker twice while it was alone in its batch", sender=False),
    "internal_error": Cause("our own code failed on the record", sender=False),
    "refused_by_warehouse": Cause("the warehouse refuses the row made from the record", sender=False),
}


def says(cause: str) -> str:
    """A cause's sentence; nothing for one that a newer version brought.

    >>> says("empty")
    'the record has no value'
    """
    row = CAUSES.get(cause)
    return "" if row is None else row.says
