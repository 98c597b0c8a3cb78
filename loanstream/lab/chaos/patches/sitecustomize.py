"""Faults inside a worker, for chaos alone: Python loads this file in processes whose PYTHONPATH names its folder.

LOANSTREAM_CHAOS_CLOCK_S makes the worker's clock jump that far five seconds after its start; it says so once when the
clock is first read after that.
LOANSTREAM_CHAOS_LOOKS_S is how seldom score looks at the control topic, where nothing makes it look, once it has looked
after that jump.
LOANSTREAM_CHAOS_ABORTS is the share of its transactions that abort when everything in them is done.
LOANSTREAM_CHAOS_POLLS_AHEAD makes it poll beside open batches at any load, as a stage does that is behind.
LOANSTREAM_CHAOS_BREAK names a rule of the transport to remove; a chaos run that stays green then proves nothing.
"""

import os
import random
import sys
import threading
import time

JUMP_AFTER_S = 5.0


def _jump(seconds: float) -> None:
    real, began = time.time_ns, time.monotonic()
    untold = [f"chaos: the clock jumped by {seconds:.0f} s\n"]

    def jumped() -> int:
        if time.monotonic() - began <= JUMP_AFTER_S:
            return real()
        if untold:
            sys.stderr.write(untold.pop())
        return real() + int(seconds * 1e9)

    time.time_ns = jumped
    time.time = lambda: jumped() / 1e9


def _look_seldom(seconds: float) -> None:
    from registry import control

    seldom = threading.Timer(JUMP_AFTER_S + 1.5 * control.LOOK_EVERY_S, setattr, (control, "LOOK_EVERY_S", seconds))
    seldom.daemon = True
    seldom.start()


def _abort_often(share: float) -> None:
    from processors.transport import sink

    call = sink.TransactionalSink._call

    def aborting(self: object, what: str, function: object, *arguments: object) -> None:
        if what == "commit_transaction" and random.random() < share:
            raise sink._Abort("chaos asked for it")
        call(self, what, function, *arguments)

    sink.TransactionalSink._call = aborting


def _poll_ahead() -> None:
    from processors.transport.source import KafkaSource

    turn = KafkaSource._turn

    def ahead(self: KafkaSource) -> None:
        self._most_open = self._spec.max_in_flight
        turn(self)

    KafkaSource._turn = ahead


def _commit_outside() -> None:
    """The consumer commits what it has polled, before it is processed and outside of the transaction."""
    from confluent_kafka import TopicPartition

    from processors.transport.batches import spans
    from processors.transport.sink import TransactionalSink
    from processors.transport.source import KafkaSource

    admit, call = KafkaSource._admit, TransactionalSink._call

    def after_offsets(self: KafkaSource, messages: list, version: int) -> None:
        ends = [TopicPartition(*place, span.next) for place, span in spans(messages).items()]
        self._thread.consumer.commit(offsets=ends, asynchronous=False)
        admit(self, messages, version)

    def without_offsets(self: TransactionalSink, what: str, function: object, *arguments: object) -> None:
        if what != "send_offsets":
            call(self, what, function, *arguments)

    KafkaSource._admit = after_offsets
    TransactionalSink._call = without_offsets


def _without_veto() -> None:
    from processors.transport.ledger import Ledger

    Ledger._vetoed = lambda _self, _version: False


if "loanstream.worker" in sys.orig_argv:
    if seconds := os.environ.get("LOANSTREAM_CHAOS_CLOCK_S"):
        _jump(float(seconds))
    if seconds := os.environ.get("LOANSTREAM_CHAOS_LOOKS_S"):
        _look_seldom(float(seconds))
    if share := os.environ.get("LOANSTREAM_CHAOS_ABORTS"):
        _abort_often(float(share))
    if os.environ.get("LOANSTREAM_CHAOS_POLLS_AHEAD"):
        _poll_ahead()
    match os.environ.get("LOANSTREAM_CHAOS_BREAK"):
        case "commit-outside":
            _commit_outside()
        case "no-veto":
            _without_veto()
