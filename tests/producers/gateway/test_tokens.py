"""Whose a token is, and why it is refused."""

import ast
import base64
import hashlib
import hmac
import json
import logging
import re
import time
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from producers.gateway import tokens
from producers.gateway.problems import ProblemError


def b64(data) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.fixture
def look(door):
    """Holds a token against the provider's keys."""

    def look(token):
        return door.run(door.verifier.caller(token))

    return look


@pytest.fixture
def refused(look):
    """The reason for which a token is refused; no text of the error holds any of the token."""

    def refused(token):
        with pytest.raises(ProblemError) as caught:
            look(token)
        problem = caught.value
        assert problem.kind == "token-refused"
        assert problem.detail == tokens.REFUSALS[problem.reason]
        return problem.reason

    return refused


@pytest.mark.parametrize("typ", ["at+jwt", "JWT", "application/at+jwt"])
@pytest.mark.parametrize("kid", ["ec-1", "rsa-1"])
def test_a_good_token_says_bank_client_and_scopes(look, provider, typ, kid):
    """ES256 and RS256, as RFC 9068 types it and as Keycloak does."""
    provider.add("rsa-1", RSAKey.generate_key(2048))
    caller = look(provider.token(kid, {"typ": typ}))
    assert (caller.tenant, caller.client_id, caller.user) == ("bank-a", "bank-a-producer", None)
    assert "documents:write" in caller.scopes


@pytest.mark.parametrize(
    ("claims", "user"),
    [
        ({"sub": "bank-a-producer"}, None),
        ({"sub": "5f1c", "preferred_username": "m.rossi"}, "m.rossi"),
        ({"sub": "5f1c"}, "5f1c"),
        # Keycloak's token of client credentials: the client has a user that stands for it
        ({"sub": "5f1c", "preferred_username": "service-account-bank-a-producer"}, None),
        ({"sub": "5f1c", "client_id": "Desk", "preferred_username": "service-account-desk"}, None),
        # another client's stand-in is not this client's
        ({"sub": "5f1c", "preferred_username": "service-account-other"}, "service-account-other"),
    ],
)
def test_a_person_is_told_from_a_client(look, provider, claims, user):
    """A review is a person's only where the token is about one."""
    assert look(provider.token(**claims)).user == user


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://provider.example/"}, "token-issuer"),
        ({"iss": "https://PROVIDER.example"}, "token-issuer"),
        ({"iss": None}, "token-issuer"),
        ({"iss": ["https://provider.example"]}, "token-issuer"),
        ({"aud": "loanstream-kafka"}, "token-audience"),
        ({"aud": "loanstream-gateway-2"}, "token-audience"),
        ({"aud": None}, "token-audience"),
        ({"aud": {"loanstream-gateway": 1}}, "token-audience"),
        ({"aud": []}, "token-audience"),
        ({"exp": NOW - 31}, "token-expired"),
        ({"exp": None}, "token-times"),
        ({"exp": str(NOW + 300)}, "token-times"),
        ({"exp": True}, "token-times"),
        ({"exp": 1e300}, "token-times"),
        ({"iat": NOW + 86_400}, "token-early"),
        ({"iat": None}, "token-times"),
        ({"nbf": NOW + 86_400}, "token-early"),
        ({"nbf": "now"}, "token-times"),
        ({"client_id": None}, "token-client"),
        ({"client_id": ""}, "token-client"),
        ({"client_id": "a\nb"}, "token-client"),
        ({"client_id": "a" * 201}, "token-client"),
        ({"client_id": 7}, "token-client"),
        ({"sub": None}, "token-client"),
        ({"sub": "x", "preferred_username": "m\x00"}, "token-client"),
        ({"tenant": None}, "token-tenant"),
        ({"tenant": "bank-c"}, "token-tenant"),
        ({"tenant": "Bank-A"}, "token-tenant"),
        ({"tenant": "bank-a\n"}, "token-tenant"),
        ({"tenant": "../bank-b"}, "token-tenant"),
        ({"tenant": ["bank-a", "bank-b"]}, "token-tenant"),
        ({"scope": ["documents:write"]}, "token-scope"),
        ({"typ": "ID"}, "token-type"),
        ({"typ": "Refresh"}, "token-type"),
    ],
)
def test_a_claim_that_is_not_as_it_must_be(refused, provider, claims, reason):
    """Another issuer's, another audience's, too late, too early, nobody's, of no bank that is served."""
    assert refused(provider.token(**claims)) == reason


@pytest.mark.parametrize("typ", [None, "", 7, "id_token+jwt", "dpop+jwt", "logout+jwt", "at+jwt "])
def test_another_kind_of_token(refused, provider, typ):
    """A token of the same key that is for something else opens no door."""
    assert refused(resigned(provider, "ec-1", {"typ": typ})) == "token-type"


def test_clocks_may_differ_by_the_leeway_and_no_more(look, refused, provider):
    """Half a minute either way."""
    now = int(time.time())
    look(provider.token(exp=now - 20))
    look(provider.token(iat=now + 20, nbf=now + 20))
    assert refused(provider.token(exp=now - 40)) == "token-expired"
    assert refused(provider.token(iat=now + 40)) == "token-early"


def test_a_token_without_scope_may_do_nothing(look, provider):
    """It is nobody's fault, and no right."""
    assert look(provider.token(scope=None)).scopes == frozenset()


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_a_token_that_nobody_signed(refused, provider, algorithm):
    """`alg: none`, however it is written, with the signature left out or kept."""
    header, claims, signature = provider.token().split(".")
    bare = b64({"alg": algorithm, "typ": "at+jwt", "kid": "ec-1"})
    assert refused(f"{bare}.{claims}.{signature}") == "token-algorithm"
    assert refused(f"{bare}.{claims}.") == "token-form"
    assert refused(f"{header}.{claims}.") == "token-form"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512", "ES384", "PS256", "RS512", "EdDSA"])
def test_the_public_key_taken_for_a_secret(refused, provider, algorithm):
    """What the provider publishes signs nothing: neither as PEM, nor as DER, nor as its JWK."""
    provider.add("rsa-1", RSAKey.generate_key(2048))
    for kid, key in provider.keys.items():
        secrets = [
            key.as_pem(private=False),
            key.as_der(private=False),
            json.dumps(key.as_dict(private=False)).encode(),
        ]
        for secret in secrets:
            claims = provider.token().split(".")[1]
            head = b64({"alg": algorithm, "typ": "at+jwt", "kid": kid})
            made = hmac.digest(secret, f"{head}.{claims}".encode(), hashlib.sha256)
            assert refused(f"{head}.{claims}.{b64(made)}") == "token-algorithm"


def test_a_key_verifies_what_its_own_type_does(refused, provider):
    """An EC key's id with RS256 in the header names a key that there is not."""
    provider.add("rsa-1", RSAKey.generate_key(2048))
    assert refused(resigned(provider, "rsa-1", {"kid": "ec-1"})) == "token-key"
    assert refused(resigned(provider, "ec-1", {"kid": "rsa-1"})) == "token-key"


def resigned(provider, kid, header):
    """A token of the key `kid` whose header says something else too; no library's checks are in the way."""
    key = provider.keys[kid]
    algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
    head = b64({"alg": algorithm, "typ": "at+jwt", "kid": kid} | header)
    claims = provider.token().split(".")[1]
    signature = jws.JWSRegistry.algorithms[algorithm].sign(f"{head}.{claims}".encode(), key)
    return f"{head}.{claims}.{b64(signature)}"


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc", "anything"])
def test_a_key_that_a_token_brings_along_is_not_looked_at(refused, provider, name):
    """Nor is what would change how it is verified; a header has three members, and thumbprints."""
    own = ECKey.generate_key("P-256")
    values = {
        "jwk": own.as_dict(private=False),
        "jku": "https://attacker.example/jwks.json",
        "x5u": "https://attacker.example/cert.pem",
        "x5c": ["MIIB"],
        "crit": ["exp"],
        "b64": False,
    }
    assert refused(resigned(provider, "ec-1", {name: values.get(name, "DEF")})) == "token-form"
    provider.keys["mine"] = own  # signed by it, published never
    token = resigned(provider, "mine", {"kid": "ec-1"})
    del provider.keys["mine"]
    assert refused(token) == "token-signature"


@pytest.mark.parametrize("kid", [None, 7, "", "unknown", "../../etc/passwd", "ec-1' OR 1=1", "x" * 4000])
def test_a_key_id_that_is_no_published_key_s(refused, provider, kid):
    """It is looked up among the published ones, and is nothing else: no path, no query."""
    assert refused(resigned(provider, "ec-1", {"kid": kid})) in {"token-key", "token-form"}


def test_one_changed_letter(refused, look, provider):
    """Of header, claims or signature."""
    token = provider.token()
    look(token)
    header, claims, signature = token.split(".")
    other = json.loads(base64.urlsafe_b64decode(claims + "=="))
    other["tenant"] = "bank-b"
    assert refused(f"{header}.{b64(other)}.{signature}") == "token-signature"
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert refused(f"{header}.{claims}.{flipped}") == "token-signature"
    assert refused(f"{header}.{claims}.{b64(bytes(64))}") == "token-signature"  # r = s = 0
    assert refused(f"{header}.{claims}.{b64(bytes(10))}") == "token-signature"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        "a a.b.c",
        "é.b.c",
        "\x00.\x00.\x00",
        "e30.e30.e30",
        f"{b64(b'[]')}.e30.AA",
        f"{b64(b'null')}.e30.AA",
        f"{b64(bytes([255, 254]))}.e30.AA",
        f"{b64(b'[' * 6000)}.e30.AA"[:8192],
        "\ud800.b.c",
    ],
)
def test_what_is_no_token_at_all(refused, token):
    """Nothing that somebody sends makes the gateway fail."""
    assert refused(token) in {"token-form", "token-algorithm"}


def test_a_name_that_stands_twice_in_a_token(refused, provider):
    """Of two tenants two readers could each take another."""
    key = provider.keys["ec-1"]
    head = b64({"alg": "ES256", "typ": "at+jwt", "kid": "ec-1"})
    claims = json.loads(base64.urlsafe_b64decode(provider.token().split(".")[1] + "=="))
    text = json.dumps(claims)[:-1] + ', "tenant": "bank-b"}'
    signature = jws.JWSRegistry.algorithms["ES256"].sign(f"{head}.{b64(text.encode())}".encode(), key)
    assert refused(f"{head}.{b64(text.encode())}.{b64(signature)}") == "token-form"


def test_a_token_of_megabytes_is_not_read(refused, look, provider):
    """It has a bound, which many audiences and scopes keep to."""
    look(provider.token(aud=["loanstream-gateway", *map(str, range(500))]))
    assert refused("a" * 10_000_000) == "token-size"
    assert refused(provider.token(note="x" * tokens.TOKEN_MOST)) == "token-size"


def test_a_second_request_costs_no_signature_and_still_expires(door, monkeypatch):
    """What was verified is remembered by its hash until it expires, and no more of them than there is room for."""
    now = [time.time()]
    verifier = tokens.TokenVerifier(door.keys, door.verifier._expected, now=lambda: now[0])
    token = door.provider.token()
    signed = []
    by_joserfc = tokens.jws.deserialize_compact
    monkeypatch.setattr(tokens.jws, "deserialize_compact", lambda *args: signed.append(1) or by_joserfc(*args))
    for _ in range(3):
        door.run(verifier.caller(token))
    assert len(signed) == 1
    now[0] += 331
    for _ in range(2):
        with pytest.raises(ProblemError) as caught:
            door.run(verifier.caller(token))
        assert caught.value.reason == "token-expired"


def test_the_remembered_are_bounded(door, monkeypatch):
    """A client that asks for a new token with every request fills nothing."""
    monkeypatch.setattr(tokens, "REMEMBERED", 5)
    verifier = tokens.TokenVerifier(door.keys, door.verifier._expected)
    for number in range(20):
        door.run(verifier.caller(door.provider.token(jti=str(number))))
    assert len(verifier._verified) == 5


def test_no_token_and_no_claim_is_in_a_log(door, caplog):
    """Whatever is refused, and at the lowest level of every library."""
    caplog.set_level(logging.DEBUG)
    secret = "canary-7041"
    for changed in ({"client_id": secret, "tenant": "bank-c"}, {"sub": secret, "iss": secret}, {"aud": secret}):
        token = door.provider.token(**changed)
        answer = door.ask("POST", "/v1/documents?kind=payslip", token=token)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        assert secret not in answer.text
        logged = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
        assert secret not in logged
        assert token not in logged
        assert token.split(".")[2] not in logged


def test_a_secret_key_in_the_set_verifies_nothing(refused, provider):
    """A provider that publishes a symmetric key by mistake opens no door."""
    secret = OctKey.generate_key(256)
    page = {"keys": [{**secret.as_dict(private=True), "kid": "oct", "alg": "HS256"}, *provider.jwks["keys"]]}
    provider.page = json.dumps(page).encode()
    head = b64({"alg": "HS256", "typ": "at+jwt", "kid": "oct"})
    claims = provider.token().split(".")[1]
    made = hmac.digest(secret.raw_value, f"{head}.{claims}".encode(), hashlib.sha256)
    assert refused(f"{head}.{claims}.{b64(made)}") == "token-algorithm"
    head = b64({"alg": "ES256", "typ": "at+jwt", "kid": "oct"})
    assert refused(f"{head}.{claims}.{b64(made)}") == "token-key"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Basic dXNlcjpzZWNyZXQ=")],
        [("Authorization", "Bearer a.b.c"), ("Authorization", "Bearer a.b.c")],
        [("X-Authorization", "Bearer a.b.c")],
    ],
)
def test_a_request_without_one_bearer_token(door, headers):
    """401 with the scheme that is expected, and not the reason of a token that was none."""
    answer = door.ask("POST", "/v1/documents?kind=payslip", token="", pairs=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


ROOT = Path(__file__).resolve().parents[3]


def reasons_in(source: str) -> set[str]:
    """The codes that a module gives its refusals for the log."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name("Refusal" | "_away"), args=[ast.Constant(str(code)), *_]):
                found.add(code)
            case ast.Call(func=ast.Name("ProblemError"), keywords=[*_, ast.keyword("reason", ast.Constant(str(code)))]):
                found.add(code)
            case ast.Call(func=ast.Name("ProblemError"), args=[ast.Constant(str(kind)), *_], keywords=others) if all(
                each.arg != "reason" for each in others
            ):
                found.add(kind)
            case ast.Call(func=ast.Name("Buckets"), args=[_, ast.Constant(str(whose))]):
                found.add(f"too-many-of-{whose}")
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant("reason"))], value=ast.Constant(str(code))):
                found.add(code)
    return found


def test_an_operator_finds_each_reason_on_the_page():
    """Whatever code stands in the log, for a token or for anything else, the page of the gateway says what it means."""
    page = (ROOT / "docs" / "gateway.md").read_text("utf-8").split("## Its log")[1]
    sources = [path for folder in ("producers", "loanstream") for path in (ROOT / folder / "gateway").rglob("*.py")]
    found = set(tokens.REFUSALS) | {code for path in sources for code in reasons_in(path.read_text("utf-8"))}
    assert {"no-token", "too-many-of-address", "uploads", "warehouse-away", "kafka-client", "document-key"} <= found
    assert found - set(re.findall(r"`([a-z-]+)`", page)) == set()


def test_a_bank_that_goes_is_refused_at_once_and_one_that_comes_is_believed(door, look, refused, provider):
    """Also by a token that was good a moment ago and is remembered."""
    banks = door.verifier._expected.tenants
    token = provider.token()
    assert look(token).tenant == "bank-a"
    banks.discard("bank-a")
    assert refused(token) == "token-tenant"
    banks.add("bank-a")
    assert look(token).tenant == "bank-a"
