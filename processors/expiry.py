"""When certificates end that a process proves itself with: figures beside its others."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography import x509

from processors.measurements import Figure

EXPIRES: Final = "expires_in_seconds"
"""Of what the label `what` names; below 0 it has ended."""

CERTIFICATE: Final = "certificate"
"""What a client proves itself to Kafka with."""
SERVER_CERTIFICATE: Final = "server certificate"
"""What a server shows to whoever connects."""


def expiry(
    security: Mapping[str, str], now: Callable[[], float] = time.time, served: Path | None = None
) -> Callable[[], list[Figure]]:
    """What tells how long the client certificate of librdkafka settings is good, and the one `served` (PEM); nothing
    of one that is not there.

    They are read once, as the client and the server read them: one that was renewed since is not used before the
    process starts again.
    """
    shown = {} if served is None else {"ssl.certificate.location": str(served)}
    ends = {CERTIFICATE: _ends(security), SERVER_CERTIFICATE: _ends(shown)}

    def figures() -> list[Figure]:
        return [Figure(EXPIRES, end - now(), {"what": what}) for what, end in ends.items() if end is not None]

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
