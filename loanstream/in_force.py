"""What a state decides with already, told where a start asks for something else: its first activation stands."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from loanstream.stack.problem import StackProblem
from processors.activations import ActivationHistory, InForce, NothingActive
from processors.artefacts import ArtefactMissing, ArtefactStore
from schemas.decode import Undecodable, decode
from schemas.operations import Activation
from schemas.topics import TOPICS
from schemas.values import rfc3339_of_ms

ANSWER_S = 30.0
SHORT = len("sha256:") + 12

Named = Callable[[str], str | None]
"""The name of an artefact's id, None where it is not known."""


@dataclass(frozen=True, slots=True)
class Published:
    """An activation and the broker's time of it."""

    activation: Activation
    at_ms: int


def note(
    history: Sequence[Published], tenants: Iterable[str], wanted: InForce, now_ms: int, named: Named
) -> str | None:
    """One line where a tenant is decided with something else than `wanted`; None where all is as asked."""
    told = ActivationHistory()
    for published in history:
        told.add(published.activation, published.at_ms)
    for tenant in tenants:
        try:
            decides = told.in_force(tenant, now_ms)
        except NothingActive:  # its score stage says so itself
            continue
        if decides != wanted:
            effective = (row for row in history if row.at_ms + row.activation.lead_ms <= now_ms)
            since = max((row.at_ms for row in effective if row.activation.tenant in (None, tenant)), default=now_ms)
            policy, bundle = (named(one) or one[:SHORT] for one in (decides.policy_id, decides.bundle_id))
            return (
                f"{tenant} is decided with policy {policy} and bundle {bundle} "
                f"since {rfc3339_of_ms(since)}; --policy and --bundle are for a state's first activation"
            )
    return None


def artefact_name(artefacts: Path) -> Named:
    """Names artefacts as they name themselves in the store."""

    def named(artefact_id: str) -> str | None:
        try:
            files = ArtefactStore(artefacts).get(artefact_id)
        except ArtefactMissing:
            return None
        return next(str(read(files[file])["name"]) for file, read in _NAMED_IN.items() if file in files)

    return named


_NAMED_IN: Mapping[str, Callable[[bytes], Any]] = {"policy.yaml": yaml.safe_load, "manifest.json": json.loads}
"""Where an artefact's name stands. Not by the loaders: they take a second, and a name needs no golden vectors."""


def activations(bootstrap: str, security: Mapping[str, str]) -> list[Published]:
    """Every activation on the control topic, in its order. StackProblem where it cannot be read to its end."""
    consumer = Consumer({**security, "bootstrap.servers": bootstrap, "group.id": "control-readers"})
    control, found = TopicPartition(TOPICS["control"].name(), 0, OFFSET_BEGINNING), []
    try:
        _, end = consumer.get_watermark_offsets(control, timeout=ANSWER_S)
        consumer.assign([control])
        until = time.monotonic() + ANSWER_S
        while end and consumer.position([control])[0].offset < end:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                found += _published(message.value(), message.timestamp()[1])
            if time.monotonic() > until:
                raise StackProblem(f"{control.topic} could not be read to its end in {ANSWER_S:.0f} s")
    finally:
        consumer.close()
    return found


def _published(value: bytes | None, at_ms: int) -> list[Published]:
    try:
        return [Published(decode(Activation, value), at_ms)]
    except Undecodable:  # no worker takes it either
        return []
