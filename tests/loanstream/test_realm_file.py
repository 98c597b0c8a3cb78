"""The realm that ships for a Keycloak, against the kinds of clients that the token server knows."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from loanstream.stack.auth.scopes import GATEWAY, KAFKA, KINDS, SCOPES

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "keycloak"
REALM = json.loads((FOLDER / "loanstream-realm.json").read_text("utf-8"))
CLIENTS = {client["clientId"]: client for client in REALM["clients"]}
CLIENT_SCOPES = {scope["name"]: scope for scope in REALM["clientScopes"]}
KIND_OF = {"producer": "producer", "consumer": "consumer", "reviewer": "gateway-reviewer"}


def audiences(scopes: list[str]) -> set[str]:
    mappers: list[dict[str, Any]] = [
        mapper for name in scopes for mapper in CLIENT_SCOPES[name].get("protocolMappers", [])
    ]
    told = (mapper["config"].get("included.custom.audience") for mapper in mappers)
    return {audience for audience in told if audience}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_has_what_its_kind_has_and_no_more(client: str) -> None:
    """Scopes and audiences are those of the token server, whoever signs."""
    kind = KINDS[KIND_OF[client.rpartition("-")[2]]]
    scopes = CLIENTS[client]["defaultClientScopes"]
    assert {scope for scope in scopes if scope in SCOPES} == set(kind.scopes)
    assert audiences(scopes) == set(kind.audiences) <= {KAFKA, GATEWAY}
    assert CLIENTS[client]["optionalClientScopes"] == []
    assert not CLIENTS[client]["fullScopeAllowed"]


def test_nothing_is_said_without_tls() -> None:
    """A secret or a token does not go over plain http, from a private network either."""
    assert REALM["sslRequired"] == "all"


def test_every_secret_is_a_variable_whose_lack_is_told() -> None:
    """Keycloak takes an unset variable's name for the secret: the page has a line that fails for each."""
    checked = re.findall(r'^: "\$\{(\w+):\?\}"$', (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {client["secret"] for client in CLIENTS.values()} == {f"${{{name}}}" for name in checked}
    assert len(checked) == len(CLIENTS)
