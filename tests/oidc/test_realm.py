"""The realm that ships: what its tokens say."""

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from loanstream.stack.auth.scopes import KINDS
from tests.oidc.keycloak import Keycloak


def _claims(keycloak: Keycloak, token: str, realm: str = "loanstream") -> jwt.Token:
    keys = KeySet.import_key_set(httpx.get(keycloak.jwks_uri(realm), timeout=30).json())
    return jwt.decode(token, keys, algorithms=["ES256"])


def test_a_token_says_which_bank_and_client_it_is_for(keycloak: Keycloak) -> None:
    """RFC 9068: the type of the token, the client, the bank, both audiences, the scopes of its kind and no more."""
    found = _claims(keycloak, keycloak.token("bank-a-producer"))
    assert found.header["typ"] == "at+jwt"
    assert found.claims["iss"] == keycloak.issuer()
    assert found.claims["client_id"] == "bank-a-producer"
    assert found.claims["tenant"] == "bank-a"
    assert set(found.claims["aud"]) == {"loanstream-kafka", "loanstream-gateway"}
    assert found.claims["exp"] - found.claims["iat"] == 300
    assert set(found.claims["scope"].split()) == set(KINDS["producer"].scopes)


def test_a_reviewer_may_review_and_not_submit(keycloak: Keycloak) -> None:
    """Who decides on what was referred does not send applications by the same credentials."""
    claims = _claims(keycloak, keycloak.token("bank-b-reviewer")).claims
    assert sorted(claims["scope"].split()) == ["decisions:read", "reviews:read", "reviews:write"]
    assert claims["aud"] in ("loanstream-gateway", ["loanstream-gateway"])


def test_a_wrong_secret_gets_no_token(keycloak: Keycloak) -> None:
    """The provider itself refuses it."""
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(keycloak.token_endpoint(), data=form, auth=("bank-a-producer", "guessed"), timeout=30)
    assert answer.status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize("grant", ["password", "authorization_code"])
def test_a_client_has_no_other_way_to_a_token(keycloak: Keycloak, grant: str) -> None:
    """Client credentials are the one grant of the realm's clients."""
    auth = ("bank-a-producer", keycloak.secrets["bank-a-producer"])
    form = {"grant_type": grant, "username": "x", "password": "x", "code": "x", "redirect_uri": "http://x"}
    answer = httpx.post(keycloak.token_endpoint(), data=form, auth=auth, timeout=30)
    assert answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED}


def test_a_rotation_leaves_older_tokens_good(keycloak: Keycloak) -> None:
    """The new key signs at once, and the old one is published on."""
    before = keycloak.token("bank-a-producer")
    keycloak.rotate()
    after = keycloak.token("bank-a-producer")
    kids = [_claims(keycloak, token).header["kid"] for token in (before, after)]
    assert kids[0] != kids[1]
