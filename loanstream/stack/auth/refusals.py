"""Why a request gets no token: one row for each reason, in the words of RFC 6749 §5.2.

The reason is for our log; who asks gets status, error and description, which never say whether a client exists.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from authlib.oauth2 import OAuth2Error


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered."""

    status: int
    error: str
    description: str
    headers: Mapping[str, str] = field(default_factory=dict)


_BASIC = {"WWW-Authenticate": 'Basic realm="loanstream"'}
_CREDENTIALS = Refusal(401, "invalid_client", "client_id or client_secret is wrong", _BASIC)

REFUSALS = {
    "wrong_method": Refusal(405, "invalid_request", "expected POST", {"Allow": "POST"}),
    "too_large": Refusal(413, "invalid_request", "the body is too large; expected at most 8 KiB"),
    "too_slow": Refusal(408, "invalid_request", "the body did not come in time"),
    "not_a_form": Refusal(
        400, "invalid_request", "expected a body of type application/x-www-form-urlencoded, in UTF-8"
    ),
    "repeated_parameter": Refusal(400, "invalid_request", "a parameter stands there twice"),
    "no_grant_type": Refusal(400, "invalid_request", "grant_type is missing; expected client_credentials"),
    "two_ways": Refusal(
        400, "invalid_request", "expected the client in the Authorization header or in the body, not in both"
    ),
    "unreadable_authorization": Refusal(
        401, "invalid_client", "the Authorization header cannot be read; expected Basic", _BASIC
    ),
    "no_credentials": Refusal(
        401, "invalid_client", "expected client_id and client_secret, by HTTP Basic or in the body", _BASIC
    ),
    "unknown_client": _CREDENTIALS,
    "wrong_secret": _CREDENTIALS,
    # Told to whoever has the right secret alone.
    "not_served": Refusal(401, "invalid_client", "the client's bank is not served any more", _BASIC),
    "backed_off": Refusal(429, "invalid_client", "too many wrong secrets; try again later"),
    "unsupported_grant_type": Refusal(400, "unsupported_grant_type", "expected client_credentials"),
    "invalid_scope": Refusal(400, "invalid_scope", "a scope is not known, or not granted to this client"),
    "server_error": Refusal(500, "server_error", "the token server failed; it is in its log"),
}
"""By reason. The last is no error of the RFC's: whoever gets it has done nothing wrong."""


class Refused(OAuth2Error):
    """Raised where a request is refused; `retry_after_s` tells when to try again."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(error=REFUSALS[reason].error)
        self.reason, self.retry_after_s = reason, retry_after_s


def reason_of(error: OAuth2Error) -> str:
    """The row of an error: of ours its own, of Authlib's that of its name."""
    if isinstance(error, Refused):
        return error.reason
    return error.error if error.error in REFUSALS else "server_error"
