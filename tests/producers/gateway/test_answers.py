"""What every answer has: headers, a problem where it is one, a line in the log that says nothing of what was sent."""

import json
import logging

import pytest

from loanstream.gateway.logs import RequestLines
from producers.gateway import access_log
from producers.gateway.app import Door
from producers.gateway.headers import ALWAYS
from producers.gateway.problems import KINDS, ProblemError, answer
from producers.gateway.rates import Rate

PDF = b"%PDF-1.7\n"
ASKED = [
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 200),
    ("GET", "/docs", 200),
    ("GET", "/docs/page.js", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/nowhere", 404),
    ("GET", "/v1/documents/", 404),
    ("DELETE", "/v1/documents", 405),
    ("POST", "/v1/documents", 400),
    ("POST", "/v1/documents?kind=payslip", 415),
]


@pytest.fixture
def lines(caplog):
    """The lines about requests, as the process writes them."""
    caplog.set_level(logging.INFO, "producers.gateway")
    formatter = RequestLines("gateway", "gateway")

    def lines():
        return [json.loads(formatter.format(record)) for record in caplog.records if hasattr(record, "request")]

    return lines


@pytest.mark.parametrize(("method", "path", "status"), ASKED)
def test_every_answer_has_the_headers(door, method, path, status):
    """A browser keeps nothing, guesses nothing and frames nothing, whatever the answer is."""
    found = door.ask(method, path)
    assert found.status_code == status
    assert ALWAYS.items() <= {name.title(): value for name, value in found.headers.items()}.items()
    assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
    assert found.headers["strict-transport-security"] == "max-age=31536000"


def test_a_refusal_before_the_routes_has_them_too(make_door):
    """Too much and too often are answers like others."""
    door = make_door(door=Door(address_rate=Rate(0.001, 1)))
    door.ask("GET", "/readyz")
    for found in (door.ask("GET", "/readyz"), door.ask("POST", "/v1/x", content=b"x" * 70_000)):
        assert found.status_code == 429
        assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("method", "path", "status"), [row for row in ASKED if row[2] >= 400])
def test_every_refusal_is_a_problem(door, method, path, status):
    """RFC 9457, of a kind of the table; a method that is not taken is told with those that are."""
    found = door.ask(method, path)
    assert found.headers["content-type"] == "application/problem+json"
    body = found.json()
    kind = body["type"].rpartition(":")[2]
    assert (body["status"], body["title"]) == (status, KINDS[kind].title)
    assert ("allow" in found.headers) == (status == 405)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_answered(kind):
    """Each row makes an answer; the seconds to wait are whole and at least one."""
    found = answer(ProblemError(kind, "why", retry_after_s=0.2))
    assert found.status_code == KINDS[kind].status
    assert found.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../../etc/passwd",
        "/v1/documents/..%2f..%2fbank-b",
        "/v1/documents/%2e%2e/%2e%2e/keys",
        "https://gateway.example//bank-b/v1/documents",
        "/v1/documents%00.pdf",
        "/v1/documents;tenant=bank-b",
        "/%0d%0aSet-Cookie:%20a=b",
        "/docs/..%2f..%2f..%2fpyproject.toml",
        "/docs/%2e%2e/app.py",
        "/docs/page.html",
    ],
)
def test_a_path_leads_to_a_route_or_nowhere(door, lines, path):
    """No file, no other bank, and no header of the sender's making."""
    found = door.ask("GET", path)
    assert found.status_code == 404
    assert "set-cookie" not in found.headers
    assert path not in found.text
    assert lines()[-1]["route"] == "(other)"


def test_a_line_says_what_was_asked_by_its_template(door, lines):
    """Method, template, status, reason, milliseconds; the client only where its token was verified."""
    headers = {"Content-Type": "application/pdf"}
    door.ask("POST", "/v1/documents?kind=payslip&secret=canary-1", content=PDF, headers=headers)
    door.ask("POST", "/v1/documents?kind=canary-2")
    door.ask("POST", "/v1/documents?kind=payslip", token="canary.3.x")
    door.ask("POST", "/v1/documents?kind=payslip", token=door.provider.token(scope="canary-4"))
    shown = [(line["route"], line["status"], line["reason"], line.get("client_id")) for line in lines()]
    assert shown == [
        ("/v1/documents", 201, "answered", "bank-a-producer"),
        ("/v1/documents", 400, "parameter-wrong", "bank-a-producer"),
        ("/v1/documents", 401, "token-form", None),
        ("/v1/documents", 403, "scope-missing", "bank-a-producer"),
    ]
    assert all(line["method"] == "POST" and line["ms"] >= 0 for line in lines())
    assert "canary" not in json.dumps(lines())


@pytest.mark.parametrize("name", ["a\u2028b", "a\u0085{}", 'a"},{"forged":1', "a\\nb", "\u202egnol", "<script>"])
def test_a_client_s_name_cannot_begin_a_line_or_a_field(door, caplog, name):
    """Even one that its provider signed: a line is one object of ASCII."""
    caplog.set_level(logging.INFO, "producers.gateway")
    door.ask("POST", "/v1/documents?kind=payslip", token=door.provider.token(client_id=name, sub=name))
    (record,) = [record for record in caplog.records if hasattr(record, "request")]
    text = RequestLines("gateway", "gateway").format(record)
    assert text.isascii()
    assert len(text.splitlines()) == 1
    found = json.loads(text)
    assert found["client_id"] == name
    assert "forged" not in found


def test_a_method_of_somebody_s_making_is_not_repeated(door, lines):
    """Whatever stands in the first word of a request."""
    found = door.ask("FORGED", "/v1/documents")
    assert found.status_code == 405
    assert lines()[-1]["method"] == "(other)"
    assert "FORGED" not in json.dumps(lines())


def test_what_fails_is_answered_and_told_by_its_place_alone(door, lines, caplog):
    """A fault of ours says nothing of the request, neither to the sender nor in the log."""

    def fails(*_):
        raise RuntimeError("canary-5 of bank-a")

    door.documents.put = fails
    headers = {"Content-Type": "application/pdf"}
    found = door.ask("POST", "/v1/documents?kind=payslip", content=PDF, headers=headers)
    assert (found.status_code, found.json()["type"]) == (500, "urn:loanstream:problem:failed")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert lines()[-1]["reason"] == "failed"
    assert any("RuntimeError at " in record.getMessage() for record in caplog.records)
    logged = " ".join(f"{record.getMessage()} {record.exc_text} {record.exc_info}" for record in caplog.records)
    assert "canary-5" not in logged + found.text


def test_whoever_sends_refused_requests_in_a_loop_does_not_fill_the_disk(make_door, lines, monkeypatch):
    """So many lines a minute about what nobody verified, then a count; a client that is known has each of its lines."""
    monkeypatch.setattr(access_log, "LINES_MOST", 3)
    door = make_door()
    for _ in range(10):
        door.ask("GET", "/nowhere", token="")
    assert len(lines()) == 3
    monkeypatch.setattr(access_log, "WINDOW_S", -1.0)  # a minute is over
    door.ask("GET", "/nowhere", token="")
    assert lines()[-1]["unsaid"] == 7
    before = len(lines())
    for _ in range(10):
        door.ask("POST", "/v1/documents?kind=payslip")
    assert len(lines()) == before + 10


def test_a_client_that_goes_away_is_noted_as_such(door, lines):
    """No failure of ours, and no answer: 499 in the log."""
    token = door.provider.token().encode()
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/documents",
        "query_string": b"kind=payslip",
        "headers": [(b"authorization", b"Bearer " + token), (b"content-type", b"application/pdf")],
        "client": ("192.0.2.7", 1),
        "scheme": "https",
    }
    door.run(door.app(scope, receive, send))
    assert sent == []
    assert (lines()[-1]["status"], lines()[-1]["reason"]) == (499, "gone")
    assert door.blobs.objects == {}
