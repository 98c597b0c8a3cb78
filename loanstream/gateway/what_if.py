"""`POST /v1/score`: the scorer of what is in force now, as the score stage has it, and without receipts."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from loanstream.what_if import without_documents
from processors.identity import code_version
from producers.gateway.sending import Refusal, away
from registry.history import NothingActive
from registry.port import Activations
from registry.scorers import Loaded, Unusable
from schemas.application import LoanApplication
from scoring.receipt import ReceiptKey

log = logging.getLogger(__name__)

WITHIN_S = 5.0
"""How long a look at the control topic may take."""
OF_A_RECEIPT = ("decision_id", "accepted_at", "tenant", "verification_result")
"""What of a decision says nothing where nothing was sent, and no document looked at."""

NOT_SEEN = Refusal("control-not-seen", "what is in force cannot be looked up now", 5)
NOTHING = Refusal("nothing-in-force", "no bundle and policy are in force for this bank", 30)
UNUSABLE = Refusal("artefact-unusable", "the bundle or policy in force cannot be loaded", 30)


class WhatIf:
    """The `Score` of `parts`. `now_ms` is the clock."""

    def __init__(self, activations: Activations, scorers: Loaded, now_ms: Callable[[], int]) -> None:
        self._activations, self._scorers, self._now_ms = activations, scorers, now_ms
        # One thread: scorers are kept in a table that one thread changes.
        self._thread = ThreadPoolExecutor(1, "what-if")
        # A decision is made with a receipt. Of this one nobody sees the receipt, and nobody has the key.
        self._key = ReceiptKey("of-no-receipt", secrets.token_bytes(32))

    async def __call__(self, application: LoanApplication) -> Mapping[str, Any]:
        """What would be decided. ProblemError `unavailable` where nothing is in force, or nobody knows what is."""
        now_ms = self._now_ms()
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._activations.wait_for(now_ms)
        except TimeoutError:
            raise away(NOT_SEEN) from None
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._score, application, now_ms)

    async def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _score(self, application: LoanApplication, now_ms: int) -> dict[str, Any]:
        try:
            chosen = self._activations.in_force(application.tenant, now_ms)
            scorer = self._scorers.of(chosen)
        except NothingActive:
            raise away(NOTHING) from None
        except Unusable as why:
            log.warning("what is in force cannot be used: %s", why)
            raise away(UNUSABLE) from None
        event = without_documents(application, now_ms)
        (decision,) = scorer.decide([event], lambda _: self._key, code_version())
        del decision["receipt"]
        for name in OF_A_RECEIPT:
            del decision[name]
        return {**decision, "bundle_id": chosen.bundle_id, "policy_id": chosen.policy_id}
