"""Whether the operator may see what is ours at the broker: who may not is told of topics that they are absent, and of a
group's coordinator nothing at all, until the client's time is over.
"""

import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from loanstream.install.topics import named_topics
from loanstream.installation import Installation
from loanstream.reach import Fault, need_kafka, operator
from schemas.problem import Problem
from schemas.stages import STAGES

ANSWER_S = 10.0
TOLD = 2
REFUSALS = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})

_SILENT = logging.getLogger("loanstream.sight.silent")
_SILENT.disabled = True


def sight_fault(installation: Installation) -> Fault | None:
    """What of our topics and of the stages' groups the operator may not see; None where he may see all of it.

    A topic that does not exist is told as refused too, to whoever might not see it.
    """
    asker = operator(installation)
    topics = [name for name, _ in named_topics(installation.settings.tenants or ())]
    refused = refusals(asker.settings, topics, [stage.group for stage in STAGES.values()])
    if not refused:
        return None
    more = f" and {len(refused) - TOLD} more" if len(refused) > TOLD else ""
    return Fault(f"the operator may not see {', '.join(refused[:TOLD])}{more}", (asker.variable,))


def need_sight(installation: Installation) -> None:
    """Return where a broker answers the operator, and lets him see what is ours. Problem where not, within seconds."""
    need_kafka(operator(installation))
    fault = sight_fault(installation)
    if fault is not None:
        raise Problem(f"{fault}; {MENDED_BY}")


MENDED_BY = "name an account with the operator's rights (docs/reference/access.md), or grant them: loanstream install"


def refusals(client: Mapping[str, Any], topics: Iterable[str], groups: Iterable[str]) -> list[str]:
    """Those topics and groups that the broker refuses to describe. What else goes wrong is left to whoever goes on.

    Groups are asked for where a topic of ours is there: a Kafka that never had a group would first have to make room
    for its coordinator's log.
    """
    with AdminClient({**client, "log_level": 0}, logger=_SILENT) as admin:
        asked = admin.describe_topics(TopicCollection(list(topics)), request_timeout=ANSWER_S)
        codes = {f"topic {name}": _code(future) for name, future in asked.items()}
        if None in codes.values():
            described = admin.describe_consumer_groups(list(groups), request_timeout=ANSWER_S)
            codes |= {f"group {name}": _code(future) for name, future in described.items()}
    return [what for what, code in codes.items() if code in REFUSALS]


def _code(future: Future[Any]) -> int | None:
    """Of what went wrong; None where nothing did."""
    error = future.exception(ANSWER_S + 1.0)
    if error is None:
        return None
    if not isinstance(error, KafkaException):
        raise error
    code: int = error.args[0].code()
    return code
