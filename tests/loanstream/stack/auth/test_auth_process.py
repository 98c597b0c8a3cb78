"""The token server as it runs: its own process, https, real clients."""

import json
import socket
import stat
import threading
import time

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from loanstream.connections import CONNECTIONS_MOST, HEAD_WITHIN_S
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.registration import ensure_clients, remove_client, rotate_secret
from loanstream.stack.auth.ring import State
from loanstream.stack.auth.ring_file import read_ring


@pytest.fixture
def producer(running):
    """The embedded producer of bank-a."""
    return ensure_clients(running.server.state, ["bank-a"])["producer:bank-a"]


def verified(token, jwks):
    """The token, verified with a JWK Set. Raises where no key of it fits."""
    return jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["ES256"])


def test_a_client_gets_a_token_that_says_who_it_is(running, producer):
    """A broker and a gateway read from it who asks, for which bank, where it is good, what for, and until when."""
    answer = running.ask(producer)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3
    token = verified(body["access_token"], running.jwks())
    assert token.header["typ"] == "at+jwt"
    assert token.header["alg"] == "ES256"
    assert token.header["kid"] == running.jwks()["keys"][0]["kid"]
    claims = token.claims
    assert claims["iss"] == running.server.endpoints.issuer
    assert claims["sub"] == claims["client_id"] == "bank-a-producer"
    assert claims["aud"] == ["loanstream-kafka", "loanstream-gateway"]
    assert claims["tenant"] == "bank-a"
    assert claims["scope"].split() == body["scope"].split()
    assert claims["exp"] - claims["iat"] == 3
    assert claims["jti"]


def test_the_gateways_page_may_read_the_answers(running, make_server):
    """A developer tries the gateway's page in a browser; a page of anybody else reads no token there."""
    assert "access-control-allow-origin" not in running.http.post("/oauth/token").headers
    other = make_server(page="https://localhost:20443")
    assert other.http.post("/oauth/token").headers["access-control-allow-origin"] == "https://localhost:20443"


def test_both_ways_of_authentication_work(running, producer):
    """A client sends its secret in the header or in the body, as its library does."""
    form = {"client_id": producer.client_id, "client_secret": producer.client_secret, "scope": "documents:write"}
    answer = running.http.post("/oauth/token", data={"grant_type": "client_credentials", **form})
    assert answer.json()["scope"] == "documents:write"


def test_what_stands_in_the_log_is_no_secret(running, producer):
    """One line a request, with who, what and why; nothing that was sent, and no token, is ever in it."""
    canary = "CANARY" + producer.client_secret
    token = running.ask(producer).json()["access_token"]
    running.http.post("/oauth/token", data={"grant_type": canary, "client_id": canary}, auth=(canary, canary))
    running.http.post("/oauth/token", auth=(producer.client_id, canary), data={"grant_type": "client_credentials"})
    running.http.post(f"/oauth/token?client_secret={canary}", content=canary.encode() * 3)
    running.http.get(f"/{canary}")
    running.ask(producer, scope=canary)
    running.stop()
    text = running.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    asked = [line for line in lines if "reason" in line]
    assert [line["reason"] for line in asked] == [
        "issued",
        "unsupported_grant_type",
        "wrong_secret",
        "not_a_form",
        "invalid_scope",
    ]
    assert asked[0]["client_id"] == "bank-a-producer"
    assert asked[0]["status"] == 200
    assert asked[0]["ms"] > 0
    assert asked[1]["client_id"] is None
    for secret in ("CANARY", producer.client_secret, token, token.split(".")[2]):
        assert secret not in text


def test_a_body_of_a_megabyte_is_refused(running):
    """Nobody fills our memory: a body beyond 8 KiB is not read, whether its length is told or not."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    told = running.http.post("/oauth/token", content=b"a=" + b"x" * (1 << 20), headers=headers)
    untold = running.http.post("/oauth/token", content=iter([b"a=", *[b"x" * 4096] * 256]), headers=headers)
    assert [told.status_code, untold.status_code] == [413, 413]
    assert told.json()["error"] == "invalid_request"


def test_the_server_describes_itself(running):
    """Clients find the endpoints where RFC 8414 says, and where clients of OpenID Connect look."""
    from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

    found = [
        running.http.get(f"/.well-known/{name}").json()
        for name in ("oauth-authorization-server", "openid-configuration")
    ]
    assert found[0] == found[1]
    AuthorizationServerMetadata(found[0]).validate()
    assert found[0]["issuer"] == running.server.endpoints.issuer
    assert found[0]["token_endpoint"] == running.server.endpoints.token_endpoint
    assert httpx.get(found[0]["jwks_uri"], verify=running.trusted).json() == running.jwks()


def test_a_removed_client_is_refused_at_once_and_a_replaced_secret_after_its_grace(running, producer):
    """No restart: the server reads its clients again when they were changed."""
    state = running.server.state
    made = rotate_secret(AuthFiles(state), producer.client_id, grace_s=1)
    assert running.ask(producer).status_code == 200
    assert running.ask(made).status_code == 200
    time.sleep(1.1)
    assert running.ask(producer).json()["error"] == "invalid_client"
    remove_client(AuthFiles(state), producer.client_id)
    refused = running.ask(made)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Basic")


def test_what_everybody_may_read_holds_public_keys_only(running, producer):
    """Private keys and secrets are for their owner alone."""
    running.ask(producer)
    files = AuthFiles(running.server.state)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (files.ring, files.secrets, files.clients, files.jwks)}
    assert list(modes.values()) == [0o600, 0o600, 0o600, 0o644]
    (private,) = [key["jwk"]["d"] for key in json.loads(files.ring.read_text())["keys"]]
    assert json.loads(files.jwks.read_text()) == running.jwks()
    assert private not in files.jwks.read_text()
    assert producer.client_secret not in files.clients.read_text()


def test_keys_survive_a_restart(running, producer):
    """A token from before is good after it: nobody is refused because the token server was started again."""
    before = running.ask(producer).json()["access_token"]
    assert running.stop() == 0
    running.start()
    verified(before, running.jwks())


class Witness(threading.Thread):
    """Gets tokens all the time and keeps each with the key sets of its moment."""

    def __init__(self, running, secret):
        super().__init__(daemon=True)
        self.running, self.secret = running, secret
        self.failures, self.kids, self.checks, self.refused = [], [], 0, 0
        self._over = threading.Event()
        self._live = []

    def run(self):
        known = None  # as a verifier keeps it that reads the keys anew every two seconds
        read_at = 0.0
        while not self._over.wait(0.05):
            try:
                answer = self.running.ask(self.secret)
                began = time.monotonic()
                fresh = self.running.jwks()
            except httpx.TransportError:
                self.refused += 1
                continue
            if answer.status_code != 200:
                self.failures.append(answer.text)
                continue
            filed = json.loads(AuthFiles(self.running.server.state).jwks.read_text())
            token = answer.json()["access_token"]
            if known is None or time.monotonic() - read_at > 1.7:
                known, read_at = fresh, began
            self._live = [(other, until) for other, until in self._live if until > time.time()]
            self._live.append((token, time.time() + 3))
            for other, _ in self._live:
                for where, jwks in (("served", fresh), ("file", filed), ("kept", known)):
                    try:
                        kid = verified(other, jwks).header["kid"]
                    except JoseError as error:
                        self.failures.append((where, repr(error)))
                    else:
                        self.checks += 1
                        if kid not in self.kids:
                            self.kids.append(kid)

    def stop(self):
        self._over.set()
        self.join(10)


def test_no_token_is_refused_while_keys_rotate_and_the_server_restarts(running, producer, loanstream):
    """Every token verifies at every moment of its life: with the keys served, with the file's, and with those that a
    verifier read up to a refresh interval ago."""
    state = running.server.state
    witness = Witness(running, producer)
    witness.start()
    time.sleep(1)
    first = read_ring(AuthFiles(state)).keys[0].kid
    begun = json.loads(loanstream("auth", "rotate", "--state", state, "--json").stdout)
    assert [row["state"] for row in begun] == [State.CURRENT, State.NEXT]
    again = json.loads(loanstream("auth", "rotate", "--state", state, "--json").stdout)
    assert [row["kid"] for row in again] == [row["kid"] for row in begun]
    time.sleep(0.7)
    running.stop(9)
    running.start()
    until = time.monotonic() + 30
    while len(read_ring(AuthFiles(state)).keys) > 1 and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(0.5)
    witness.stop()
    assert witness.failures == []
    assert witness.checks > 100
    assert witness.kids == [row["kid"] for row in begun]
    assert first == witness.kids[0]
    assert [key["kid"] for key in running.jwks()["keys"]] == witness.kids[1:]
    assert [key.kid for key in read_ring(AuthFiles(state)).keys] == witness.kids[1:]


def test_a_compromised_key_is_gone_at_once(running, producer, loanstream):
    """After `--now --drop-old` no token of the old key verifies, and new ones do, without a restart."""
    before = running.ask(producer).json()["access_token"]
    loanstream("auth", "rotate", "--now", "--drop-old", "--state", running.server.state)
    after = running.ask(producer).json()["access_token"]
    verified(after, running.jwks())
    with pytest.raises(JoseError):
        verified(before, running.jwks())
    assert json.loads(AuthFiles(running.server.state).jwks.read_text()) == running.jwks()


def test_clients_that_cannot_be_read_are_complained_of_and_stay(running, producer):
    """The page of health says it before anybody asks for a token; whoever was a client still is one."""
    clients = AuthFiles(running.server.state).clients
    assert running.ask(producer).status_code == 200
    held = clients.read_bytes()
    clients.write_text('{"clients": []}')
    ill = running.http.get("/healthz")
    assert ill.status_code == 503
    assert "clients.json does not hold clients" in ill.json()["complaint"]
    assert running.ask(producer).status_code == 200
    clients.write_bytes(held)
    assert running.http.get("/healthz").json() == {"complaint": None}


def test_keys_that_cannot_be_read_are_complained_of_and_tokens_go_on(running, producer):
    """A damaged file stops nobody: the keys that were read last stay in force, and the page of health says what is wrong."""
    ring = AuthFiles(running.server.state).ring
    held = ring.read_bytes()
    scratch = ring.with_name("scratch")
    scratch.write_text("{}")
    scratch.replace(ring)
    assert running.ask(producer).status_code == 200
    ill = running.http.get("/healthz")
    assert ill.status_code == 503
    assert "token-keys.json" in ill.json()["complaint"]
    scratch.write_bytes(held)
    scratch.replace(ring)
    running.ask(producer)
    assert running.http.get("/healthz").json() == {"complaint": None}


def ended(connection, within_s):
    """Whether the other side ends a connection so soon."""
    connection.settimeout(within_s)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def test_a_request_whose_head_does_not_come_is_cut_off(running, producer):
    """Neither at once nor drop by drop, first or second on its connection: a few seconds, and it holds nothing."""
    address = ("localhost", running.server.port)
    began = time.monotonic()
    half = running.trusted.wrap_socket(socket.create_connection(address), server_hostname="localhost")
    half.sendall(b"POST /oauth/token HTTP/1.1\r\nHost: a\r\n")
    second = running.trusted.wrap_socket(socket.create_connection(address), server_hostname="localhost")
    second.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert second.recv(4096).startswith(b"HTTP/1.1 200")
    second.sendall(b"GET /healthz HTTP/1.1\r\n")
    silent = socket.create_connection(address)
    time.sleep(HEAD_WITHIN_S / 2)
    half.sendall(b"X: y\r\n")
    assert running.ask(producer).status_code == 200
    assert [ended(each, HEAD_WITHIN_S) for each in (half, second, silent)] == [True] * 3
    assert HEAD_WITHIN_S - 1 < time.monotonic() - began < HEAD_WITHIN_S + 3


def test_connections_have_an_end_and_fill_no_log(running, producer):
    """Whoever opens more than we hold is turned away as he comes; seconds later everybody is served, and the log says little."""
    running.http.close()
    lines = len(running.log.read_text().splitlines())
    address = ("localhost", running.server.port)
    held = [socket.create_connection(address) for _ in range(CONNECTIONS_MOST + 100)]
    assert all(ended(each, HEAD_WITHIN_S - 1) for each in held[-100:])
    for each in held[: CONNECTIONS_MOST // 2]:
        each.sendall(b"no handshake at all")
    assert all(ended(each, HEAD_WITHIN_S + 3) for each in held)
    for each in held:
        each.close()
    with httpx.Client(verify=running.trusted, base_url=running.server.endpoints.issuer) as http:
        running.http = http
        assert running.ask(producer).status_code == 200
    for _ in range(60):
        with running.trusted.wrap_socket(socket.create_connection(address), server_hostname="localhost") as secured:
            secured.sendall(b"no request at all\r\n\r\n")
            assert secured.recv(4096).startswith(b"HTTP/1.1 400 ")
    said = running.log.read_text().splitlines()[lines:]
    assert any("Invalid HTTP request" in line for line in said)
    assert len(said) < 20
