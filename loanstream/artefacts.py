"""Bundles and policies by name or path, and their way into a stack: the artefact store and the control topic."""

import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from loanstream.stack.problem import StackProblem
from processors.artefacts import ArtefactStore
from processors.stages.score import POLICY_FILE
from schemas.headers import child_traceparent, event_headers
from schemas.operations import Activation
from schemas.topics import TOPICS
from schemas.values import rfc3339_of_ms
from scoring.bundle import Bundle, load_bundle
from scoring.policy import Policy, PolicyError
from scoring.policy_document import parse_policy
from scoring.shipped import BUNDLES, POLICIES, shipped_bundle_files, shipped_policy_text

ANSWER_S = 30.0


def bundle_files(named: str) -> dict[str, bytes]:
    """The files of a shipped bundle (by name) or of a folder. StackProblem where there is neither."""
    if named in BUNDLES:
        return shipped_bundle_files(named)
    folder = Path(named)
    if not (folder / "manifest.json").is_file():
        raise StackProblem(f"no bundle {named}: expected {', '.join(BUNDLES)}, or a folder that train wrote")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def policy_text(named: str) -> str:
    """The text of a shipped policy (by name) or of a file.

    StackProblem where there is neither, PolicyError where the file holds no text.
    """
    if named in POLICIES:
        return shipped_policy_text(named)
    if not Path(named).is_file():
        raise StackProblem(f"no policy {named}: expected {', '.join(POLICIES)}, or a YAML file")
    data = Path(named).read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise PolicyError(data.count(b"\n", 0, error.start) + 1, "not UTF-8 text") from error


def load(bundle: str, policy: str) -> tuple[Bundle, Policy]:
    """Both, checked as a worker would check them."""
    return load_bundle(bundle_files(bundle)), parse_policy(policy_text(policy))


def store(artefacts: Path, bundle: str, policy: str) -> tuple[str, str]:
    """Put both into the store; their ids."""
    loaded_bundle, loaded_policy = load(bundle, policy)
    box = ArtefactStore(artefacts)
    box.put(loaded_bundle.bundle_id, bundle_files(bundle))
    box.put(loaded_policy.policy_id, {POLICY_FILE: policy_text(policy).encode()})
    return loaded_bundle.bundle_id, loaded_policy.policy_id


def activate_first(bootstrap: str, security: Mapping[str, str], bundle_id: str, policy_id: str, actor: str) -> bool:
    """Publish the first activation, unless the control topic already has one; whether it was published now."""
    if _has_records(bootstrap, security):
        return False
    activation = Activation(
        activation_id=str(uuid.uuid4()),
        tenant=None,
        bundle_id=bundle_id,
        policy_id=policy_id,
        actor=actor,
        reason="first activation of this installation",
    )
    publish(bootstrap, security, activation)
    return True


def publish(bootstrap: str, security: Mapping[str, str], activation: Activation) -> None:
    """Publish an activation and wait for the broker's word. StackProblem where it does not come."""
    now_ms = time.time_ns() // 1_000_000
    producer = Producer({**security, "bootstrap.servers": bootstrap, "enable.idempotence": True})
    headers = event_headers(
        event="loan.activation.published",
        event_id=activation.activation_id,
        source="loanstream/up",
        subject=activation.tenant or "all",
        time=rfc3339_of_ms(now_ms),
        traceparent=child_traceparent(None, activation.activation_id, "control"),
    )
    failures: list[str] = []
    producer.produce(
        TOPICS["control"].name(),
        key=(activation.tenant or "all").encode(),
        value=activation.model_dump_json().encode(),
        headers=list(headers),
        on_delivery=lambda error, _: failures.append(error.name()) if error else None,
    )
    if producer.flush(ANSWER_S) or failures:
        raise StackProblem(f"the activation was not taken by the broker: {failures or 'no answer'}")


def _has_records(bootstrap: str, security: Mapping[str, str]) -> bool:
    consumer = Consumer({**security, "bootstrap.servers": bootstrap, "group.id": "control-readers"})
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
