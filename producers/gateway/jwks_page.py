"""Getting the provider's JWK Set: over https or from a file, in a bounded time and of a bounded size."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

BYTES_MOST = 256 * 1024
"""Hundreds of keys; a provider has a handful."""

WITHIN_S = 5.0
"""Of the whole fetch: names looked up, connected, read to the end."""

Fetch = Callable[[], Awaitable[bytes]]


class PageError(Exception):
    """The page cannot be had. The text is fixed words: neither an address nor anything that was answered."""


def fetch_of(uri: str, trusted: ssl.SSLContext | None = None, within_s: float = WITHIN_S) -> Fetch:
    """What fetches the page at `uri`; ValueError where that is neither https nor `file:///PATH`.

    By https only from a server that is `trusted`; without it, that the machine trusts. The fetch raises PageError.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        return _file(Path(unquote(parts.path)), within_s)
    if parts.scheme == "https" and parts.hostname:
        return _https(uri, trusted or ssl.create_default_context(), within_s)
    raise ValueError("expected an https URL or file:///PATH")


def _file(path: Path, within_s: float) -> Fetch:
    def read() -> bytes:
        with path.open("rb") as file:
            return file.read(BYTES_MOST + 1)

    async def fetch() -> bytes:
        try:
            async with asyncio.timeout(within_s):
                data = await asyncio.to_thread(read)
        except TimeoutError:
            raise PageError("it is not read in time") from None
        except OSError as error:
            raise PageError(f"its file cannot be read: {error.strerror}") from None
        _check_size(data)
        return data

    return fetch


def _https(uri: str, trusted: ssl.SSLContext, within_s: float) -> Fetch:
    async def fetch() -> bytes:
        try:
            # Around everything: a server that sends a byte now and then keeps to each of httpx's own timeouts.
            async with asyncio.timeout(within_s), httpx.AsyncClient(verify=trusted, timeout=within_s) as client:
                return await _page(client, uri)
        except TimeoutError:
            raise PageError("no answer in time") from None
        except httpx.HTTPError as error:
            raise PageError(f"no answer: {type(error).__name__}") from None

    return fetch


async def _page(client: httpx.AsyncClient, uri: str) -> bytes:
    # Not compressed: a few bytes could become many.
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with client.stream("GET", uri, headers=headers) as answer:
        if answer.status_code != httpx.codes.OK:
            raise PageError(f"answered with status {answer.status_code}")
        data = bytearray()
        async for chunk in answer.aiter_raw():
            data += chunk
            _check_size(data)
    return bytes(data)


def _check_size(data: bytes | bytearray) -> None:
    if len(data) > BYTES_MOST:
        raise PageError(f"more than {BYTES_MOST} bytes")
