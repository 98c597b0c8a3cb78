"""When the certificate ends that a worker proves itself with: a figure beside its others."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography import x509

from processors.measurements import Figure

EXPIRES: Final = "expires_in_seconds"
"""Of what the label `what` names; below 0 it has ended."""

CERTIFICATE: Final = "certificate"


def expiry(security: Mapping[str, str], now: Callable[[], float] = time.time) -> Callable[[], list[Figure]]:
    """What tells how long the client certificate of librdkafka settings is good; nothing where there is none in PEM.

    It is read once, as the client reads it: one that was renewed since is not used before the worker starts again.
    """
    ends = _ends(security)

    def figures() -> list[Figure]:
        return [] if ends is None else [Figure(EXPIRES, ends - now(), {"what": CERTIFICATE})]

    return figures


def _ends(security: Mapping[str, str]) -> float | None:
    """Seconds since 1970. A file that cannot be read is the client's to tell: it does not connect."""
    try:
        path = security.get("ssl.certificate.location")
        text = security.get("ssl.certificate.pem", "").encode() if path is None else Path(path).read_bytes()
        # The first is the client's own; those that follow are of who signed it.
        return x509.load_pem_x509_certificates(text)[0].not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return None
