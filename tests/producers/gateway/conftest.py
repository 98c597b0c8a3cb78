"""A provider of tokens and a gateway in memory: a test asks it as a client would, without a socket."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from producers.gateway.app import Door, gateway
from producers.gateway.jwks_page import PageError
from producers.gateway.parts import Parts
from producers.gateway.problems import ProblemError
from producers.gateway.provider_keys import ProviderKeys
from producers.gateway.tokens import Expected, TokenVerifier
from stores.documents.blobs import MemoryBlobs
from stores.documents.sealing import DocumentKey
from stores.documents.store import DocumentStore

ISSUER, AUDIENCE = "https://provider.example", "loanstream-gateway"
SCOPES = "applications:write documents:write decisions:read score:run reviews:read reviews:write"


@dataclass
class Provider:
    """Signs tokens, and publishes its keys; `down` is what a fetch of them meets."""

    keys: dict[str, ECKey | RSAKey] = field(default_factory=dict)
    fetches: int = 0
    down: str | None = None
    page: bytes | None = None
    slow: asyncio.Event | None = None

    def __post_init__(self):
        self.add("ec-1")

    def add(self, kid: str, key: ECKey | RSAKey | None = None) -> None:
        """Publish one more key."""
        self.keys[kid] = key or ECKey.generate_key("P-256")

    async def fetch(self) -> bytes:
        """Its JWK Set."""
        self.fetches += 1
        if self.slow is not None:
            await self.slow.wait()
        if self.down is not None:
            raise PageError(self.down)
        return json.dumps(self.jwks).encode() if self.page is None else self.page

    @property
    def jwks(self) -> dict[str, Any]:
        """What it publishes."""
        return {"keys": [{**key.as_dict(private=False), "kid": kid} for kid, key in self.keys.items()]}

    def token(self, kid: str = "ec-1", header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """A token of bank-a's client with every scope; `claims` change or (None) remove some."""
        key = self.keys[kid]
        head = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "typ": "at+jwt", "kid": kid} | dict(header or {})
        now = int(time.time())
        full = {
            "iss": ISSUER,
            "aud": [AUDIENCE, "loanstream-kafka"],
            "exp": now + 300,
            "iat": now,
            "sub": "bank-a-producer",
            "client_id": "bank-a-producer",
            "tenant": "bank-a",
            "scope": SCOPES,
        } | claims
        said = {name: value for name, value in full.items() if value is not None}
        return jwt.encode({name: value for name, value in head.items() if value is not None}, said, key)


@pytest.fixture
def provider() -> Provider:
    """A provider with one key."""
    return Provider()


@pytest.fixture
def run():
    """Runs coroutines on one event loop, which lasts for the test."""
    with asyncio.Runner() as runner:
        yield runner.run


def absent(name: str) -> Any:
    """A part that is not here: every call of it says so."""

    async def refuse(*_args: Any, **_named: Any) -> Any:
        raise ProblemError("unavailable", f"{name}: not here", retry_after_s=5)

    class Absent:
        def __getattr__(self, _: str) -> Any:
            return refuse

        __call__ = staticmethod(refuse)

    return Absent()


@dataclass
class Gateway:
    """A gateway whose parts are in memory, and a client of it."""

    provider: Provider
    run: Any
    door: Door = field(default_factory=Door)
    blobs: MemoryBlobs = field(default_factory=MemoryBlobs)
    complaints: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.documents = DocumentStore(self.blobs, lambda tenant: DocumentKey("k", tenant.encode().ljust(32, b"-")))
        self.keys = ProviderKeys(self.provider.fetch)
        self.verifier = TokenVerifier(self.keys, Expected(ISSUER, AUDIENCE, {"bank-a", "bank-b"}))
        self.app = gateway(self.parts(), self.door)

    def parts(self, **others: Any) -> Parts:
        """The parts; those that `others` does not name and that are another's are not here."""
        names = ("sender", "claims", "decisions", "reviews", "score")
        return Parts(
            **{
                "verifier": self.verifier,
                "documents": self.documents,
                "healthy": self.healthy,
                **{name: absent(name) for name in names},
                **others,
            }
        )

    async def healthy(self) -> Mapping[str, str]:
        """What is wrong with the parts."""
        return self.complaints

    def ask(self, method: str, path: str, *, token: str | None = None, **named: Any) -> httpx.Response:
        """The answer; `token` is a good one of bank-a's producer where none is given, and none where it is empty."""
        headers = [*dict(named.pop("headers", {})).items(), *named.pop("pairs", ())]
        token = self.provider.token() if token is None else token
        if token:
            headers.append(("Authorization", f"Bearer {token}"))

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
                return await client.request(method, path, headers=headers, **named)

        return self.run(asked())


@pytest.fixture
def make_door(provider, run):
    """Makes gateways in memory; what is named is as in `Gateway`."""
    return lambda **named: Gateway(provider, run, **named)


@pytest.fixture
def door(make_door) -> Gateway:
    """A gateway in memory."""
    return make_door()
