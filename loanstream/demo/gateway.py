"""A bank that speaks HTTPS: it gets a token, stores documents, and sends applications, all through the gateway."""

import json
import ssl
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import httpx

from loanstream.demo.bearer import Bearer
from loanstream.stack.layout import StackFile
from producers.synthetic.applications import MEDIA_TYPE, SyntheticDocument
from schemas.problem import Problem

WITHIN_S = 20.0
SCOPES = "applications:write documents:write"


class GatewayBank:
    """One bank's client of the gateway of a running stack, by its secret in `stack.json` where no other is given.

    Problem where a request is refused.
    """

    def __init__(self, stack: StackFile, tenant: str, client_secret: str | None = None) -> None:
        client = stack["auth"]["clients"][f"producer:{tenant}"]
        secret = client_secret or client["client_secret"]
        trusted = ssl.create_default_context(cafile=stack["tls"]["ca"])
        self._open = ExitStack()
        self._http = self._open.enter_context(
            httpx.Client(base_url=stack["gateway"]["url"], verify=trusted, timeout=WITHIN_S)
        )
        self._token = Bearer(self._http, stack["auth"]["token_endpoint"], (client["client_id"], secret), SCOPES)

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
