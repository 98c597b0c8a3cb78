"""A bank that speaks HTTPS: it gets a token, stores documents, and sends applications, all through the gateway."""

import json
import ssl
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import httpx

from loanstream.stack.layout import StackFile
from producers.synthetic.applications import MEDIA_TYPE, SyntheticDocument
from schemas.problem import Problem

WITHIN_S = 20.0
SCOPES = "applications:write documents:write"
RENEWED_AFTER = 0.5
"""Of a token's life: then the next one is fetched."""


class GatewayBank:
    """One bank's client of the gateway of a running stack. Problem where a request is refused."""

    def __init__(self, stack: StackFile, tenant: str) -> None:
        client = stack["auth"]["clients"][f"producer:{tenant}"]
        trusted = ssl.create_default_context(cafile=stack["tls"]["ca"])
        self._token_url = stack["auth"]["token_endpoint"]
        self._credentials = client["client_id"], client["client_secret"]
        self._until, self._bearer = 0.0, ""
        self._open = ExitStack()
        self._http = self._open.enter_context(
            httpx.Client(base_url=stack["gateway"]["url"], verify=trusted, timeout=WITHIN_S)
        )

    def __enter__(self) -> Self:
        """The client, connected when it is first used."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._open.close()

    def store(self, document: SyntheticDocument) -> None:
        """Store a document; its reference is the one that the application has already."""
        reference = self._post("/v1/documents", document.data, MEDIA_TYPE, params={"kind": document.kind})
        if reference["sha256"] != document.ref.sha256:
            raise Problem("the gateway stored other bytes than it was sent")

    def send(self, value: bytes) -> str:
        """Send an application, named by its id, so that a repeat of the request is none of the application."""
        event = json.loads(value)
        key = {"Idempotency-Key": f"{event['application_id']}/{event['revision']}"}
        status: str = self._post("/v1/applications", value, "application/json", headers=key)["status"]
        return status

    def _post(self, path: str, body: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": media_type, **more.pop("headers", {})}
        try:
            answer = self._http.post(path, content=body, headers=headers, **more)
        except httpx.HTTPError as error:
            raise Problem(f"the gateway does not answer: {type(error).__name__}") from None
        if not answer.is_success:
            raise Problem(f"the gateway refused {path} with {answer.status_code}: {answer.json()['detail']}")
        found: dict[str, Any] = answer.json()
        return found

    def _token(self) -> str:
        if time.monotonic() > self._until:
            asked = {"grant_type": "client_credentials", "scope": SCOPES}
            answer = self._http.post(self._token_url, data=asked, auth=self._credentials)
            if not answer.is_success:
                raise Problem(f"the token server refused the client with {answer.status_code}")
            found = answer.json()
            self._bearer, self._until = found["access_token"], time.monotonic() + RENEWED_AFTER * found["expires_in"]
        return self._bearer
