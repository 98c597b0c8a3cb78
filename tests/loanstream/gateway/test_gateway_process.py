"""The gateway's process: HTTPS, its log, its end."""

import hashlib
import os
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from loanstream import connections
from loanstream.gateway import protocol
from producers.gateway.limits import DOCUMENT_MOST

PDF = b"%PDF-1.7\n" + b"a payslip" * 50
PROGRAM = Path(__file__).with_name("absent_gateway.py")
ROOT = PROGRAM.parents[3]
AS_PDF = {"Content-Type": "application/pdf"}


def test_a_document_goes_from_https_to_the_encrypted_store(running):
    """A bank's system stores a document with a token of its provider, and nothing else."""
    answer = running.http.post("/v1/documents?kind=payslip", content=PDF, headers=running.bearer | AS_PDF)
    assert answer.status_code == 201, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(PDF).hexdigest()
    sealed = running.documents.get(f"bank-a/{answer.json()['sha256']}")
    assert sealed is not None
    assert PDF not in sealed
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "server" not in answer.headers


def test_readiness_tells_that_no_broker_answers(running):
    """A gateway that cannot send is sent nothing; it lives all the same."""
    assert running.http.get("/healthz").json() == {"alive": True}
    answer = running.http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["complaints"].keys() == {"broker"}
    assert not running.gateway.is_ready()


def test_nobody_but_the_certificate_s_owner_is_believed(running):
    """A client that trusts other certificates hears nothing."""
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{running.gateway.url}/healthz")


def test_its_log_is_json_and_names_no_document_and_no_token(running):
    """One line a request: what was asked by its template, what was answered, why, and by which client."""
    token = running.token()
    asked = "/v1/documents?kind=payslip&note=a-query%0d%0a%7b%22forged%22%3a1%7d"
    running.http.post(asked, content=PDF + b"more", headers={"Authorization": f"Bearer {token}"} | AS_PDF)
    running.http.get("/v1/documents/secret-id")
    until = time.monotonic() + 5
    while (lines := [line for line in running.lines if "route" in line])[-1]["status"] != 404:
        assert time.monotonic() < until  # a line is written after its answer
        time.sleep(0.02)
    told = lines[-2]
    assert {name: told[name] for name in ("method", "route", "status", "reason", "client_id")} == {
        "method": "POST",
        "route": "/v1/documents",
        "status": 201,
        "reason": "answered",
        "client_id": "bank-a-producer",
    }
    assert (lines[-1]["route"], lines[-1]["status"]) == ("(other)", 404)
    text = running.log.read_text()
    for never in (
        token,
        token.split(".")[1],
        "a-query",
        "forged",
        "secret-id",
        hashlib.sha256(PDF + b"more").hexdigest(),
    ):
        assert never not in text


def rest_of(connection: ssl.SSLSocket) -> bytes:
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except (ConnectionError, ssl.SSLError):
        pass
    return data


def test_a_body_of_100_mb_is_refused_before_it_is_sent(running):
    """By what it announces: nothing of it is held, and the connection ends."""
    began = time.monotonic()
    with running.connect() as connection:
        head = "POST /v1/documents?kind=payslip HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n"
        connection.sendall(head.encode())
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer
    assert time.monotonic() - began < 5


def test_a_body_without_an_announced_length_ends_where_it_is_too_large(running):
    """Counted as it comes: a client that announces nothing gets no further."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with running.connect() as connection:
        authorization = running.bearer["Authorization"]
        connection.sendall(
            f"POST /v1/documents?kind=payslip HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
            "Content-Type: application/pdf\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        try:
            while sent < 100_000_000:
                connection.sendall(chunk)
                sent += 0x10000
        except (ConnectionError, ssl.SSLError):
            pass
        answer = rest_of(connection)
    assert sent < 2 * DOCUMENT_MOST  # what lies in buffers on the way counts too
    assert answer.startswith(b"HTTP/1.1 413 ") or answer == b""  # a connection that is reset may lose the answer
    assert running.http.get("/healthz").status_code == 200


def test_a_head_that_never_ends_ends(running, make_gateway):
    """Whoever opens connections and sends a header a minute holds none of them; a head of megabytes is refused."""
    with running.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
        began = time.monotonic()
        assert rest_of(connection) == b""
        assert time.monotonic() - began < connections.HEAD_WITHIN_S + 3
    with running.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * protocol.HEAD_BYTES_MOST)
        assert rest_of(connection).startswith(b"HTTP/1.1 400 ")


POST = b"POST /v1/documents?kind=payslip HTTP/1.1\r\nHost: localhost\r\n"
HIDDEN = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + HIDDEN,
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
        POST + b"X: a\rInjected: b\r\n\r\n" + HIDDEN,
        POST + b"X: a\x00b\r\n\r\n" + HIDDEN,
        POST + b"X: a\r\n folded\r\n\r\n" + HIDDEN,
        b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
        b"\x16\x03\x01\x02\x00" + HIDDEN,
    ],
    ids=["two lengths", "lengths differ", "two codings", "space", "cr", "nul", "folded", "target", "no http"],
)
def test_a_request_that_two_readers_could_read_in_two_ways_is_read_in_none(running, sent):
    """No request hides in another, and no header in a value: the connection ends, and nothing after is answered."""
    with running.connect() as connection:
        connection.sendall(sent)
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert sum("Invalid HTTP" in str(line["message"]) for line in running.lines) <= 3, "said seldom"


def test_sigterm_ends_it_with_0_and_what_is_under_way_is_answered(make_gateway):
    """A rolling restart loses no request."""
    made = make_gateway()
    made.start()
    with made.connect() as connection:
        authorization = made.bearer["Authorization"]
        head = (
            f"POST /v1/documents?kind=payslip HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
            f"Content-Type: application/pdf\r\nContent-Length: {len(PDF)}\r\n\r\n"
        )
        connection.sendall(head.encode() + PDF[:20])
        time.sleep(0.3)
        made.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(PDF[20:])
        assert rest_of(connection).startswith(b"HTTP/1.1 201 ")
    assert made.process.wait(15) == 0
    assert "Traceback" not in made.log.read_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"gateway_issuer": ""}, "LOANSTREAM_GATEWAY_ISSUER is not set"),
        ({"gateway_certificate": ""}, "LOANSTREAM_GATEWAY_CERTIFICATE is not set"),
        ({"gateway_certificate": "/nowhere.pem"}, "LOANSTREAM_GATEWAY_CERTIFICATE and LOANSTREAM_GATEWAY_KEY"),
        ({"gateway_provider_ca": "/nowhere.pem"}, "LOANSTREAM_GATEWAY_PROVIDER_CA"),
        ({"gateway_jwks_uri": "http://provider.example/jwks"}, "expected an https URL or file:///PATH"),
        ({"tenants": "bank-a,bank-c"}, "no keys for tenant bank-c"),
        ({"gateway_host": "192.0.2.1"}, "LOANSTREAM_GATEWAY_HOST is 192.0.2.1: expected an address of this machine"),
        ({"gateway_host": "no.such.invalid"}, "LOANSTREAM_GATEWAY_HOST is no.such.invalid: expected an address of"),
    ],
)
def test_a_setting_that_is_wrong_stops_the_start_with_one_line(make_gateway, changed, said):
    """The operator reads which variable, and what is expected."""
    assert said in refused_start(make_gateway(), changed)


def test_a_taken_port_is_told_by_its_variable(make_gateway, running):
    """Whoever starts a second gateway reads which setting to change, before anything else is asked for."""
    port = running.gateway.port
    last = refused_start(make_gateway(), {"gateway_port": str(port)})
    assert f"LOANSTREAM_GATEWAY_PORT is {port}: the port is taken at 127.0.0.1; expected a free one, or 0" in last


def refused_start(made, changed) -> str:
    """The last line of a gateway that cannot be started with some settings changed."""
    overlaid = made.gateway.environment | {f"LOANSTREAM_{name.upper()}": value for name, value in changed.items()}
    done = subprocess.run(
        [sys.executable, PROGRAM],
        env=os.environ | overlaid | {"PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    last: str = done.stderr.splitlines()[-1]
    return last
