"""Whether a client's log-ins are refused for good: librdkafka tells of a refusal, and goes on trying by itself.

Theory of operation. Of refusals that look alike librdkafka tells once: of a wrong secret at the token server when the
client starts and never again, of a wrong token at each log-in. So three refusals in a row are enough; where one was
told, the broker is asked after a while. Whoever is let in by then (after a key rotation it takes a second) goes on.
"""

import time
from collections.abc import Callable

from confluent_kafka import KafkaException

from producers.errors import CredentialsRefusedError

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

    @property
    def is_refused(self) -> bool:
        """Whether the last that was heard is a refusal."""
        return bool(self._refusals)

    def refused(self) -> None:
        """Note a refusal that librdkafka told of."""
        self._since = self._now() if self._since is None else self._since
        self._refusals += 1

    def let_in(self) -> None:
        """Note that the broker answers."""
        self._since, self._refusals = None, 0

    def check(self) -> None:
        """Raises `CredentialsRefusedError` where the log-ins are refused for good. May wait for `ANSWER_S`."""
        if self._since is None:
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
