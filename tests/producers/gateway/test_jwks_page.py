"""Getting the JWK Set: from a file and over https, in time, of a size, from whom is trusted."""

import asyncio
import ssl
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))  # test folders are no packages

from throwaway_ca import make_tls

from producers.gateway import jwks_page
from producers.gateway.jwks_page import PageError, fetch_of


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    """A server's context, and a client's that trusts it."""
    tls = make_tls(tmp_path_factory.mktemp("tls"))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tls.cert, tls.key)
    return server, ssl.create_default_context(cafile=tls.ca)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"


def answered(contexts, said, within_s=2.0, trusted=True):
    """What a fetch gives of a server that says `said`: byte strings, or seconds to wait between them."""
    server_context, client_context = contexts

    async def serve(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            for part in said:
                if isinstance(part, float):
                    await asyncio.sleep(part)
                else:
                    writer.write(part)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def fetched():
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context)
        port = server.sockets[0].getsockname()[1]
        fetch = fetch_of(f"https://localhost:{port}/jwks.json", client_context if trusted else None, within_s)
        try:
            return await fetch()
        finally:
            server.close()

    return asyncio.run(fetched())


def test_a_page_by_https(contexts):
    """As it is."""
    assert answered(contexts, [HEAD, b'Content-Length: 11\r\n\r\n{"keys":', b"[]}"]) == b'{"keys":[]}'


def test_only_from_a_server_that_is_trusted(contexts):
    """Whoever stands in the way with another certificate is not asked."""
    with pytest.raises(PageError, match="no answer"):
        answered(contexts, [HEAD, b"Content-Length: 2\r\n\r\n{}"], trusted=False)


@pytest.mark.parametrize(
    "said",
    [
        [3.0],  # silence
        [HEAD, 3.0],  # a head that does not end
        [HEAD, b"Content-Length: 100\r\n\r\n", *[b"x", 0.2] * 40],  # a byte now and then
        [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n", 0.2] * 40],
    ],
    ids=["silence", "half a head", "a trickle", "a trickle of headers"],
)
def test_a_slow_server_is_left_in_time(contexts, said):
    """However it is slow: the deadline is that of the whole."""
    began = time.monotonic()
    with pytest.raises(PageError, match="no answer"):
        answered(contexts, said, within_s=0.6)
    assert time.monotonic() - began < 2.0


def test_a_page_that_does_not_end_is_left_at_its_bound(contexts):
    """Nobody fills the memory with keys."""
    chunk = b"x" * 65536
    with pytest.raises(PageError, match="more than"):
        answered(contexts, [HEAD, b"\r\n", *[chunk] * 100])


def test_a_compressed_page_is_not_blown_up(contexts):
    """A few bytes cannot become many: they are taken as they come."""
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"
    assert answered(contexts, [head, b"\x1f\x8b\x08"]) == b"\x1f\x8b\x08"


@pytest.mark.parametrize(
    "status", [b"301 Moved\r\nLocation: http://attacker.example/", b"404 Not", b"500 Oh", b"204 No"]
)
def test_another_status_is_no_page_and_no_redirection_is_followed(contexts, status):
    """Keys come from the address that the operator named."""
    with pytest.raises(PageError, match="status"):
        answered(contexts, [b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"])


def test_a_page_from_a_file(tmp_path):
    """As the embedded provider writes it; a file that grows beyond the bound is none."""
    page = tmp_path / "jwks with space.json"
    fetch = fetch_of(page.as_uri())
    with pytest.raises(PageError, match="cannot be read"):
        asyncio.run(fetch())
    page.write_bytes(b"{}")
    assert asyncio.run(fetch()) == b"{}"
    page.write_bytes(b"x" * (jwks_page.BYTES_MOST + 1))
    with pytest.raises(PageError, match="more than"):
        asyncio.run(fetch())


@pytest.mark.parametrize(
    "uri", ["http://provider.example/jwks", "ftp://x/y", "file://host/path", "/jwks", "", "https:///x"]
)
def test_other_addresses_are_no_way_to_keys(uri):
    """What anybody on the way could change is not asked."""
    with pytest.raises(ValueError, match="expected an https URL"):
        fetch_of(uri)
