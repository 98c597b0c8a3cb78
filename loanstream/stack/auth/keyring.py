"""The server's view of the ring: what signs now, what is published, and the steps of a rotation that are due."""

import logging
import time
from collections.abc import Callable

from joserfc.jwk import ECKey

from loanstream.stack.auth.paths import LOCK_WITHIN_S as FIRST_LOCK_WITHIN_S
from loanstream.stack.auth.paths import AuthFiles, identity
from loanstream.stack.auth.ring import Ring, Times, settled
from loanstream.stack.auth.ring_file import change_ring, jwks_bytes, make_ring
from schemas.problem import Problem

LOCK_WITHIN_S = 0.2
"""How long a request for a token may wait for somebody who changes the ring."""

logger = logging.getLogger(__name__)


class Keyring:
    """The ring, read again when its file was replaced. What cannot be read leaves what was read last in force."""

    def __init__(self, files: AuthFiles, times: Times, now: Callable[[], float] = time.time) -> None:
        """Make the ring where there is none, and publish it. Problem or OSError where that cannot be."""
        self._files, self._times, self._now = files, times, now
        self.complaint: str | None = None
        make_ring(files, now())
        self._seen = identity(files.ring)
        self._ring = Ring(())
        self._ring = self._settle(FIRST_LOCK_WITHIN_S)

    def refresh(self) -> None:
        """Take in a ring that was changed. A key of it is published before it signs."""
        if identity(self._files.ring) != self._seen:
            self.settle()

    def settle(self) -> None:
        """Take every step that is due: publish new keys, let old ones go, mend the published file."""
        try:
            # Seen before it is read: what comes in between is seen again.
            seen = identity(self._files.ring)
            self._ring = self._settle(LOCK_WITHIN_S)
        except (Problem, OSError) as error:
            self._complain(str(error) if isinstance(error, Problem) else f"{self._files.jwks}: {error.strerror}")
        else:
            self._seen = seen
            self.complaint = None

    def signing(self) -> ECKey:
        """The key that signs now."""
        key = self._ring.signing(self._now())
        return ECKey.import_key({**key.jwk, "kid": key.kid})

    def jwks(self) -> bytes:
        """The JWK Set."""
        return jwks_bytes(self._ring)

    def _settle(self, within_s: float) -> Ring:
        # A new key's time begins once it could be had here, which is a look later.
        served = {key.kid for key in self._ring.keys}
        return change_ring(self._files, lambda ring: settled(ring, self._now(), self._times, served), within_s)

    def _complain(self, complaint: str) -> None:
        if complaint != self.complaint:
            logger.error("the keys that were read last stay in force: %s", complaint)
        self.complaint = complaint
