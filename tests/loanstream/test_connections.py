"""What an HTTPS server of ours lets strangers hold."""

import asyncio
import logging
import socket
import ssl

import pytest

from loanstream import connections
from loanstream.connections import BoundedLoop, Seldom


@pytest.fixture
def said(caplog):
    """Lines of a logger that says things seldom."""
    log = logging.getLogger("tests.seldom")
    rare = Seldom()
    log.addFilter(rare)
    yield log, caplog
    log.removeFilter(rare)


def test_a_kind_of_line_is_written_once_in_a_while(said):
    """asyncio's report of a full table of descriptors names another socket each time: it is one kind all the same."""
    log, caplog = said
    for n in range(1000):
        log.error(f"socket.accept() out of system resource\nsocket: fd={n}")  # noqa: G004 - as asyncio writes it
    log.error("another kind")
    assert len(caplog.records) == 2


def test_one_connection_too_many_is_closed_and_room_is_used_again(monkeypatch):
    """Of three where two are held the last is closed; when one has gone there is room for another."""
    monkeypatch.setattr(connections, "CONNECTIONS_MOST", 2)

    async def counted():
        loop = asyncio.get_running_loop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server = await loop.create_server(asyncio.Protocol, host="127.0.0.1", port=0, ssl=context)
        address = server.sockets[0].getsockname()

        async def opened():
            reader, writer = await asyncio.open_connection(*address)
            try:
                await asyncio.wait_for(reader.read(1), 0.3)
            except TimeoutError:
                return writer
            return None

        first, second, third = [await opened() for _ in range(3)]
        first.close()
        await asyncio.sleep(0.1)
        fourth = await opened()
        server.close()
        return [each is not None for each in (second, third, fourth)]

    with asyncio.Runner(loop_factory=BoundedLoop) as runner:
        assert runner.run(counted()) == [True, False, True]


def test_few_descriptors_are_not_all_given_to_strangers(monkeypatch):
    """Where a process may open 64 files, 32 stay for its own."""
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (64, 64))
    listener = connections.listening("127.0.0.1", 0)
    assert listener._most == 32
    listener.close()


def test_an_address_that_is_taken_is_named():
    """With its port, for whoever starts the server."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen at 127.0.0.1, port {port}: Address already in use"):
            connections.listening("127.0.0.1", port)


def test_an_answer_waits_for_no_acknowledgement():
    """A connection sends at once what is written to it (TCP_NODELAY); else an answer of two writes takes 40 ms more."""

    async def accepted():
        loop = asyncio.get_running_loop()
        made = loop.create_future()

        class Accepted(asyncio.Protocol):
            def connection_made(self, transport):
                made.set_result(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

        listener = connections.listening("127.0.0.1", 0)
        async with await asyncio.SelectorEventLoop.create_server(loop, Accepted, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            try:
                return await made
            finally:
                writer.close()

    with asyncio.Runner(loop_factory=BoundedLoop) as runner:
        assert runner.run(accepted()) == 1
