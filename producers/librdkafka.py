"""What librdkafka is told, and what its answers mean to a sender: settings, codes and reasons as tables."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from confluent_kafka import KafkaError

from schemas.topics import RECORD_MAX_BYTES

DEFAULTS: Mapping[str, str | int] = {
    "client.id": "loanstream-producer",
    "linger.ms": 5,
    "compression.type": "lz4",
    "queue.buffering.max.kbytes": 64 * 1024,
    # A misspelt tenant is told after two seconds: topics stand before their producers do.
    "topic.metadata.propagation.max.ms": 2_000,
    # Ten seconds of silence after a broker is back help nobody.
    "reconnect.backoff.max.ms": 1_000,
    # librdkafka writes to stderr; what matters of it comes back as an error.
    "log_level": 2,
    # Longer than the half minute that a token server or a broker may take to come back.
    "message.timeout.ms": 60_000,
}
"""librdkafka settings that the caller's own override."""

ENFORCED: Mapping[str, str | int | bool] = {
    "enable.idempotence": True,
    "acks": "all",
    "message.max.bytes": RECORD_MAX_BYTES,
}
"""librdkafka settings that make confirmation mean something; the caller's own do not override them."""

TIMEOUT_NAMES = ("message.timeout.ms", "delivery.timeout.ms")
TIMEOUT_MAX_MS = 15 * 60 * 1000

PERMISSION = frozenset({29, 30, 31, 53})
"""Kafka's codes for topic, group, cluster and transactional id authorization failed."""

REASONS: Mapping[str, str] = {
    "_MSG_TIMED_OUT": "not confirmed within the delivery timeout",
    "_UNKNOWN_TOPIC": "no such topic",
    "UNKNOWN_TOPIC_OR_PART": "no such topic",
    "_PURGE_QUEUE": "given up before it was sent",
    "_PURGE_INFLIGHT": "given up before it was confirmed",
    "MSG_SIZE_TOO_LARGE": "larger than the topic takes",
}
"""librdkafka's names of errors in our words. Its texts stay inside: some spell out the broker's internals."""

HEARD: Mapping[str, str] = {
    "_ALL_BROKERS_DOWN": "no broker answers at bootstrap.servers",
    "_RESOLVE": "the host in bootstrap.servers is not known",
    "_AUTHENTICATION": "the token server or the broker does not believe the client's credentials",
    "_SSL": "the broker's certificate is not trusted, or it does not speak TLS",
}
"""Why nothing moves, as librdkafka tells beside the deliveries; said with a delivery that timed out."""


NO_TOKEN = "Failed to acquire SASL OAUTHBEARER token"  # noqa: S105 - what is said
"""How librdkafka's text begins where it has no token. It tells a text once, and goes on asking in silence."""
TOKEN_SERVER_AWAY = "the token server does not answer"  # noqa: S105 - what is said
_REFUSED = re.compile(
    # RFC 6749 5.2
    r'"error"\s*:\s*"(invalid_request|invalid_client|invalid_grant|unauthorized_client|unsupported_grant_type'
    r'|invalid_scope)"'
)


def log_in_failure(error: KafkaError) -> Literal["refused", "away", "doubted"]:
    """Of an `_AUTHENTICATION`: the token server has `refused` the client, or is `away`; or the broker doubts the token,
    as it does for a moment where a key is new to it. Only the last two may mend by trying again.

    >>> log_in_failure(KafkaError(-169, 'Failed to acquire SASL OAUTHBEARER token: {"error":"invalid_client"}'))
    'refused'
    >>> log_in_failure(KafkaError(-169, "Failed to acquire SASL OAUTHBEARER token: Failed to connect to localhost"))
    'away'
    """
    text = error.str()
    if not text.startswith(NO_TOKEN):
        return "doubted"
    return "refused" if _REFUSED.search(text) else "away"


def complete(given: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's settings with ours. Raises `ValueError` for a delivery timeout that never, or at once, ends."""
    named = [name for name in TIMEOUT_NAMES if name in given]
    defaults = {name: value for name, value in DEFAULTS.items() if not (named and name in TIMEOUT_NAMES)}
    for name in named:
        if not 0 < int(given[name]) <= TIMEOUT_MAX_MS:
            raise ValueError(f"{name}: expected 1 to {TIMEOUT_MAX_MS}, found {given[name]}")
    return {**defaults, **given, **ENFORCED}


def reason(error: KafkaError) -> str:
    """Why a record was not confirmed, in our words where we have some, else librdkafka's name of it."""
    return REASONS.get(error.name(), error.name())
