"""Who may what: one row for each kind of client. A client's scopes and audiences are those of its kind."""

from dataclasses import dataclass

KAFKA = "loanstream-kafka"
GATEWAY = "loanstream-gateway"


@dataclass(frozen=True, slots=True)
class Kind:
    """What clients of a kind are for, where their tokens are good (`aud`), and what for (`scope`)."""

    meaning: str
    audiences: tuple[str, ...]
    scopes: tuple[str, ...]


KINDS = {
    "producer": Kind(
        "a bank's system that sends applications, documents and outcomes",
        (KAFKA, GATEWAY),
        ("applications:write", "documents:write", "outcomes:write", "score:run"),
    ),
    "consumer": Kind("a bank's system that takes decisions", (KAFKA, GATEWAY), ("decisions:read",)),
    "gateway-reviewer": Kind(
        "the desk where a bank's people decide what was referred",
        # Not Kafka's: reviews travel over the gateway alone.
        (GATEWAY,),
        ("decisions:read", "reviews:read", "reviews:write"),
    ),
}

SCOPES = tuple(sorted({scope for kind in KINDS.values() for scope in kind.scopes}))
"""Every scope there is."""
