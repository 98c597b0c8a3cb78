"""A client's token, as a bank's system keeps one: renewed ahead of its end, and used to its end where that fails."""

import time
from collections.abc import Callable

import httpx

from schemas.problem import Problem

RENEWED_AFTER = 0.5
"""Of a token's life: then the next one is fetched."""
ASK_S = 1.0
"""While a token lives, a request does not wait longer for the next one, and for so long none other is asked for."""
WITHIN_S = 20.0
"""Without a token the token server is waited for so long."""


class Bearer:
    """Gives the token to send now. It asks anew where nobody answered, and never where the answer was a refusal."""

    def __init__(
        self,
        http: httpx.Client,
        token_url: str,
        credentials: tuple[str, str],
        scopes: str,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http, self._url, self._credentials = http, token_url, credentials
        self._asked = {"grant_type": "client_credentials", "scope": scopes}
        self._now, self._sleep = now, sleep
        self._token, self._ends, self._next = "", 0.0, 0.0

    def __call__(self) -> str:
        """The token. Problem where the client is refused, and where there is no token and nobody answers."""
        if self._now() >= self._next:
            self._renew(patience_s=0.0 if self._now() < self._ends else WITHIN_S)
        return self._token

    def _renew(self, patience_s: float) -> None:
        until = self._now() + patience_s
        while True:
            asked_at = self._now()
            answer = self._answer(max(ASK_S, patience_s))
            if answer is not None:
                break
            self._next = self._now() + ASK_S
            if self._now() < self._ends:
                return
            if self._now() >= until:
                raise Problem("the token server does not answer")
            self._sleep(ASK_S)
        if not answer.is_success:
            raise Problem(f"the token server refused the client with {answer.status_code}")
        found = answer.json()
        self._token = found["access_token"]
        self._ends = asked_at + found["expires_in"]
        self._next = asked_at + RENEWED_AFTER * found["expires_in"]

    def _answer(self, within_s: float) -> httpx.Response | None:
        """What is answered; None where nobody does, or says that he cannot now."""
        try:
            answer = self._http.post(self._url, data=self._asked, auth=self._credentials, timeout=within_s)
        except httpx.TransportError:
            return None
        return None if answer.is_server_error else answer
