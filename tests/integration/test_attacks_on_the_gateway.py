"""Attacks on the running stack's gateway: each is refused, writes nothing, and its line in the log says why."""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from joserfc import jws, jwt
from joserfc.jwk import ECKey

from loanstream.demo.run import stack as running_stack
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.ring_file import read_ring
from loanstream.stack.layout import read_stack
from loanstream.stack.running import RunningStack
from producers.gateway.limits import BODY_WITHIN_S
from producers.gateway.provider_keys import Times
from schemas.topics import PARTITIONS, TOPICS

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
REFERRED = EXAMPLES / "loan.application.submitted.with-documents.json"
VICTIM, ATTACKER = "attacked", "attacker"
SENT_TO = ("applications", "outcomes")
SAID_WITHIN_S, DECIDED_WITHIN_S = 5, 60
REFUSED_WITHIN_S = 5
TYPE = "urn:loanstream:problem:"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Attacked:
    """The stack's gateway, and whoever attacks it: he has his own bank's clients, and sends what he likes."""

    def __init__(self, running: RunningStack) -> None:
        self.running, self.stack = running, running.stack
        self.url = running.stack["gateway"]["url"]
        self.trusted = ssl.create_default_context(cafile=running.stack["tls"]["ca"])
        self.http = httpx.Client(verify=self.trusted, base_url=self.url, timeout=20)
        self.log = running.layout.logs / "gateway.log"

    def token(self, role: str = f"producer:{ATTACKER}") -> str:
        """A token as the token server gives it."""
        auth = self.stack["auth"]
        client = auth["clients"][role]
        answer = self.http.post(
            auth["token_endpoint"],
            auth=(client["client_id"], client["client_secret"]),
            data={"grant_type": "client_credentials"},
        )
        return answer.json()["access_token"]

    @property
    def key(self) -> ECKey:
        """What signs the stack's tokens: with it a token is made that is wrong in one thing alone."""
        signing = read_ring(AuthFiles(self.running.layout.state)).signing(time.time())
        return ECKey.import_key({**signing.jwk, "kid": signing.kid})

    def said(self, changed: dict[str, Any]) -> dict[str, Any]:
        """What a good token of the attacker says, but for what is changed, or (None) left out."""
        part = self.token().split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) | changed
        return {name: value for name, value in found.items() if value is not None}

    def signed(self, key: ECKey | None = None, header: dict[str, Any] | None = None, **changed: Any) -> str:
        key = key or self.key
        head = {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid} | (header or {})
        return jwt.encode(head, self.said(changed), key)

    def made(self, header: dict[str, Any], signature: Callable[[bytes], bytes]) -> str:
        """A token that no library would make."""
        head = {"typ": "at+jwt", "kid": self.key.kid} | header
        text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(self.said({})).encode())}"
        return f"{text}.{b64(signature(text.encode()))}"

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", {})) | ({} if token is None else {"Authorization": f"Bearer {token}"})
        return self.http.request(method, path, headers=headers, **more)

    def found(self, path: str, token: str) -> dict[str, Any]:
        """What is answered once it is there: decided, or recorded a moment later."""
        until = time.monotonic() + DECIDED_WITHIN_S
        while (answer := self.ask("GET", path, token)).status_code == 404:
            assert time.monotonic() < until, path
            time.sleep(0.2)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def connect(self) -> ssl.SSLSocket:
        """A connection, for what no client library would send."""
        at = urlsplit(self.url)
        plain = socket.create_connection((at.hostname, at.port), timeout=30)
        return self.trusted.wrap_socket(plain, server_hostname=at.hostname)

    def raw(self, sent: bytes) -> bytes:
        """All that is answered to these bytes, on a connection of their own."""
        with self.connect() as connection:
            connection.sendall(sent)
            return rest_of(connection)

    def written(self) -> tuple[dict[str, int], frozenset[str]]:
        """How many records both banks' topics of what is sent, and the control topic, were given; every document."""
        names = [TOPICS[key].name(bank) for key in SENT_TO for bank in (VICTIM, ATTACKER)]
        places = [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]
        places.append(TopicPartition(TOPICS["control"].name(), 0))
        counts = dict.fromkeys((*names, TOPICS["control"].name()), 0)
        with AdminClient({**self.running.admin_settings, "log_level": 0}) as admin:
            for place, future in admin.list_offsets(dict.fromkeys(places, OffsetSpec.latest())).items():
                counts[place.topic] += future.result(10).offset
        folder = self.running.layout.documents
        return counts, frozenset(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def since(self, place: int) -> list[dict[str, Any]]:
        """The log's lines after this many bytes of it: each is one JSON object."""
        return [json.loads(line) for line in self.log.read_bytes()[place:].splitlines()]

    def line(self, place: int, reason: str) -> dict[str, Any]:
        """The line that says why, which is written after the answer."""
        until = time.monotonic() + SAID_WITHIN_S
        while not (found := [line for line in self.since(place) if line.get("reason") == reason]):
            assert time.monotonic() < until, self.since(place)
            time.sleep(0.05)
        return found[-1]


def rest_of(connection: socket.socket) -> bytes:
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except (ConnectionError, ssl.SSLError):
        pass
    return data


@pytest.fixture(scope="module")
def attacked(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The gateway of the run's stack; where that is not secured, of one that is."""
    if "gateway" in stack.stack:
        made = Attacked(stack)
        with closing(made.http):
            yield made
        return
    state = tmp_path_factory.mktemp("attacked") / "state"
    with running_stack(state, "--secure", "--tenants", f"{VICTIM},{ATTACKER}") as (running, _):
        made = Attacked(running)
        with closing(made.http):
            yield made


@pytest.fixture
def nothing_written(attacked: Attacked) -> Iterator[None]:
    """Whatever the test tries, no topic and no store has more afterwards."""
    before = attacked.written()
    yield
    assert attacked.written() == before


@pytest.fixture
def application(shipped_example: dict[str, Any]) -> Callable[[str], dict[str, Any]]:
    """The shipped example under an id, without its bank."""
    shipped_example.pop("tenant")
    return lambda name: shipped_example | {"application_id": name}


def refused(answer: httpx.Response, status: int, kind: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, TYPE + kind), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def _now() -> int:
    return int(time.time())


def _public_pem(attacked: Attacked) -> bytes:
    return attacked.key.as_pem(private=False)


def _of_another_bank(attacked: Attacked) -> str:
    """The attacker's own token, with the victim written into it."""
    head, _, signature = attacked.token().split(".")
    return f"{head}.{b64(json.dumps(attacked.said({'tenant': VICTIM})).encode())}.{signature}"


def _with_its_own_key(attacked: Attacked) -> str:
    """A token that brings along the key which signed it: whoever went by that one would find nothing wrong."""
    own = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "jwk": own.as_dict(private=False)}
    return attacked.made(header, lambda said: jws.JWSRegistry.algorithms["ES256"].sign(said, own))


TOKENS: dict[str, tuple[Callable[[Attacked], str], str]] = {
    # what is wrong with it: how it is made, the reason in the log
    "expired": (lambda here: here.signed(exp=_now() - 60), "token-expired"),
    "not yet good": (lambda here: here.signed(nbf=_now() + 120), "token-early"),
    "for the broker": (lambda here: here.signed(aud="loanstream-kafka"), "token-audience"),
    "for nobody": (lambda here: here.signed(aud=None), "token-audience"),
    "of another issuer": (lambda here: here.signed(iss="https://localhost:1"), "token-issuer"),
    "of no client": (lambda here: here.signed(client_id=None), "token-client"),
    "of a client with a line of its own": (lambda here: here.signed(client_id='a\n{"forged": 1}'), "token-client"),
    "of a bank that is not here": (lambda here: here.signed(tenant="bank-z"), "token-tenant"),
    "of no bank": (lambda here: here.signed(tenant=None), "token-tenant"),
    "with another bank written into it": (_of_another_bank, "token-signature"),
    "signed by another key of that name": (lambda here: here.signed(ECKey.generate_key("P-256")), "token-signature"),
    "of a key that there is not": (
        lambda here: here.signed(ECKey.generate_key("P-256"), {"kid": "../keys/token-keys.json"}),
        "token-key",
    ),
    "with a key of its own": (_with_its_own_key, "token-form"),
    "unsigned": (lambda here: here.made({"alg": "none"}, lambda _: b""), "token-form"),
    "unsigned, with a signature": (lambda here: here.made({"alg": "none"}, lambda _: bytes(64)), "token-algorithm"),
    "signed with the public key": (
        lambda here: here.made({"alg": "HS256"}, lambda said: hmac.digest(_public_pem(here), said, hashlib.sha256)),
        "token-algorithm",
    ),
    "no token at all": (lambda _: "opaque-" + "x" * 60, "token-form"),
}


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("what", TOKENS)
def test_a_token_that_proves_nothing_is_refused(attacked: Attacked, application, what: str) -> None:
    """Each is wrong in one thing alone: 401, no record, and one line with the reason; of the token nothing is told."""
    make, reason = TOKENS[what]
    token, place = make(attacked), attacked.log.stat().st_size
    answer = attacked.ask("POST", "/v1/applications", token, json=application("forged-token"))
    refused(answer, 401, "token-refused")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    line = attacked.line(place, reason)
    assert (line["method"], line["route"], line["status"]) == ("POST", "/v1/applications", 401)
    assert "client_id" not in line, "nobody is known by a token that is not believed"
    parts = [part for part in token.split(".") if len(part) > 20]
    said = attacked.log.read_bytes()[place:].decode() + answer.text
    assert not any(part in said for part in parts)


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/applications"),
        ("POST", "/v1/documents?kind=payslip"),
        ("POST", "/v1/score"),
        ("GET", "/v1/applications/example-0001"),
        ("GET", "/v1/decisions/example-0001"),
        ("GET", "/v1/reviews"),
        ("POST", "/v1/reviews/example-0001"),
    ],
)
def test_without_a_token_no_path_answers(attacked: Attacked, method: str, path: str) -> None:
    """401 with the scheme that is expected; the line in the log says that there was none."""
    place = attacked.log.stat().st_size
    answer = attacked.ask(method, path)
    refused(answer, 401, "no-token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert attacked.line(place, "no-token")["status"] == 401


@pytest.mark.usefixtures("nothing_written")
def test_a_tenant_forged_in_the_body_is_refused(attacked: Attacked, application) -> None:
    """The bank is the token's: another one in the body is 403, in neither bank's topic, and the log names the client."""
    place = attacked.log.stat().st_size
    for path in ("/v1/applications", "/v1/score"):
        forged = application("forged-bank") | {"tenant": VICTIM}
        refused(attacked.ask("POST", path, attacked.token(), json=forged), 403, "other-tenant")
    line = attacked.line(place, "other-tenant")
    assert (line["client_id"], line["status"]) == (f"{ATTACKER}-producer", 403)


def test_a_tenant_beside_the_token_chooses_nothing(attacked: Attacked, application) -> None:
    """Whatever header, parameter or host names the victim, the application is the attacker's own bank's."""
    before, documents = attacked.written()
    headers = {"X-Tenant": VICTIM, "Tenant": VICTIM, "X-Forwarded-Host": VICTIM, "Forwarded": f"for={VICTIM}"}
    answer = attacked.ask(
        "POST", f"/v1/applications?tenant={VICTIM}", attacked.token(), headers=headers, json=application("beside")
    )
    assert answer.status_code == 202, answer.text
    own = TOPICS["applications"].name(ATTACKER)
    assert attacked.written() == (before | {own: before[own] + 1}, documents)


@pytest.fixture(scope="module")
def referred(attacked: Attacked) -> dict[str, Any]:
    """A decision of the victim's that waits for a person: an application of good figures, without documents."""
    example = json.loads(REFERRED.read_text()) | {"application_id": "of-the-victim", "tenant": VICTIM, "documents": []}
    sent = attacked.ask("POST", "/v1/applications", attacked.token(f"producer:{VICTIM}"), json=example)
    assert sent.status_code in {200, 202}, sent.text
    found = attacked.found("/v1/decisions/of-the-victim", attacked.token(f"consumer:{VICTIM}"))
    assert found["outcome"] == "refer"
    return found


def test_another_bank_s_decision_is_as_one_that_never_was(attacked: Attacked, referred: dict[str, Any]) -> None:
    """By its application's id or its own: 404, in the very words for what there is not, where its bank finds it."""
    application, decision = "of-the-victim", referred["decision_id"]
    place = attacked.log.stat().st_size
    for path, role, there in (
        ("/v1/applications/{}", "consumer", {application}),
        ("/v1/decisions/{}", "consumer", {application, decision}),
        ("/v1/reviews/{}", "gateway-reviewer", {decision}),
    ):
        for name in there:
            assert attacked.found(path.format(name), attacked.token(f"{role}:{VICTIM}"))
        token = attacked.token(f"{role}:{ATTACKER}")
        for name in (application, decision):
            theirs = attacked.ask("GET", path.format(name), token)
            nobodys = attacked.ask("GET", path.format(name[::-1]), token)
            assert (theirs.status_code, theirs.content) == (nobodys.status_code, nobodys.content), path
            assert theirs.status_code == 404
    assert attacked.line(place, "not-found")["client_id"].startswith(ATTACKER)


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        ("producer", "GET", "/v1/decisions/example-0001"),
        ("producer", "GET", "/v1/reviews"),
        ("consumer", "POST", "/v1/applications"),
        ("consumer", "POST", "/v1/documents?kind=payslip"),
        ("consumer", "POST", "/v1/reviews/example-0001"),
        ("gateway-reviewer", "POST", "/v1/applications"),
    ],
)
def test_a_token_opens_what_its_scopes_say(attacked: Attacked, role: str, method: str, path: str) -> None:
    """A client of another kind is refused with 403; the log names it and the missing scope."""
    place = attacked.log.stat().st_size
    answer = attacked.ask(method, path, attacked.token(f"{role}:{ATTACKER}"))
    refused(answer, 403, "scope-missing")
    assert attacked.line(place, "scope-missing")["client_id"] == f"{ATTACKER}-{role}"


def test_a_key_of_another_body_is_refused(attacked: Attacked, application) -> None:
    """An Idempotency-Key that comes again with another body is 409, and what it brings is nowhere."""
    key = {"Idempotency-Key": f"replayed-{secrets.token_hex(4)}"}
    token = attacked.token()
    own = TOPICS["applications"].name(ATTACKER)
    before = attacked.written()[0][own]
    assert attacked.ask("POST", "/v1/applications", token, headers=key, json=application("keyed")).status_code == 202
    place = attacked.log.stat().st_size
    for other in (application("keyed") | {"revision": 2}, application("another")):
        refused(attacked.ask("POST", "/v1/applications", token, headers=key, json=other), 409, "conflict")
    assert attacked.written()[0][own] == before + 1
    assert attacked.line(place, "conflict")["client_id"] == f"{ATTACKER}-producer"


PATHS = [
    "/v1/decisions/../../keys/tenant-attacked.json",
    "/v1/decisions/..%2f..%2fkeys%2ftenant-attacked.json",
    "/v1/applications/%2e%2e%2f%2e%2e%2fstack.json",
    "/v1/applications/%252e%252e%252fstack.json",
    "/v1/reviews/..%5c..%5ckeys",
    "/v1/reviews/..%2f..%2fkeys/decision",
    "/v1/decisions/%c0%ae%c0%ae%2fkeys",
    "/v1/decisions/a%00b",
    "/v1/documents/../attacked/0",
    "/v1/documents/attacked%2f0",
    "/docs/../stack.json",
    "/docs/%2e%2e/stack.json",
    "/docs/..%2f..%2fkeys/token-keys.json",
    "//etc/passwd",
    "/.git/config",
]


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out(attacked: Attacked, path: str) -> None:
    """Whatever dots, slashes and codings: 400 or 404, and the log has the route's template alone."""
    place = attacked.log.stat().st_size
    roles = ("consumer", "gateway-reviewer", "producer")
    for token in (attacked.token(f"{role}:{ATTACKER}") for role in roles):
        head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        answer = attacked.raw(head.encode())
        assert re.match(rb"HTTP/1\.1 (400|403|404|405) ", answer), answer[:200]
        assert not re.search(rb"receipt_key|client_secret|root:|PRIVATE", answer)
    time.sleep(0.2)
    assert not any(text in attacked.log.read_bytes()[place:].decode() for text in ("keys", "passwd", "stack.json"))


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"application_id": "../../keys/token-keys"}, "application_id"),
        ({"application_id": ".."}, "application_id"),
        ({"documents": [{"sha256": "../attacked/" + "0" * 52}]}, "documents.0.sha256"),
        ({"documents": [{"sha256": "0" * 64, "kind": "../../keys"}]}, "documents.0.kind"),
    ],
)
def test_no_name_in_a_body_leads_out(attacked: Attacked, application, changed: dict[str, Any], field: str) -> None:
    """An application's id and a document's name are names: 422, and the field is named."""
    whole = {"kind": "payslip", "media_type": "application/pdf", "size": 10}
    if "documents" in changed:
        changed = {"documents": [whole | each for each in changed["documents"]]}
    answer = attacked.ask("POST", "/v1/applications", attacked.token(), json=application("leads-out") | changed)
    refused(answer, 422, "invalid")
    assert field in {fault["field"] for fault in answer.json()["errors"]}


@pytest.mark.usefixtures("nothing_written")
def test_no_document_s_name_is_the_sender_s(attacked: Attacked) -> None:
    """A document is called by its content's hash under the token's bank; a kind that is a path is refused."""
    pdf = {"Content-Type": "application/pdf"}
    for kind in ("../../keys/tenant-attacked.json", "payslip/../../attacked", "payslip%00"):
        answer = attacked.ask("POST", f"/v1/documents?kind={kind}", attacked.token(), headers=pdf, content=b"%PDF-1.7")
        refused(answer, 400, "parameter-wrong")


@pytest.mark.usefixtures("nothing_written")
@pytest.mark.parametrize(
    ("path", "announced"), [("/v1/applications", "application/json"), ("/v1/documents?kind=payslip", "application/pdf")]
)
def test_a_body_of_100_mb_is_refused(attacked: Attacked, path: str, announced: str) -> None:
    """By what it announces, and by what comes of it where it announces nothing; nothing of it is held."""
    gateway = psutil.Process(next(p["pid"] for p in attacked.stack["processes"] if p["name"] == "gateway"))
    before, place = gateway.memory_info().rss, attacked.log.stat().st_size
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {attacked.token()}\r\n"
    answer = attacked.raw(f"{head}Content-Type: application/json\r\nContent-Length: 104857600\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"urn:loanstream:problem:too-large" in answer
    sent, chunk = 0, b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with attacked.connect() as connection:
        connection.sendall(f"{head}Content-Type: {announced}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        try:
            while sent < 104_857_600:
                connection.sendall(chunk)
                sent += 0x10000
        except (ConnectionError, ssl.SSLError):
            pass
    assert sent < 40_000_000  # what lies in buffers on the way counts too
    assert gateway.memory_info().rss - before < 60_000_000
    attacked.line(place, "too-large")
    time.sleep(0.2)
    refusals = [line["status"] for line in attacked.since(place) if line["reason"] == "too-large"]
    assert refusals == [413, 413], "each of the two, for its size and nothing else"


@pytest.mark.usefixtures("nothing_written")
def test_slow_bodies_hold_nobody_up(attacked: Attacked) -> None:
    """Two hundred trickles end with 408 after ten seconds; meanwhile others are answered at once."""
    head = (
        f"POST /v1/applications HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {attacked.token()}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    )
    place, began = attacked.log.stat().st_size, time.monotonic()
    trickles = [attacked.connect() for _ in range(200)]
    try:
        for each in trickles:
            each.sendall(head.encode())
        while time.monotonic() - began < BODY_WITHIN_S - 1:
            for each in trickles:
                each.sendall(b"{")
            asked = time.monotonic()
            assert attacked.ask("GET", "/v1/decisions/nobodys", attacked.token("consumer:attacker")).status_code == 404
            assert time.monotonic() - asked < 3
            time.sleep(1)
        answers = [rest_of(each) for each in trickles]
    finally:
        for each in trickles:
            each.close()
    assert {answer[:13] for answer in answers} == {b"HTTP/1.1 408 "}
    assert time.monotonic() - began < BODY_WITHIN_S + 15
    assert attacked.line(place, "too-slow")["status"] == 408


@pytest.mark.usefixtures("nothing_written")
def test_nothing_that_is_sent_makes_a_line_of_the_log_or_a_header_of_the_answer(
    attacked: Attacked, application
) -> None:
    """Line ends in path, query, headers, ids and claims: every line stays one JSON object of the gateway's own."""
    place, token = attacked.log.stat().st_size, attacked.token()
    forged = '\r\n{"level": "info", "message": "forged", "reason": "forged"}\r\nX-Forged: 1\r\n\r\n'
    coded = "".join(f"%{ord(letter):02x}" for letter in forged)
    answers = [
        attacked.ask("GET", f"/v1/decisions/{coded}", attacked.token("consumer:attacker")),
        attacked.ask("GET", f"/{coded}?q={coded}", token),
        attacked.ask("POST", f"/v1/documents?kind={coded}", token),
        attacked.ask("POST", "/v1/applications", token, json=application("x") | {"application_id": forged}),
        attacked.ask("POST", "/v1/applications", token, json=application("x") | {forged: 1}),
        attacked.ask("POST", "/v1/applications", token, headers={"Idempotency-Key": f"{coded} forged"}, json={}),
        attacked.ask("POST", "/v1/applications", token, headers={"Content-Type": f"a/{coded}"}, content=b"{}"),
        attacked.ask("GET", "/v1/reviews", attacked.signed(sub=forged, preferred_username=forged)),
    ]
    assert {answer.status_code // 100 for answer in answers} == {4}
    assert not any("forged" in name.lower() for answer in answers for name in answer.headers)
    base = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
    for line in (
        "X: a\rX-Forged: 1\r\n\r\n",
        "X: a\x00forged\r\n\r\n",
        "Forged : 1\r\n\r\n",
        "X: a\r\n forged\r\n\r\n",
    ):
        assert attacked.raw((base + line).encode()).startswith(b"HTTP/1.1 400 ")
    time.sleep(0.2)
    lines = attacked.since(place)
    assert len(lines) >= len(answers)
    assert not any("forged" in json.dumps(line) for line in lines)


@pytest.mark.usefixtures("nothing_written")
def test_nothing_is_answered_without_tls(attacked: Attacked) -> None:
    """Plaintext to the gateway's or the token server's port gets no answer, whatever it asks."""
    for url in (attacked.url, attacked.stack["auth"]["token_endpoint"]):
        at = urlsplit(url)
        with socket.create_connection((at.hostname, at.port), timeout=10) as plain:
            plain.sendall(b"POST /v1/applications HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            assert b"HTTP" not in rest_of(plain)


def process(attacked: Attacked, name: str) -> int:
    found = read_stack(attacked.running.layout.state)["processes"]
    return next(part["pid"] for part in found if part["name"] == name)


@pytest.mark.usefixtures("nothing_written")
def test_a_token_server_that_stands_still_stops_nobody_who_is_known(attacked: Attacked, application) -> None:
    """Known keys stay in force; a made-up key id is refused in seconds and holds nobody else up."""
    good = attacked.token("consumer:attacker")
    unknown = attacked.signed(ECKey.generate_key("P-256"), {"kid": "made-up"})
    assert attacked.ask("GET", "/v1/decisions/nobodys", good).status_code == 404
    server = process(attacked, "auth")
    os.kill(server, signal.SIGSTOP)
    try:
        began = time.monotonic()
        for _ in range(5):
            assert attacked.ask("GET", "/v1/decisions/nobodys", good).status_code == 404
        assert time.monotonic() - began < REFUSED_WITHIN_S
        refused(attacked.ask("POST", "/v1/applications", unknown, json=application("x")), 401, "token-refused")
        assert time.monotonic() - began < 3 * REFUSED_WITHIN_S
    finally:
        os.kill(server, signal.SIGCONT)


@pytest.mark.usefixtures("nothing_written")
def test_a_key_that_was_taken_away_opens_nothing(attacked: Attacked, application, loanstream) -> None:
    """After `auth rotate --now --drop-old` a token of the old key is 401, one of the new key is let in."""
    old = attacked.token("consumer:attacker")
    assert attacked.ask("GET", "/v1/decisions/nobodys", old).status_code == 404
    loanstream("auth", "rotate", "--now", "--drop-old", "--state", attacked.running.layout.state)
    until = time.monotonic() + Times().cool_down_s + REFUSED_WITHIN_S
    while attacked.ask("GET", "/v1/decisions/nobodys", attacked.token("consumer:attacker")).status_code != 404:
        assert time.monotonic() < until
        time.sleep(0.2)
    place = attacked.log.stat().st_size
    refused(attacked.ask("GET", "/v1/decisions/nobodys", old), 401, "token-refused")
    assert attacked.line(place, "token-key")["status"] == 401
