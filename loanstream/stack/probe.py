"""Asking a server for a page: the stack whether its parts are ready, the doctor whether they are well."""

import http.client
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from loanstream.stack.ports import LOOPBACK

WITHIN_S = 2.0
"""How long a server may take to answer, where nobody waits to ask again."""


@dataclass(frozen=True, slots=True)
class Page:
    """A server's answer: its status and its body."""

    status: int
    body: bytes


def page(url: str, within_s: float = WITHIN_S, trusted: ssl.SSLContext | None = None) -> Page | None:
    """The page at an http(s) URL, of whatever status; None where nobody answers, or not within `within_s` seconds.

    By https only from a server that is `trusted`; without it, that the machine trusts.
    """
    parts = urlsplit(url)
    host = parts.hostname or LOOPBACK
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=within_s, context=trusted)
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=within_s)
    )
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return Page(answer.status, answer.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def answers(url: str, within_s: float = WITHIN_S, trusted: ssl.SSLContext | None = None) -> bool:
    """Whether the page is there: status 200 and no other."""
    found = page(url, within_s, trusted)
    return found is not None and found.status == http.client.OK
