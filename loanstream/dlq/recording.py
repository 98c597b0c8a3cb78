"""Records that the warehouse refused, put into it after all: by the record stage's own code, over one connection."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from typing import Any

from loanstream.dlq.box import RecordAgain
from processors.deadletters import Refused
from processors.transport.ranges import OffsetRange
from processors.transport.specs import Retry
from schemas.decode import Undecodable
from schemas.problem import Problem
from schemas.records import Message
from stores.warehouse.cipher import ColumnCipher


class WarehouseAway(Problem):
    """The warehouse takes nothing at all: the letters wait for it."""


@contextmanager
def recording_again(client_factory: Callable[[], Any], cipher: Callable[[], ColumnCipher]) -> Iterator[RecordAgain]:
    """What records dead letters again, until the end of the `with` closes its connection. It raises `WarehouseAway`.

    `client_factory` makes a client that may write, `cipher` opens the encrypted columns. Neither is asked before the
    first record comes: whoever only sends letters back to their topics needs no key of the warehouse.
    """
    from processors.stages.guard import ErrorBudget
    from processors.stages.record.sink import WarehouseSink

    refused: list[Refused] = []
    with ExitStack() as at_the_end:

        @cache
        def sink() -> WarehouseSink:
            # However many of them fail on our own code once more: they are what failed on it before.
            budget = ErrorBudget(sys.maxsize)
            made = WarehouseSink(client_factory, cipher(), refused.extend, budget)
            return at_the_end.enter_context(closing(made))

        def record_again(message: Message) -> Undecodable | None:
            refused.clear()
            place = OffsetRange(message.topic(), message.partition(), message.offset(), message.offset() + 1)
            try:
                sink().write(place, sink().prepare([message]))
            except Retry as error:
                raise WarehouseAway(str(error)) from None
            return refused[0][1] if refused else None

        yield record_again
