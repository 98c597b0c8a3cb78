"""A request for a token, read within limits: its size, its time, and a form that means one thing."""

import asyncio
import base64
import binascii
from collections import Counter
from urllib.parse import parse_qsl, unquote_plus

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.requests import Request

from loanstream.stack.auth.refusals import Refused

BODY_MOST = 8 * 1024
BODY_WITHIN_S = 5.0
FIELDS_MOST = 32
FORM = "application/x-www-form-urlencoded"


class TokenRequest(OAuth2Request):
    """What Authlib works on. `known_client` is for the log: the id, once it is known to be a client's."""

    def __init__(self, uri: str, form: dict[str, str], credentials: tuple[str, str] | None, address: str) -> None:
        super().__init__("POST", uri)
        self.payload = BasicOAuth2Payload(form)
        self.credentials, self.address = credentials, address
        self.known_client: str | None = None

    @property
    def form(self) -> dict[str, str]:
        """The parameters in the body."""
        return dict(self.payload.data)


async def read_request(request: Request, uri: str) -> TokenRequest:
    """The request. Its `uri` is the token endpoint's own: a Host header may say anything. Refused; ClientDisconnect."""
    if request.method != "POST":
        raise Refused("wrong_method")
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await _body(request)
    except TimeoutError:
        raise Refused("too_slow") from None
    form = _form(request.headers.get("content-type", ""), body)
    if "grant_type" not in form:
        raise Refused("no_grant_type")
    return TokenRequest(uri, form, _credentials(request, form), request.client.host if request.client else "")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MOST:
            raise Refused("too_large")
    return bytes(body)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise Refused("not_a_form")
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=FIELDS_MOST)
    except ValueError:
        raise Refused("not_a_form") from None
    if any(times > 1 for times in Counter(name for name, _ in pairs).values()):
        raise Refused("repeated_parameter")
    return dict(pairs)


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str] | None:
    """Id and secret by whichever of the two ways; None for a request without."""
    header = request.headers.get("authorization")
    if header is None:
        given = form.get("client_id"), form.get("client_secret")
        return (given[0], given[1]) if given[0] and given[1] else None
    if "client_secret" in form:
        raise Refused("two_ways")
    name, secret = _basic(header)
    if form.get("client_id", name) != name:
        raise Refused("two_ways")
    return name, secret


def _basic(header: str) -> tuple[str, str]:
    scheme, _, token = header.partition(" ")
    try:
        text = base64.b64decode(token.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Refused("unreadable_authorization") from None
    name, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Refused("unreadable_authorization")
    # RFC 6749 §2.3.1: both are written as in a form.
    return unquote_plus(name), unquote_plus(secret)
