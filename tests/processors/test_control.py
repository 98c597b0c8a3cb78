"""The control topic's reader: a worker that cannot follow activations ends, and never waits in silence."""

import threading

from processors.control import ControlReader


def test_a_reader_that_fails_ends_its_worker_with_one_line():
    """Otherwise score would wait for ever for a moment that nobody sees any more."""
    told, ended = [], threading.Event()

    def die(line):
        told.append(line)
        ended.set()

    ControlReader("127.0.0.1:1", {"no.such.setting": "x"}, die).start()
    assert ended.wait(10)
    assert told[0].startswith("the control thread failed: KafkaException")
