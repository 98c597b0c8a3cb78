"""One Keycloak for the session, with the realm that ships and a stranger's."""

import json
from collections.abc import Iterator

import pytest

from loanstream.stack import ports
from tests.oidc.keycloak import REALM_FILE, Keycloak


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """Started, with the shipped realm and one that is like it but for its name and its keys."""
    root = tmp_path_factory.mktemp("keycloak")
    realm = json.loads(REALM_FILE.read_text("utf-8"))
    # The provider of the tests speaks http, on loopback; the realm that ships wants TLS.
    realm["sslRequired"] = "external"
    shipped = root / "loanstream-realm.json"
    shipped.write_text(json.dumps(realm))
    stranger = root / "stranger-realm.json"
    stranger.write_text(json.dumps(realm | {"realm": "stranger"}))
    port = ports.keep_or_pick(root / "ports.json", ("keycloak",))["keycloak"]
    clients = [client["clientId"] for client in realm["clients"]]
    with Keycloak(root, port, clients, [shipped, stranger]) as started:
        yield started
