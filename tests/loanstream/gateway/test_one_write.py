"""An answer leaves the gateway in one piece."""

import asyncio

import pytest

from loanstream.gateway.protocol import HELD_BYTES_MOST, OneWrite


class Transport:
    """Notes what is done with it."""

    def __init__(self):
        self.done = []

    def write(self, data):
        self.done.append(data)

    def close(self):
        self.done.append("closed")

    def is_closing(self):
        return "closed" in self.done


@pytest.fixture
def done_with():
    """What a transport is made to do by some calls within one turn of the event loop, and until some turns later."""

    def done(*calls):
        transport = Transport()

        async def turn():
            one = OneWrite(transport, asyncio.get_running_loop())
            for name, *arguments in calls:
                getattr(one, name)(*arguments)
            at_once = list(transport.done)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert one.is_closing() == transport.is_closing()
            return at_once, transport.done

        return asyncio.run(turn())

    return done


def test_head_and_body_are_one_write(done_with):
    """One TLS record, one system call, and whoever waits is woken once."""
    assert done_with(("write", b"head"), ("write", b"body")) == ([], [b"headbody"])


def test_a_connection_is_closed_after_its_last_answer(done_with):
    """Nothing is lost of it, and nothing is sent afterwards."""
    both = [b"headbody", "closed"]
    assert done_with(("write", b"head"), ("write", b"body"), ("close",)) == (both, both)


def test_a_long_answer_is_not_held(done_with):
    """What is above the limit goes at once, in its order."""
    long = b"x" * HELD_BYTES_MOST
    at_once, in_the_end = done_with(("write", b"head"), ("write", long), ("write", b"end"))
    assert at_once == [b"head" + long]
    assert in_the_end == [b"head" + long, b"end"]


def test_each_answer_comes_once(done_with):
    """Nothing is sent again in a later turn."""
    assert done_with(("write", b"one"), ("close",), ("write", b"two"))[1] == [b"one", "closed", b"two"]
