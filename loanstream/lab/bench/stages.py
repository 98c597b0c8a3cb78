"""Both stages as plain functions of a batch: all of their work, without Kafka, documents and a control topic."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from processors.identity import Worker
from processors.stages.score import ScoreStage
from processors.stages.verify.lanes import Documents
from processors.stages.verify.stage import VerifyStage
from processors.transport.batches import Batch, Output, Processed
from registry.history import InForce
from registry.named import load
from schemas.records import Message
from schemas.topics import TOPICS, Topic
from scoring.decision import Scorer
from scoring.receipt import ReceiptKey

Stage = Callable[[Batch], Coroutine[Any, Any, Processed]]

KEY = ReceiptKey("bench", b"k" * 32)
"""Every tenant's here."""


class _OnePolicy:
    """What the score stage asks of control topic and artefacts, where one bundle and policy decide for ever."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def of(self, _: InForce) -> Scorer:
        """Always the same."""
        return self._scorer

    async def wait_for(self, _: int) -> None:
        """Nothing to wait for."""

    def in_force(self, *_: object) -> InForce:
        """Always the same."""
        return InForce("bench", "bench")


def default_scorer() -> Scorer:
    """The default bundle under the standard policy, as a new stack has them."""
    return Scorer(*load("default", "standard"))


def verify_stage() -> Stage:
    """The fast lane, for applications without documents."""
    return VerifyStage("fast", cast(Documents, None), Worker("verify", "verify-0", "bench"))


def score_stage(scorer: Scorer) -> Stage:
    """Score, where `scorer` decides everything."""
    policy = _OnePolicy(scorer)
    worker = Worker("score", "score-0", "bench")
    return ScoreStage(policy, policy, lambda _: KEY, worker)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    # Not `asyncio.Runner`: after each run it restores the handler of SIGINT, and on the way writes down what the stage
    # made of the batch, which was a third of what a batch seemed to take.
    return asyncio.new_event_loop()


def outputs_of(stage: Stage, messages: Sequence[Message]) -> list[Output]:
    """What the stage makes of one batch."""
    return _loop().run_until_complete(stage(Batch(list(messages)))).outputs


class Hop(NamedTuple):
    """A stage between two kinds of topic, of which each tenant has its own."""

    reads: Topic
    writes: Topic
    make: Callable[[], Stage]


HOPS: dict[str, Hop] = {
    "verify": Hop(TOPICS["applications"], TOPICS["verifications"], verify_stage),
    "score": Hop(TOPICS["verifications"], TOPICS["decisions"], lambda: score_stage(default_scorer())),
}
"""By the stage's name."""
