"""A provider that publishes nonsense in place of its keys, before the gateway's process."""

import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

PDF = b"%PDF-1.7\n" + b"a payslip" * 50


def unknown_token(made) -> str:
    """A token of a key that nobody published: the gateway looks whether there is a new one."""
    claims = jwt.decode(made.token(), made.signs).claims
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "two"}, claims, ECKey.generate_key("P-256"))


@pytest.mark.parametrize("garbage", [b"<html>502</html>" * 100_000, None])
def test_nonsense_in_place_of_keys_leaves_the_known_ones_in_force(make_gateway, garbage):
    """Whoever is known is served, an unknown key is refused, and both the log and the page of readiness say why."""
    made = make_gateway()
    made.start()
    try:
        published = Path(urlsplit(made.gateway.provider.jwks_uri).path)
        published.unlink() if garbage is None else published.write_bytes(garbage)

        def stored(token):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/pdf"}
            return made.http.post("/v1/documents?kind=payslip", content=PDF, headers=headers).status_code

        assert [stored(token) for token in (made.token(), unknown_token(made), made.token())] == [201, 401, 201]
        assert "the provider's keys: " in made.log.read_text()
        time.sleep(1.1)  # readiness is at most a second old
        assert "provider's keys cannot be had" in made.http.get("/readyz").json()["complaints"]["verifier"]
    finally:
        made.stop()
