"""What tests of the dead letters share: an operator's view of topics in memory."""

import base64
import json
from datetime import UTC, datetime
from importlib import resources

import pytest

from loanstream.dlq.box import DeadLetterBox
from loanstream.dlq.letters import LetterId
from loanstream.dlq.post import HANDLED, MemoryPost
from processors.deadletters import dead_letter
from processors.identity import Worker
from processors.stages.envelope import accept
from schemas.decode import Undecodable
from schemas.operations import DeadLetterHandled
from schemas.records import MemoryMessage
from stores.topics import MemoryTopics

EXAMPLES = resources.files("schemas") / "examples"
APPLICATIONS = "loan.applications.v1.bank-a"
LETTERS = f"{APPLICATIONS}.dlq"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Flow:
    """Topics in memory, a verify stage that refuses, and the operator's box."""

    def __init__(self) -> None:
        self.topics = MemoryTopics({})
        self.post = MemoryPost(self.topics)
        self.seconds = 0

    def box(self, record_again=None) -> DeadLetterBox:
        return DeadLetterBox(self.topics, self.post, record_again, lambda: NOW)

    def application(self, **changes) -> bytes:
        event = json.loads((EXAMPLES / "loan.application.submitted.json").read_text("utf-8"))
        return json.dumps(event | changes).encode()

    def put(self, topic: str, key: bytes | None, value: bytes | None, headers=()) -> MemoryMessage:
        """A record at the end of a topic."""
        held = self.topics.records.setdefault((topic, 0), [])
        self.seconds += 1
        stamp = (2, 1_770_000_000_000 + 1000 * self.seconds)
        held.append(MemoryMessage(topic, 0, len(held), key, value, list(headers), stamp))
        return held[-1]

    def letter(self, cause="not_json", *, value=b"{not json", key=b"a-1", tenant="bank-a", stage="verify", **changes):
        """A dead letter of a record; its id."""
        record = self.put(f"loan.applications.v1.{tenant}", key, value)
        return self.refuse(record, cause, stage=stage, **changes)

    def refuse(self, record, cause="not_json", errors=(), *, stage="verify", code="1", **changes) -> str:
        """The dead letter that a stage makes of a record; its id."""
        worker = Worker(stage, f"{stage}-0", code, lambda: 1_770_000_000_000 + 1000 * self.seconds)
        made = dead_letter(record, cause, errors, worker)
        value = json.dumps(json.loads(made.value) | changes).encode()
        lying = self.put(made.topic, record.key(), value)
        return f"{lying.topic()}/0/{lying.offset()}"

    def verify(self) -> list[str]:
        """What the verify stage refuses of the records that went back; the ids of those letters."""
        sent = [one for one in self.topics.records[APPLICATIONS, 0] if ("loanstream-attempts", b"1") in one.headers()]
        ids = []
        for record in sent:
            try:
                accept(record, 0)
            except Undecodable as refused:
                ids.append(self.refuse(record, refused.cause, refused.errors))
        return ids

    def states(self, box=None) -> dict[str, str]:
        return {str(letter.id): letter.state for letter in (box or self.box()).letters()}

    @property
    def sent(self):
        """What went back to topics of the flow."""
        return [record for record in self.post.sent if record.topic != HANDLED]

    @property
    def handled(self) -> list[DeadLetterHandled]:
        return [
            DeadLetterHandled.model_validate_json(record.value) for record in self.post.sent if record.topic == HANDLED
        ]


@pytest.fixture
def flow() -> Flow:
    return Flow()


def ids(*texts: str) -> list[LetterId]:
    return [LetterId.parse(text) for text in texts]


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()
