"""The way of bundles and policies into an installation: the artefact store, then the control topic."""

import time
import uuid
from collections.abc import Callable, Container, Mapping

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from registry.history import Published
from registry.kinds import KINDS, Files, Kind
from registry.scorers import Artefacts
from schemas.access import CONTROL_READERS
from schemas.decode import Undecodable, decode
from schemas.headers import child_traceparent, event_headers
from schemas.operations import Activation
from schemas.problem import Problem
from schemas.topics import TOPICS
from schemas.values import rfc3339_of_ms
from scoring.bundle import BundleError
from scoring.policy import PolicyError
from stores.artefacts import ArtefactStore
from stores.topics import KafkaTopics

ANSWER_S = 30.0
ID_BEGINS = "sha256:"


def store(artefacts: ArtefactStore, bundle: str, policy: str) -> tuple[str, str]:
    """Put both into the store; their ids. Nothing is stored where one of them does not load: Problem."""
    named = {"bundle": bundle, "policy": policy}
    read = {kind: KINDS[kind].files(name) for kind, name in named.items()}
    ids = {kind: KINDS[kind].id_of(files) for kind, files in read.items()}
    for kind, files in read.items():
        artefacts.put(ids[kind], files)
    return ids["bundle"], ids["policy"]


def stored(artefacts: ArtefactStore, kind: str, named: str, accepted: Container[str | None] = ()) -> str:
    """The id of a bundle or policy, which is in the store now and loads from there.

    `named` is a shipped one's name, a folder or file, or the id of one that is in the store. Problem for what is none
    of these, or does not load; for a policy that no author may write today, unless its id is one of those `accepted`.
    """
    row = KINDS[kind]
    if named.startswith(ID_BEGINS):
        artefact_id = named
    else:
        try:
            files = row.files(named)
            artefact_id = _id_of(row, files, accepted)
        except (PolicyError, BundleError) as error:
            raise Problem(f"{kind} {named}: {error}") from error
        artefacts.put(artefact_id, files)
    row.stored(artefacts, artefact_id)
    return artefact_id


def _id_of(row: Kind, files: Files, accepted: Container[str | None]) -> str:
    """What was activated under earlier checks can be put back where the store has lost it."""
    try:
        return row.id_of(files)
    except PolicyError as error:
        if (artefact_id := row.id_as_stored(files)) in accepted:
            return artefact_id
        raise error from None


def activate_first(bootstrap: str, security: Mapping[str, str], bundle_id: str, policy_id: str, actor: str) -> bool:
    """Publish the first activation, unless the control topic already has one; whether it was published now."""
    if is_active(bootstrap, security):
        return False
    activation = Activation(
        activation_id=str(uuid.uuid4()),
        tenant=None,
        bundle_id=bundle_id,
        policy_id=policy_id,
        actor=actor,
        reason="first activation of this installation",
    )
    send(bootstrap, security, activation)
    return True


def publish(
    bootstrap: str,
    security: Mapping[str, str],
    activation: Activation,
    artefacts: Artefacts,
    last_look: Callable[[], object] = lambda: None,
) -> None:
    """Publish an activation whose artefacts are in the store and load: `Unusable`, a Problem, where they do not.

    `last_look` is called when all but the sending is done; what it raises keeps the activation from being sent.
    """
    for row in KINDS.values():
        if (artefact_id := row.named_by(activation)) is not None:
            row.stored(artefacts, artefact_id)
    last_look()
    send(bootstrap, security, activation)


def withdraw(bootstrap: str, security: Mapping[str, str], activation_id: str, actor: str, reason: str) -> Activation:
    """Withdraw an activation under which nothing can be decided (see `Activation`); the withdrawal.

    Problem where the control topic has no such activation, or its withdrawal already.
    """
    history = [published.activation for published in activations(bootstrap, security)]
    found = [one for one in history if one.activation_id == activation_id and one.withdraws is None]
    if not found:
        raise Problem(f"no activation {activation_id} on {TOPICS['control'].name()}")
    if any(one.withdraws == activation_id for one in history):
        raise Problem(f"activation {activation_id} is withdrawn already")
    withdrawal = Activation(
        activation_id=str(uuid.uuid4()),
        tenant=found[0].tenant,
        bundle_id=None,
        policy_id=None,
        actor=actor,
        reason=reason,
        withdraws=activation_id,
    )
    send(bootstrap, security, withdrawal)
    return withdrawal


def send(bootstrap: str, security: Mapping[str, str], activation: Activation) -> None:
    """Put an activation on the control topic as it is, and wait for the broker's word. Problem where it does not come.

    What it names is checked by nobody: where that is missing, its tenants' applications wait.
    """
    now_ms = time.time_ns() // 1_000_000
    producer = Producer({**security, "bootstrap.servers": bootstrap, "enable.idempotence": True})
    headers = event_headers(
        event="loan.activation.published",
        event_id=activation.activation_id,
        source="loanstream/registry",
        subject=activation.tenant or "all",
        time=rfc3339_of_ms(now_ms),
        traceparent=child_traceparent(None, activation.activation_id, "control"),
    )
    failures: list[str] = []
    producer.produce(
        TOPICS["control"].name(),
        key=(activation.tenant or "all").encode(),
        value=_value(activation),
        headers=list(headers),
        on_delivery=lambda error, _: failures.append(error.name()) if error else None,
    )
    if producer.flush(ANSWER_S) or failures:
        raise Problem(f"the activation was not taken by the broker: {failures or 'no answer'}")


def _value(activation: Activation) -> bytes:
    # Workers of an earlier release may refuse a field that they do not know, and would not take the activation.
    new = {name for name in ("withdraws", "rolls_back") if getattr(activation, name) is None}
    return activation.model_dump_json(exclude=new).encode()


def is_active(bootstrap: str, security: Mapping[str, str]) -> bool:
    """Whether the control topic, which must exist, has an activation."""
    consumer = Consumer({**security, "bootstrap.servers": bootstrap, "group.id": CONTROL_READERS})
    try:
        control, until = TopicPartition(TOPICS["control"].name(), 0), time.monotonic() + ANSWER_S
        while True:
            try:
                _, end = consumer.get_watermark_offsets(control, timeout=ANSWER_S)
            except KafkaException:
                # A topic made a moment ago may not have its leader yet (and librdkafka does not call that retriable).
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return bool(end > 0)
    finally:
        consumer.close()


def activations(bootstrap: str, security: Mapping[str, str], answer_s: float = ANSWER_S) -> list[Published]:
    """Every activation on the control topic, in its order. Raises `TopicsUnreadable`."""
    topics = KafkaTopics(bootstrap, security, answer_s)
    try:
        return [
            Published(activation, message.timestamp()[1])
            for partition, bounds in topics.bounds([TOPICS["control"].name()]).items()
            for message in topics.read(partition, bounds)
            if (activation := _activation(message.value())) is not None
        ]
    finally:
        topics.close()


def seen(bootstrap: str, security: Mapping[str, str], activation_id: str) -> list[Published]:
    """The control topic up to this record, once a reader finds it there. Problem where it does not come."""
    until = time.monotonic() + ANSWER_S
    while time.monotonic() < until:
        found = activations(bootstrap, security)
        for number, one in enumerate(found, 1):
            if one.activation.activation_id == activation_id:
                return found[:number]
        time.sleep(0.1)
    raise Problem(f"the broker took activation {activation_id}, and readers do not see it: look at the history again")


def _activation(value: bytes | None) -> Activation | None:
    try:
        return decode(Activation, value)
    except Undecodable:  # no worker takes it either
        return None
