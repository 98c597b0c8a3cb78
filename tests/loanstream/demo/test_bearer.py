"""A bank's token: renewed ahead of its end, used to its end where that fails, and a refusal is the end of asking."""

import httpx
import pytest

from loanstream.demo.bearer import ASK_S, WITHIN_S, Bearer
from schemas.problem import Problem

LIFE_S = 10


class TokenServer:
    """Gives a token a request, or does what it is told."""

    def __init__(self) -> None:
        self.given, self.asked, self.instead, self.clock = 0, 0, None, 100.0

    def __call__(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        if isinstance(self.instead, Exception):
            raise self.instead
        if self.instead is not None:
            return httpx.Response(self.instead)
        self.given += 1
        return httpx.Response(200, json={"access_token": f"token-{self.given}", "expires_in": LIFE_S})

    def sleep(self, seconds: float) -> None:
        self.clock += seconds


@pytest.fixture
def server() -> TokenServer:
    return TokenServer()


@pytest.fixture
def bearer(server: TokenServer) -> Bearer:
    http = httpx.Client(transport=httpx.MockTransport(server))
    return Bearer(http, "https://tokens", ("id", "secret"), "a b", lambda: server.clock, server.sleep)


def test_one_token_serves_until_half_of_its_life_is_over(server, bearer) -> None:
    """Then the next one is fetched, well ahead of the end."""
    assert {bearer() for _ in range(3)} == {"token-1"}
    server.clock += LIFE_S / 2
    assert (bearer(), server.asked) == ("token-2", 2)


@pytest.mark.parametrize("away", [httpx.ConnectError("refused"), httpx.ReadTimeout("frozen"), 503])
def test_a_token_lives_through_the_absence_of_its_server(server, bearer, away) -> None:
    """While it lives it is used, and the server is asked once in a while; once it is back there is a new one."""
    bearer()
    server.clock, server.instead = server.clock + LIFE_S / 2, away
    assert {bearer() for _ in range(5)} == {"token-1"}
    assert server.asked == 2
    server.clock, server.instead = server.clock + ASK_S, None
    assert bearer() == "token-2"


def test_without_a_token_the_server_is_waited_for_and_not_for_ever(server, bearer) -> None:
    """A server that comes back in time is no error; one that does not is."""
    bearer()
    server.clock, server.instead = server.clock + LIFE_S, httpx.ConnectError("refused")
    began = server.clock
    with pytest.raises(Problem, match="does not answer"):
        bearer()
    assert WITHIN_S <= server.clock - began <= WITHIN_S + ASK_S


@pytest.mark.parametrize("status", [400, 401, 429])
def test_a_refusal_is_told_and_not_tried_again(server, bearer, status) -> None:
    """Also while a token lives: who is refused is not refused by mistake."""
    bearer()
    server.clock, server.instead = server.clock + LIFE_S / 2, status
    with pytest.raises(Problem, match=str(status)):
        bearer()
    assert server.asked == 2
