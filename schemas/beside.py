"""What a record from a bank must keep to beside its JSON Schema, because JSON Schema cannot say it."""

from typing import NamedTuple


class Rule(NamedTuple):
    """A rule in words, the cause of the dead letter where it is broken, and what shows it (for the page and tests)."""

    says: str
    cause: str
    example: str


RULES: tuple[Rule, ...] = (
    Rule("the record has a value", "empty", "a tombstone"),
    Rule("the value is JSON in UTF-8, without a byte order mark", "not_json", "UTF-16"),
    Rule("no object holds a key twice", "duplicate_key", '{"tenant": "bank-a", "tenant": "bank-b"}'),
    Rule("numbers are finite: NaN and Infinity are not JSON", "not_a_number", "NaN"),
    Rule("a double can hold every number", "invalid_event", "1e400"),
    Rule("nesting is no deeper than the schema's", "too_deep", "ten thousand brackets"),
    Rule("the value has at most 1 MiB", "too_large", "an application with megabytes of extensions"),
    Rule("the record's key is the event's application_id", "key_mismatch", "no key"),
    Rule("the event's tenant is the topic's", "tenant_mismatch", "bank-a's application on bank-b's topic"),
    Rule("an amount or a term that is a number has at most two decimals", "invalid_event", "1.505"),
    Rule("a moment's day is one that its month has", "invalid_event", "2026-02-30T10:00:00Z"),
    Rule("a moment is before 2200, and not before 1970, in UTC", "invalid_event", "1970-01-01T00:30:00+01:00"),
    Rule(
        "a whole number in extensions, written without point or exponent, is from -2^53 to 2^53",
        "invalid_event",
        "9007199254740993",
    ),
    Rule("a human decision's reason is not blank", "invalid_event", '{"kind": "human_decision", "reason": ""}'),
    Rule(
        "an outcome's `at` is at most a day after the moment at which the broker took its record",
        "invalid_event",
        '{"kind": "human_decision", "at": "2199-11-30T10:00:00Z"}',
    ),
    Rule(
        "an outcome has no field of another kind: a repayment no `decision`, `actor`, `reason` or `asserted_by`, a "
        "human decision no `repayment`, `days_past_due` or `balance`",
        "invalid_event",
        '{"kind": "repayment", "repayment": "late", "decision": "approve"}',
    ),
    Rule("texts hold no lone surrogate", "invalid_event", r"\ud800"),
)
"""Every rule; whatever else a record breaks, the schema refuses too (a property test holds both directions)."""


def told() -> str:
    """All rules as one paragraph."""
    return "Beside the schema: " + "; ".join(rule.says for rule in RULES) + "."
