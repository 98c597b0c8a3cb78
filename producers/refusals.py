"""Whether a client's log-ins are refused for good: librdkafka tells of a refusal, and goes on trying by itself.

Theory of operation. librdkafka tells a text once, and of a wrong token at each log-in. Where the token server itself
has refused the client, that is the end, also for one that was let in before: it would ask again and again in silence.
A token server that is away refuses nobody, nor does a broker that doubts a token which could not be renewed. Else a
broker that doubts tokens has refused after three of them; where fewer were told, it is asked after a while. Whoever is
let in by then (after a key rotation it takes a second) goes on.
"""

import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException

from producers.errors import CredentialsRefusedError
from producers.librdkafka import log_in_failure

REFUSALS_MAX = 3
"""So many refused log-ins in a row are no hiccup of a key rotation."""
ASK_AFTER_S = 3.0
"""After so long without being let in the broker is asked."""
ANSWER_S = 2.0

SAYS = "the credentials are refused: check client id, client secret and token address"


class LogIns:
    """The log-ins of one client; `ask` asks the broker anything, for so many seconds, and raises `KafkaException`."""

    def __init__(self, ask: Callable[[float], object], now: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._now = ask, now
        self._since: float | None = None
        self._refusals = 0
        self._dismissed = self._without_tokens = False

    @property
    def is_refused(self) -> bool:
        """Whether the last that was heard is a refusal."""
        return self._dismissed or bool(self._refusals)

    @property
    def without_tokens(self) -> bool:
        """Whether the token server did not answer, and nobody was let in since."""
        return self._without_tokens

    def failed(self, error: KafkaError) -> None:
        """Note an `_AUTHENTICATION` that librdkafka told of."""
        match log_in_failure(error):
            case "refused":
                self._dismissed = True
            case "away":
                self._without_tokens = True
            case "doubted" if not self._without_tokens:
                self._since = self._now() if self._since is None else self._since
                self._refusals += 1

    def let_in(self) -> None:
        """Note that the broker answers."""
        self._since, self._refusals, self._without_tokens = None, 0, False

    def check(self, *, was_let_in: bool = False) -> None:
        """Raises `CredentialsRefusedError` where the log-ins are refused for good. May wait for `ANSWER_S`.

        Whom the broker once let in (`was_let_in`) only the token server dismisses.
        """
        if self._dismissed:
            raise CredentialsRefusedError(SAYS)
        if self._since is None or was_let_in:
            return
        if self._refusals < REFUSALS_MAX:
            if self._now() - self._since < ASK_AFTER_S:
                return
            try:
                self._ask(ANSWER_S)
            except KafkaException:
                self._refusals = REFUSALS_MAX
            else:
                self.let_in()
                return
        raise CredentialsRefusedError(SAYS)
