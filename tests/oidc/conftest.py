"""One Keycloak for the session, with the realm that ships and a stranger's."""

import json
from collections.abc import Iterator

import pytest

from loanstream.stack import ports
from loanstream.stack.pki import AUTH, Pki
from tests.oidc.keycloak import REALM_FILE, Keycloak


@pytest.fixture(scope="session")
def keycloak(pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """Started, with the shipped realm and one that is like it but for its name and its keys."""
    root = tmp_path_factory.mktemp("keycloak")
    realm = json.loads(REALM_FILE.read_text("utf-8"))
    # The provider of the tests speaks http, on loopback; the realm that ships wants TLS.
    realm["sslRequired"] = "external"
    shipped = root / "loanstream-realm.json"
    shipped.write_text(json.dumps(realm))
    stranger = root / "stranger-realm.json"
    stranger.write_text(json.dumps(realm | {"realm": "stranger"}))
    chosen = ports.keep_or_pick(root / "ports.json", ("keycloak", "https"))
    clients = [client["clientId"] for client in realm["clients"]]
    files = [shipped, stranger]
    with Keycloak(root, chosen["keycloak"], chosen["https"], pki.leaf(AUTH), clients, files) as started:
        yield started


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Certificates for whoever answers by https."""
    root = tmp_path_factory.mktemp("pki")
    made = Pki(root / "keys", root / "tls")
    made.make()
    return made
