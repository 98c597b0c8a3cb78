"""The control topic's reader: a worker that cannot follow activations ends, and never waits in silence."""

import threading

from registry.control import ControlReader


def test_a_reader_that_fails_says_so():
    """Otherwise score would wait for ever for a moment that nobody sees any more."""
    told, ended = [], threading.Event()

    def failed(error):
        told.append(type(error).__name__)
        ended.set()

    ControlReader("127.0.0.1:1", {"no.such.setting": "x"}, failed).start()
    assert ended.wait(10)
    assert told == ["KafkaException"]
