"""Access tokens (RFC 9068, and Keycloak's) held against the provider's keys: whose they are, or why they are refused.

The header decides nothing but which published key is tried: its algorithm is the key's own, and a header with anything
else than `alg`, `typ`, `kid` and thumbprints is refused. Neither a token nor a claim of one is ever in a log.
"""

import base64
import binascii
import hashlib
import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeGuard

from joserfc import jws
from joserfc.errors import JoseError

from producers.gateway.callers import Caller
from producers.gateway.jwks import ALGORITHMS, PublicKey
from producers.gateway.problems import ProblemError
from producers.gateway.provider_keys import ProviderKeys
from producers.gateway.recent import Recent
from schemas.topics import TENANT_PATTERN
from schemas.values import TEXT_MAX

TOKEN_MOST = 8 * 1024
"""Characters of a token: some twenty times a usual one."""

HEADER_MEMBERS = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})
"""No `jwk`, `jku`, `x5u`, `x5c`, which bring a key along, and no `crit`, which changes what is verified."""

TYPES = frozenset({"at+jwt", "application/at+jwt", "jwt"})

KINDS_OF_TOKEN = frozenset({None, "Bearer"})
"""Keycloak's claim `typ`: an ID token or a refresh token is no access token."""

REMEMBERED = 4096
"""Verified tokens, so that a client's second request costs no signature."""

REFUSALS: Mapping[str, str] = {
    "token-size": f"expected a token of at most {TOKEN_MOST} characters",
    "token-form": "expected a signed JSON Web Token whose header has alg, typ and kid, and brings no key along",
    "token-algorithm": f"expected the algorithm {' or '.join(ALGORITHMS)}",
    "token-type": "expected an access token: typ at+jwt or JWT",
    "token-key": "expected the kid of a key that the provider publishes",
    "token-signature": "the signature is not the key's",
    "token-issuer": "expected the provider's issuer (iss)",
    "token-audience": "expected this gateway's audience (aud)",
    "token-times": "expected exp and iat (and nbf, where there is one) as numbers",
    "token-expired": "the token has expired (exp); get a new one",
    "token-early": "the token is not valid yet (nbf, iat)",
    "token-client": "expected a client_id and a sub",
    "token-tenant": "expected the tenant of a bank that is served here",
    "token-scope": "expected scope as names with spaces between them",
}
"""Why a token is refused: the code that the log has, and what its sender reads."""

SERVICE_ACCOUNT = "service-account-"
"""What Keycloak puts before a client's id for the user that stands for the client itself."""

_PART = re.compile(r"[A-Za-z0-9_-]+")
_TENANT = re.compile(TENANT_PATTERN)
_SHOWN = re.compile(rf"[^\x00-\x1f\x7f]{{1,{TEXT_MAX}}}")
_registry = jws.JWSRegistry(algorithms=ALGORITHMS)
_registry.max_header_length = _registry.max_payload_length = TOKEN_MOST
_registry.max_signature_length = 2 * 1024


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: the issuer to the letter, the audience among its own, a tenant that is served.

    Banks may come and go while it is asked (`tenants`).
    """

    issuer: str
    audience: str
    tenants: Collection[str]
    leeway_s: float = 30.0


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that was found good, by which key, and until when it is (seconds since 1970)."""

    caller: Caller
    kid: str
    algorithm: str
    key: PublicKey
    good_until: float


class TokenVerifier:
    """The `Verifier` of the gateway."""

    def __init__(self, keys: ProviderKeys, expected: Expected, now: Callable[[], float] = time.time) -> None:
        self._keys, self._expected, self._now = keys, expected, now
        self._verified: Recent[bytes, _Verified] = Recent(REMEMBERED)

    async def caller(self, token: str) -> Caller:
        """Whose it is. ProblemError `token-refused`, or `keys-unknown` where no key could be had."""
        if len(token) > TOKEN_MOST:
            _refuse("token-size")
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is not None:
            return await self._still(known, digest)
        found = await self._verify(token)
        self._verified.put(digest, found)
        return found.caller

    async def _still(self, known: _Verified, digest: bytes) -> Caller:
        """The caller of a token that was good before: it may have expired, its key be withdrawn, its bank be gone."""
        key = await self._keys.key(known.kid, known.algorithm)
        if key is not known.key:
            self._verified.drop(digest)
            _refuse("token-key")
        if self._now() >= known.good_until:
            self._verified.drop(digest)
            _refuse("token-expired")
        if known.caller.tenant not in self._expected.tenants:
            self._verified.drop(digest)
            _refuse("token-tenant")
        return known.caller

    async def _verify(self, token: str) -> _Verified:
        kid, algorithm = _key_named_in(token)
        key = await self._keys.key(kid, algorithm)
        if key is None:
            _refuse("token-key")
        claims = _signed_by(key, algorithm, token)
        caller, good_until = caller_of(claims, self._expected, self._now())
        return _Verified(caller, kid, algorithm, key, good_until)


def caller_of(claims: Mapping[str, Any], expected: Expected, now: float) -> tuple[Caller, float]:
    """Whom the claims of a verified token name, and until when (seconds since 1970). ProblemError `token-refused`."""
    if claims.get("typ") not in KINDS_OF_TOKEN:
        _refuse("token-type")
    if claims.get("iss") != expected.issuer:
        _refuse("token-issuer")
    audiences = claims.get("aud")
    if expected.audience not in (audiences if isinstance(audiences, list) else [audiences]):
        _refuse("token-audience")
    good_until = _good_until(claims, expected.leeway_s, now)
    tenant = claims.get("tenant")
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant) or tenant not in expected.tenants:
        _refuse("token-tenant")
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        _refuse("token-scope")
    client_id, subject = claims.get("client_id"), claims.get("sub")
    if not _is_name(client_id) or not _is_name(subject):
        _refuse("token-client")
    user = _user(client_id, subject, claims.get("preferred_username"))
    return Caller(tenant, client_id, frozenset(scope.split()), user), good_until


def _good_until(claims: Mapping[str, Any], leeway_s: float, now: float) -> float:
    expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    if not (_is_moment(expires) and _is_moment(issued) and _is_moment(begins)):
        _refuse("token-times")
    if now >= expires + leeway_s:
        _refuse("token-expired")
    if max(issued, begins) > now + leeway_s:
        _refuse("token-early")
    return float(expires + leeway_s)


def _user(client_id: str, subject: str, preferred: Any) -> str | None:
    """The person that a token is about; None where a client asks for itself."""
    if subject == client_id or preferred == f"{SERVICE_ACCOUNT}{client_id.lower()}":
        return None
    if preferred is None:
        return subject
    if not _is_name(preferred):
        _refuse("token-client")
    return preferred


def _is_name(found: Any) -> TypeGuard[str]:
    return isinstance(found, str) and _SHOWN.fullmatch(found) is not None


def _is_moment(found: Any) -> TypeGuard[float]:
    return isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 1e11


def _key_named_in(token: str) -> tuple[str, str]:
    """Id and algorithm of the key that the header names."""
    parts = token.split(".")
    if len(parts) != 3 or not all(_PART.fullmatch(part) for part in parts):
        _refuse("token-form")
    header = _json(_bytes_of(parts[0]))
    if not header.keys() <= HEADER_MEMBERS:
        _refuse("token-form")
    kid, algorithm, kind = header.get("kid"), header.get("alg"), header.get("typ")
    if algorithm not in ALGORITHMS:
        _refuse("token-algorithm")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        _refuse("token-type")
    if not isinstance(kid, str):
        _refuse("token-form")
    return kid, algorithm


def _signed_by(key: PublicKey, algorithm: str, token: str) -> Mapping[str, Any]:
    try:
        signed = jws.deserialize_compact(token, key, [algorithm], _registry)
    except (JoseError, ValueError):
        _refuse("token-signature")
    return _json(signed.payload or b"")


def _bytes_of(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        _refuse("token-form")


def _json(data: bytes) -> dict[str, Any]:
    """A JSON object, no name of which stands in it twice: of two readers each might take another."""
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError):
        _refuse("token-form")
    if not isinstance(found, dict):
        _refuse("token-form")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(code: str) -> NoReturn:
    raise ProblemError("token-refused", REFUSALS[code], reason=code) from None
