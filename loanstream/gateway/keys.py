"""The verifier of an installation's settings."""

import ssl
from pathlib import Path

from loanstream.installation import Installation
from loanstream.settings import Settings
from producers.gateway.jwks_page import fetch_of
from producers.gateway.provider_keys import ProviderKeys
from producers.gateway.tokens import Expected, TokenVerifier
from schemas.problem import Problem


def provider_keys(settings: Settings) -> ProviderKeys:
    """The keys of the provider that settings name. SettingProblem; Problem for certificates that cannot be read."""
    uri: str = settings.needed("gateway_jwks_uri")
    return ProviderKeys(fetch_of(uri, _trusted(settings.gateway_provider_ca)))


def verifier(installation: Installation, keys: ProviderKeys) -> TokenVerifier:
    """What holds tokens against them."""
    settings = installation.settings
    expected = Expected(settings.needed("gateway_issuer"), settings.gateway_audience, installation.served)
    return TokenVerifier(keys, expected)


def _trusted(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError):
        raise Problem(f"LOANSTREAM_GATEWAY_PROVIDER_CA: no certificates (PEM) can be read from {ca}") from None
