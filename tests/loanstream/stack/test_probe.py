"""Whether a part of the stack answers: asked at its start, by the doctor, and of a worker that misbehaves."""

import socket
import threading
from contextlib import contextmanager

import pytest

from loanstream.stack.probe import answers, page


@contextmanager
def serving(reply):
    """A server that says `reply` to whoever comes first, and its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(reply)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/readyz"
        serving.join(5)


@pytest.mark.parametrize(
    ("reply", "ready", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True, b"ok"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nwait", False, b"wait"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", False, None),
        (b"SSH-2.0-other\r\n", False, None),
        (b"", False, None),
    ],
    ids=["ready", "not ready", "cut off", "another protocol", "hangs up"],
)
def test_a_part_is_ready_where_it_says_so_and_only_there(reply, ready, body):
    """A server that is busy, that dies while it answers, or that is somebody else's is not ready."""
    with serving(reply) as url:
        assert answers(url) is ready
    with serving(reply) as url:
        found = page(url)
    assert (found and found.body) == body


def test_a_part_that_is_not_there_or_says_nothing_is_not_ready():
    """Nobody is waited for longer than was said."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/ping"
        assert not answers(url)
        silent.listen()
        assert not answers(url, within_s=0.05)
