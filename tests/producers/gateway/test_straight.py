"""The straight way past the framework answers as the framework would."""

import json
import logging
import re
from importlib import resources

import pytest

from producers.gateway import app
from producers.gateway.app import Door, description, gateway
from producers.gateway.rates import Rate
from schemas.records import Place

EXAMPLE = json.loads((resources.files("schemas") / "examples" / "loan.application.submitted.json").read_text("utf-8"))
BODY = json.dumps({name: value for name, value in EXAMPLE.items() if name != "tenant"}).encode()
PATH = "/v1/applications"
AS_JSON = {"Content-Type": "application/json"}
ASKED = {
    # what is asked: method, path, and the rest of the request
    "accepted": ("POST", PATH, {"content": BODY, "headers": AS_JSON}),
    "accepted, with a query": ("POST", f"{PATH}?a=b", {"content": BODY, "headers": AS_JSON}),
    "no token": ("POST", PATH, {"content": BODY, "headers": AS_JSON, "token": ""}),
    "a token that is none": ("POST", PATH, {"content": BODY, "headers": AS_JSON, "token": "a.b.c"}),
    "no media type": ("POST", PATH, {"content": BODY}),
    "no JSON": ("POST", PATH, {"content": b"{", "headers": AS_JSON}),
    "no body": ("POST", PATH, {"headers": AS_JSON}),
    "another bank's": (
        "POST",
        PATH,
        {"content": json.dumps(EXAMPLE | {"tenant": "bank-b"}).encode(), "headers": AS_JSON},
    ),
    "an empty object": ("POST", PATH, {"content": b"{}", "headers": AS_JSON}),
    "two keys": ("POST", PATH, {"content": BODY, "pairs": [("Idempotency-Key", "a")] * 2, "headers": AS_JSON}),
    "a claim that cannot be had": ("POST", PATH, {"content": BODY, "headers": AS_JSON | {"Idempotency-Key": "a"}}),
    "too large": ("POST", PATH, {"content": b"x" * (1024 * 1024 + 1), "headers": AS_JSON}),
    "another method": ("GET", PATH, {}),
    "another path": ("POST", f"{PATH}/", {"content": BODY, "headers": AS_JSON}),
    "encoded": ("POST", "/v1/%61pplications", {"content": BODY, "headers": AS_JSON}),
}


class Sends:
    """A sender that confirms, or fails as it is told."""

    def __init__(self, error=None):
        self.error = error

    async def send(self, _application, _traceparent=None):
        if self.error is not None:
            raise self.error
        return Place("topic", 0, 7)


class Knows:
    def accepted(self, *_):
        pass


@pytest.fixture
def both(make_door, monkeypatch, caplog):
    """Asks two gateways, of which one has no straight ways: the two answers, and what each logged."""
    caplog.set_level(logging.INFO, "producers.gateway")

    def ask(method, path, sender=None, door=None, **named):
        found = []
        for ways in (app.STRAIGHT, ()):
            with monkeypatch.context() as changed:
                changed.setattr(app, "STRAIGHT", ways)
                made = make_door()
                made.app = gateway(made.parts(sender=sender or Sends(), decisions=Knows()), door)
            caplog.clear()
            answer = made.ask(method, path, **named)
            lines = [{**record.request, "ms": None} for record in caplog.records if hasattr(record, "request")]
            found.append((answer.status_code, dict(answer.headers), answer.text, lines))
        return found

    return ask


@pytest.mark.parametrize("asked", ASKED)
def test_it_answers_as_the_framework_would(both, asked):
    """Status, headers, body and the line in the log are the same, whatever is asked."""
    method, path, named = ASKED[asked]
    straight, by_the_framework = both(method, path, **named)
    assert straight == by_the_framework
    assert len(straight[-1]) == 1
    if asked.startswith("accepted"):
        assert straight[0] == 202


def test_a_token_s_scopes_and_a_client_s_rate_hold_there_too(both, provider):
    """It is no way around a check."""
    token = provider.token(scope="decisions:read")
    straight, by_the_framework = both("POST", PATH, content=BODY, headers=AS_JSON, token=token)
    assert straight == by_the_framework
    assert straight[0] == 403
    tried = both("POST", PATH, content=BODY, headers=AS_JSON, door=Door(client_rate=Rate(0.001, 0.5)))
    assert [status for status, *_ in tried] == [429, 429]


def test_what_fails_there_is_answered_and_logged_as_elsewhere(both):
    """No text of an error goes to anybody."""
    straight, by_the_framework = both(
        "POST", PATH, sender=Sends(RuntimeError("a value")), content=BODY, headers=AS_JSON
    )
    assert straight == by_the_framework
    assert straight[0] == 500
    assert "a value" not in straight[2]


def test_each_straight_way_is_a_route_of_the_description():
    """The same path, method and scope: a developer reads there what he is asked for."""
    paths = description("/token")["paths"]
    for way in app.STRAIGHT:
        described = paths[way.path][way.method.lower()]
        assert [list(each.values()) for each in described["security"]] == [[[way.needs]]]
        assert described["description"] == re.sub(r"(?m)^    ", "", way.answer.__doc__).strip()
