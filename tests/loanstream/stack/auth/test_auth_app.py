"""What the token server answers to whatever is sent, in this process."""

import asyncio
import base64
import json
import logging

import httpx
import pytest

from loanstream.stack.auth import app as app_module
from loanstream.stack.auth import requests
from loanstream.stack.auth.access_log import AccessLines, AccessLog
from loanstream.stack.auth.app import TokenServer
from loanstream.stack.auth.endpoints import Endpoints
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.refusals import REFUSALS
from loanstream.stack.auth.registration import add_client, ensure_clients, rotate_secret
from loanstream.stack.auth.ring import Times
from loanstream.stack.auth.scopes import KINDS

FORM = "application/x-www-form-urlencoded"
GRANT = "grant_type=client_credentials"


@pytest.fixture
def files(tmp_path):
    return AuthFiles(tmp_path / "state")


@pytest.fixture
def producer(files):
    return ensure_clients(files.state, ["bank-a"])["producer:bank-a"]


@pytest.fixture
def app(files, producer):
    return TokenServer(files, Endpoints(20443), Times()).app()


@pytest.fixture
def send(app):
    """Sends one request to the token endpoint."""

    def send(content=GRANT, *, address="1.1.1.1", method="POST", content_type=FORM, **given):
        async def sent():
            transport = httpx.ASGITransport(app, client=(address, 1))
            headers = {"Content-Type": content_type, **given.pop("headers", {})}
            async with httpx.AsyncClient(transport=transport, base_url="https://localhost:20443") as http:
                return await http.request(method, "/oauth/token", content=content, headers=headers, **given)

        return asyncio.run(sent())

    return send


@pytest.fixture
def logged(caplog):
    """The fields of the lines about requests."""
    caplog.set_level(logging.INFO, "loanstream.stack.auth")
    return lambda: [record.request for record in caplog.records if hasattr(record, "request")]


def basic(text):
    return {"Authorization": "Basic " + base64.b64encode(text).decode()}


REQUESTS = {
    # reason: what is sent
    "wrong_method": {"method": "GET"},
    "too_large": {"content": b"a=" + b"x" * 8191},
    "not_a_form": {"content": '{"grant_type": "client_credentials"}', "content_type": "application/json"},
    "repeated_parameter": {"content": f"{GRANT}&{GRANT}"},
    "no_grant_type": {"content": "scope=documents:write"},
    "two_ways": {"content": f"{GRANT}&client_id=a&client_secret=b", "auth": ("a", "b")},
    "unreadable_authorization": {"headers": {"Authorization": "Basic ÿÿÿ".encode("latin-1")}},
    "no_credentials": {},
    "unknown_client": {"auth": ("nobody", "nothing")},
    "wrong_secret": {"auth": ("bank-a-producer", "nothing")},
    "unsupported_grant_type": {"content": "grant_type=password&username=a&password=b", "auth": ("a", "b")},
}


@pytest.mark.parametrize("reason", REQUESTS)
def test_each_refusal_is_the_row_of_its_reason(send, logged, reason):
    """RFC 6749 §5.2: JSON with error and description, never to be kept; the reason stands in our log alone."""
    answer = send(**REQUESTS[reason])
    row = REFUSALS[reason]
    assert answer.status_code == row.status
    assert answer.json() == {"error": row.error, "error_description": row.description}
    assert answer.headers["cache-control"] == "no-store"
    assert all(answer.headers[name] == value for name, value in row.headers.items())
    (line,) = logged()
    assert line["reason"] == reason
    assert line["status"] == row.status
    # Where an id stands that is none, a secret may stand.
    assert line["client_id"] == ("bank-a-producer" if reason == "wrong_secret" else None)


def test_a_scope_that_is_not_granted_is_refused_whole(send, producer, logged):
    """Less than what was asked for would surprise later: no token at all, of a scope of others and of one that is none."""
    auth = (producer.client_id, producer.client_secret)
    for scope in ("reviews:write", "documents:write+reviews:write", "no:scope"):
        answer = send(f"{GRANT}&scope={scope}", auth=auth)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    assert {line["client_id"] for line in logged()} == {"bank-a-producer"}
    assert send(f"{GRANT}&scope=", auth=auth).json()["scope"].split() == list(KINDS["producer"].scopes)


def test_a_client_of_fewer_scopes_gets_those(send, files):
    """Who asks for nothing in particular gets what it has."""
    made = add_client(files, "producer", "bank-a", "scans", ["documents:write"])
    assert send(auth=(made.client_id, made.client_secret)).json()["scope"] == "documents:write"


def test_a_bank_that_left_gets_no_token(send, files, producer, logged):
    """Neither by the stack's client nor by one that was added; with its right secret it hears why, and it is let in again
    when it comes back, by the same secret."""
    added = add_client(files, "producer", "bank-a", "scans")
    ensure_clients(files.state, ["bank-b"])
    for each in (producer, added):
        answer = send(auth=(each.client_id, each.client_secret))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert logged()[-1]["reason"] == "not_served"
    assert "not served" not in send(auth=(producer.client_id, "wrong")).text
    rotate_secret(files, added.client_id)
    assert send(auth=(added.client_id, added.client_secret)).status_code == 401
    ensure_clients(files.state, ["bank-a"])
    assert send(auth=(producer.client_id, producer.client_secret)).status_code == 200


def test_who_there_is_is_not_told(send):
    """A wrong secret and a client that is none get the same answer, by either way."""
    answers = [send(auth=(name, "wrong")) for name in ("bank-a-producer", "nobody")]
    answers += [send(f"{GRANT}&client_id={name}&client_secret=wrong-too") for name in ("bank-a-producer", "nobody")]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}


def test_many_wrong_secrets_are_told_to_wait(send, producer, logged):
    """429 with the seconds; the client itself, at the same address, is let in meanwhile."""
    answers = [send(auth=(producer.client_id, f"guess {n}")) for n in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[5].json()["error"] == "invalid_client"
    assert 1 <= int(answers[5].headers["retry-after"]) <= 6
    assert send(auth=(producer.client_id, producer.client_secret)).status_code == 200
    assert logged()[5]["reason"] == "backed_off"


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Bearer abc",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    ],
)
def test_an_authorization_that_cannot_be_read_is_refused(send, header):
    """Whatever bytes stand there: one answer, and no fault of ours."""
    answer = send(headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"grant_type=%ff", b"&".join(b"a%d=1" % n for n in range(40)), "grant_type=ü".encode()]
)
def test_a_form_that_cannot_be_read_is_refused(send, body):
    """Bytes that are no UTF-8, and more parameters than anybody needs."""
    assert send(body).json()["error"] == "invalid_request"


@pytest.mark.parametrize("secret", ["nul\0", "\U0001f4b8" * 20, "%", "x" * 5000])
def test_a_secret_of_any_characters_is_only_wrong(send, secret):
    """Nothing that stands there is a fault of ours."""
    assert send(auth=("bank-a-producer", secret)).status_code == 401


def test_secrets_are_read_as_a_form_writes_them(send, producer):
    """RFC 6749 §2.3.1: a library that escapes id and secret in the header is understood."""
    escaped = "".join(f"%{ord(each):02x}" for each in producer.client_secret)
    assert send(headers=basic(f"{producer.client_id}:{escaped}".encode())).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(app, monkeypatch):
    """A connection that sends nothing holds nothing."""
    monkeypatch.setattr(requests, "BODY_WITHIN_S", 0.05)
    sent = []

    async def never():
        await asyncio.sleep(60)

    async def take(message):
        sent.append(message)

    headers = [(b"content-type", FORM.encode())]
    scope = {"type": "http", "method": "POST", "path": "/oauth/token", "headers": headers, "query_string": b""}
    asyncio.run(asyncio.wait_for(app(scope | {"client": ("1.1.1.1", 1)}, never, take), 5))
    assert sent[0]["status"] == 408


def test_a_fault_of_ours_is_json_as_well_and_its_words_stay_out_of_the_log(send, producer, monkeypatch, caplog):
    """Whoever asks gets an answer; the log has the place, without what was sent."""

    def fail(*_):
        raise RuntimeError("CANARY")

    monkeypatch.setattr(app_module.Authorization, "create_token_response", fail)
    answer = send(auth=(producer.client_id, producer.client_secret))
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")
    assert "RuntimeError at" in caplog.text
    assert "CANARY" not in caplog.text


def test_a_rotation_that_nobody_drives_any_more_is_complained_of(files, producer, monkeypatch):
    """Were the task that takes the steps to die, the page of health would say so, and tokens go on."""
    monkeypatch.setattr(app_module, "SETTLE_EVERY_S", 0.01)
    server = TokenServer(files, Endpoints(20443), Times())

    def fail():
        raise RuntimeError

    async def asked():
        app = server.app()
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url="https://localhost")
        async with client as http, app.router.lifespan_context(app):
            well = await http.get("/healthz")
            monkeypatch.setattr(server._keyring, "settle", fail)
            await asyncio.sleep(0.1)
            return well, await http.get("/healthz")

    well, ill = asyncio.run(asked())
    assert well.json() == {"complaint": None}
    assert ill.status_code == 503
    assert "not taken any more" in ill.json()["complaint"]


def test_a_client_that_asks_in_a_loop_does_not_fill_the_disk(logged):
    """Sixty lines a minute of one client and reason; the next line tells how many requests had none."""
    clock = [0.0]
    log = AccessLog(lambda: clock[0])
    for _ in range(1000):
        log.note("bank-a-producer", 401, "wrong_secret", 1.0)
    log.note("bank-b-producer", 200, "issued", 1.0)
    assert [line["client_id"] for line in logged()] == ["bank-a-producer"] * 60 + ["bank-b-producer"]
    clock[0] = 60.0
    log.note("bank-a-producer", 401, "wrong_secret", 1.0)
    assert logged()[-1]["unsaid"] == 940


def test_a_line_about_a_request_is_one_of_the_projects(caplog):
    """The fields of every line, and its own."""
    caplog.set_level(logging.INFO, "loanstream.stack.auth")
    AccessLog().note("bank-a-producer", 200, "issued", 1.26)
    line = json.loads(AccessLines("auth", "auth").format(caplog.records[0]))
    fields = {"stage": "auth", "worker": "auth", "client_id": "bank-a-producer", "status": 200, "reason": "issued"}
    assert line | fields | {"ms": 1.3} == line
    assert line["level"] == "info"
