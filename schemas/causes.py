"""Why a record becomes a dead letter: one row a cause, with the sentence that the docs and `dlq list` show."""

CAUSES: dict[str, str] = {
    "empty": "the record has no value",
    "not_json": "the value is not JSON in UTF-8",
    "not_a_number": "a number is NaN, infinite or beyond every bound",
    "duplicate_key": "an object holds a key twice",
    "too_deep": "objects are nested deeper than the schema knows",
    "too_large": "the record, or the batch in which it was sent, is larger than its topic takes",
    "invalid_event": "a field is missing, unknown, of the wrong type or out of bounds",
    "key_mismatch": "the record's key is not the event's application_id",
    "tenant_mismatch": "the event names another tenant than its topic's",
    "unreadable_headers": "the name of one of the record's headers is not UTF-8",
    "unreadable_batch": "the batch in which the record was sent cannot be unpacked, or contradicts itself",
    "crashes_worker": "the record ended its worker twice while it was alone in its batch",
    "internal_error": "our own code failed on the record",
    "refused_by_warehouse": "the warehouse refuses the row made from the record",
}
