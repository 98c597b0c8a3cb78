"""A guarded broker: whom it believes, and on which listener.

CONTROLLER and INTERNAL take certificates of the stack's own CA, OAUTH takes tokens of its one issuer. A principal is a
certificate's subject (`CN=stage-score`), or a token's `client_id`: what Keycloak calls `sub` is a number that no table
knows. So no client of the issuer can be called what a stage or the operator is. The broker reads the issuer's public
keys from a file: it needs nobody to be up before it, and sees a new key at once. Without an ACL (`schemas.access`)
nobody may do anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loanstream.stack.pki import BROKER, Pki
from schemas.access import ADMIN, ADMIN_NAME, GATEWAY, principal_of, stage_kind
from schemas.stages import STAGES

AUDIENCE = "loanstream-kafka"
"""What a token's `aud` must hold."""
PRINCIPAL_CLAIM = "client_id"
INTERNAL_LISTENER = "INTERNAL"
LOGIN_MAX_BYTES = 64 * 1024
OAUTH_CONNECTIONS = 512
INTERNAL_CONNECTIONS = 2048
"""More than 32 workers of each stage have, and the commands beside them."""
CONTROLLER_CONNECTIONS = 128
"""The one broker has two or three."""


def by_subject(name: str) -> str:
    """Who the leaf `name` is at the broker."""
    return f"User:CN={name}"


PRINCIPALS: Mapping[str, str] = {
    kind: by_subject(principal_of(kind)) for kind in (ADMIN, GATEWAY, *map(stage_kind, STAGES))
}
"""Who at the guarded broker has another name than the table of access gives him: whoever has a certificate."""

PROPERTIES: Mapping[str, str] = {
    "inter.broker.listener.name": INTERNAL_LISTENER,
    "listener.security.protocol.map": "CONTROLLER:SSL,INTERNAL:SSL,OAUTH:SASL_SSL",
    "ssl.keystore.type": "PEM",
    "ssl.truststore.type": "PEM",
    "ssl.enabled.protocols": "TLSv1.3,TLSv1.2",
    "listener.name.controller.ssl.client.auth": "required",
    "listener.name.internal.ssl.client.auth": "required",
    "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
    "listener.name.oauth.oauthbearer.sasl.jaas.config": (
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"
    ),
    "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class": (
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
    ),
    # A connection ends with its token all the same; this bounds one whose token is good for days.
    "listener.name.oauth.oauthbearer.connections.max.reauth.ms": "3600000",
    # Who has proved nothing makes the broker hold what he announces: 32 MB for all of them. A token is below 16 KB.
    "sasl.server.max.receive.size": str(LOGIN_MAX_BYTES),
    # A bound for each listener, none for all or for an address (all of loopback is one): whoever fills one leaves the
    # others theirs. What idles is closed after ten minutes, Kafka's own figure: below five, clients that send nothing
    # for a while would be cut off, and take it for a fault.
    "listener.name.oauth.max.connections": str(OAUTH_CONNECTIONS),
    "listener.name.internal.max.connections": str(INTERNAL_CONNECTIONS),
    "listener.name.controller.max.connections": str(CONTROLLER_CONNECTIONS),
    "sasl.oauthbearer.expected.audience": AUDIENCE,
    "sasl.oauthbearer.sub.claim.name": PRINCIPAL_CLAIM,
    "sasl.oauthbearer.clock.skew.seconds": "5",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    "super.users": f"{by_subject(BROKER)};{by_subject(ADMIN_NAME)}",
}


@dataclass(frozen=True, slots=True)
class Guard:
    """The certificates, the file with the issuer's public keys (a JWKS; it must exist), and the issuer's name.

    An issuer of yours publishes its keys at `jwks_url` instead: the broker asks there at its start, and every 20 s.
    """

    pki: Pki
    jwks: Path
    issuer: str
    jwks_url: str | None = None

    @property
    def properties(self) -> dict[str, str]:
        """The broker's settings, but for its addresses."""
        return {
            **PROPERTIES,
            "ssl.keystore.location": str(self.pki.leaf(BROKER).resolve()),
            "ssl.truststore.location": str(self.pki.ca.resolve()),
            "sasl.oauthbearer.jwks.endpoint.url": self._keys_at,
            # A key that its issuer has withdrawn is believed until then.
            "sasl.oauthbearer.jwks.endpoint.refresh.ms": "20000",
            "sasl.oauthbearer.expected.issuer": self.issuer,
        }

    @property
    def java_flags(self) -> tuple[str, ...]:
        """What Kafka wants to be told beside its settings: the one address that public keys may come from."""
        return (f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._keys_at}",)

    @property
    def _keys_at(self) -> str:
        return self.jwks_url or self.jwks.resolve().as_uri()

    def client(self, name: str) -> dict[str, str]:
        """Librdkafka settings for INTERNAL of whoever has the leaf `name`."""
        return by_certificate(self.pki.ca, self.pki.leaf(name))

    @property
    def operator(self) -> dict[str, str]:
        """The operator's, who may do everything."""
        return self.client(ADMIN_NAME)


def by_certificate(ca: Path, leaf: Path) -> dict[str, str]:
    """Librdkafka settings of a client that proves itself by the key and certificate in `leaf`."""
    return {
        "security.protocol": "SSL",
        "ssl.ca.location": str(ca.resolve()),
        "ssl.certificate.location": str(leaf.resolve()),
        "ssl.key.location": str(leaf.resolve()),
    }


def by_token(address: str, ca: Path, token_endpoint: str, client_id: str, client_secret: str) -> dict[str, str]:
    """Librdkafka settings of a client that gets its tokens from `token_endpoint`, for the listener at `address`."""
    return {
        "bootstrap.servers": address,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(ca.resolve()),
        "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": client_id,
        "sasl.oauthbearer.client.secret": client_secret,
        "sasl.oauthbearer.token.endpoint.url": token_endpoint,
        "https.ca.location": str(ca.resolve()),
    }
