"""Access tokens as RFC 9068 has them: `typ` at+jwt, a `kid`, and the claims a broker and a gateway decide by."""

from typing import Any

from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import KeySet

from loanstream.stack.auth.keyring import Keyring
from loanstream.stack.auth.ring import ALGORITHM


class AccessTokens(JWTBearerTokenGenerator):
    """Signs with the ring's current key. `sub` and `client_id` are both the client's id: a broker may go by either."""

    def __init__(self, issuer: str, keyring: Keyring, life_s: float) -> None:
        super().__init__(issuer, ALGORITHM, expires_generator=int(life_s))
        self._keyring = keyring

    def get_jwks(self) -> KeySet:
        """A set of one: of a key alone Authlib writes no `kid`, and Kafka would not even mind."""
        return KeySet([self._keyring.signing()])

    def get_audiences(self, client: Any, user: Any, scope: Any) -> list[str]:  # noqa: ARG002 - Authlib's signature
        """Where the token is good: the row of the client's kind."""
        return list(client.audiences)

    def get_extra_claims(self, client: Any, grant_type: Any, user: Any, scope: Any) -> dict[str, str]:  # noqa: ARG002
        """The bank that the client acts for."""
        return {"tenant": client.tenant}
