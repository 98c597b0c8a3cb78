"""The provider's keys as they are now: kept, renewed behind the requests, and fetched no more often than is good.

    age of what is kept     what a request meets
    up to `renew_s`         nothing
    up to `trusted_s`       a fetch begins behind it
    up to `kept_s`          it waits for the fetch, and where that fails what is kept stays in force
    beyond                  no token is believed

A key that is not known is asked for at once, so that a rotation refuses nobody, and then none again within
`cool_down_s`: whoever makes up key ids causes one fetch in that time, whatever he sends.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from producers.gateway.jwks import KeysById, NotKeysError, PublicKey, keys_of
from producers.gateway.jwks_page import Fetch, PageError
from producers.gateway.problems import ProblemError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, as the module says. `trusted_s` bounds for how long a key counts that was taken away, also where nobody
    asked in between; `kept_s` for how long one counts that nobody can call back. A fetch fits between the first two.
    """

    renew_s: float = 20.0
    trusted_s: float = 30.0
    kept_s: float = 86_400.0
    cool_down_s: float = 10.0


class ProviderKeys:
    """The keys of one provider. For one event loop."""

    def __init__(self, fetch: Fetch, times: Times | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._times, self._now = fetch, times or Times(), now
        self._keys: KeysById = {}
        self._got_at = self._asked_at = self._missed_at = -math.inf
        self._failure: str | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str, algorithm: str) -> PublicKey | None:
        """The key that the provider publishes by this id, None where it publishes none.

        ProblemError `keys-unknown` where nothing is known of what it publishes.
        """
        await self.look()
        if self._age > self._times.kept_s or not self._keys:
            raise ProblemError("keys-unknown", "try again later", retry_after_s=self._times.cool_down_s)
        found = self._keys.get((kid, algorithm))
        if found is None and self._begun(self._missed_at):
            self._missed_at = self._now()
            await self._fetched()
            found = self._keys.get((kid, algorithm))
        return found

    async def look(self) -> None:
        """See to it that the keys are as young as they should be; what fails is told by `complaint`."""
        if self._age <= self._times.renew_s or not self._begun(self._asked_at):
            return
        # Where the last fetch failed, the next one keeps nobody waiting who could be served.
        if self._age > self._times.kept_s or (self._age > self._times.trusted_s and self._failure is None):
            await self._fetched()

    @property
    def complaint(self) -> str | None:
        """What is wrong with the keys; None where they are as they should be."""
        if self._failure is None:
            return None if self._keys else "the provider publishes no key that could be used"
        return f"the provider's keys cannot be had: {self._failure}"

    @property
    def _age(self) -> float:
        return self._now() - self._got_at

    def _begun(self, last_at: float) -> bool:
        """Whether a fetch is under way; one begins where the last of its cause is long enough ago."""
        if self._fetching is not None and not self._fetching.done():
            return True
        if self._now() - last_at < self._times.cool_down_s:
            return False
        self._asked_at = self._now()
        self._fetching = asyncio.create_task(self._renew())
        return True

    async def _fetched(self) -> None:
        assert self._fetching is not None
        # One who goes away must not take the others' fetch with him.
        await asyncio.shield(self._fetching)

    async def _renew(self) -> None:
        began = self._now()
        failure: str | None = None
        try:
            self._keys = _same_where_equal(keys_of(await self._fetch()), self._keys)
            # From before the fetch: what was answered may be as old as that.
            self._got_at = began
        except PageError as error:
            failure = str(error)
        except NotKeysError:
            failure = "what is answered is no JWK Set"
        except Exception as error:  # noqa: BLE001 - whatever a fetch meets, the known keys stay in force
            failure = type(error).__name__
        if failure != self._failure:
            logger.warning("the provider's keys: %s", failure or "had again")
        self._failure = failure


def _same_where_equal(keys: KeysById, before: KeysById) -> KeysById:
    """`keys`, where a key that was there before is the same object: whoever kept it sees that it stands."""
    same = {name for name, key in keys.items() if name in before and key.thumbprint() == before[name].thumbprint()}
    return {name: before[name] if name in same else key for name, key in keys.items()}
