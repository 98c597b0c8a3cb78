"""Load for the gateway, in its own process: `python -m loanstream.lab.bench.https_load` with a `Told` on its input.

Plain HTTP/1.1 over TLS connections that stay open. At a rate each request has a moment at which it is due, and its time
counts from there: a gateway that keeps one waiting is not spared the next. Without one, each connection sends as soon
as it was answered. The output is one `Loaded`, as JSON.
"""

import asyncio
import itertools
import json
import re
import ssl
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import resources
from urllib.parse import urlsplit

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
SKIPPED_S = 1.0
"""At the begin: connections and their certificates."""


@dataclass(frozen=True, slots=True)
class Told:
    """Where and what to send: of each token's bank in turn; `keyed` with an Idempotency-Key."""

    url: str
    ca: str
    tokens: list[str] = field(repr=False)
    run: str
    seconds: float
    rate: float | None
    connections: int
    keyed: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of it: answers by status, and over the measured `seconds` those accepted, with their times in ms."""

    statuses: dict[str, int]
    accepted: int
    seconds: float
    p50_ms: float
    p99_ms: float


class Requests:
    """The bytes of one request after the other."""

    def __init__(self, told: Told) -> None:
        text = (resources.files("schemas") / "examples" / "loan.application.submitted.json").read_text("utf-8")
        example = {name: value for name, value in json.loads(text).items() if name != "tenant"}
        before, _, after = json.dumps(example | {"application_id": "@@"}).partition("@@")
        self._before, self._after, self._told = before, after, told
        host = urlsplit(told.url).netloc
        self._heads = [
            f"POST /v1/applications HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\n"
            for token in told.tokens
        ]

    def of(self, number: int) -> bytes:
        """That of this number."""
        name = f"{self._told.run}-{number}"
        body = f"{self._before}{name}{self._after}"
        key = f"Idempotency-Key: {name}\r\n" if self._told.keyed else ""
        head = self._heads[number % len(self._heads)]
        return f"{head}{key}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def load(told: Told) -> Loaded:
    """Send for so long. OSError where nobody answers."""
    requests, numbers = Requests(told), itertools.count()
    began = time.perf_counter()
    times: list[tuple[float, float]] = []
    statuses: Counter[str] = Counter()
    trusted = ssl.create_default_context(cafile=told.ca)
    where = urlsplit(told.url)

    async def send_on() -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port, ssl=trusted)
        for number, due in _due(numbers, told, began):
            await asyncio.sleep(max(0.0, due - time.perf_counter()) if told.rate else 0)
            since = due if told.rate else time.perf_counter()
            writer.write(requests.of(number))
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            await reader.readexactly(int(length[1]) if length else 0)
            status = head[9:12].decode()
            statuses[status] += 1
            if status == "202":
                times.append((time.perf_counter(), time.perf_counter() - since))
        writer.close()

    await asyncio.gather(*(send_on() for _ in range(told.connections)))
    counted = [took for at, took in times if at - began >= SKIPPED_S]
    ended = max((at for at, _ in times), default=began)
    return Loaded(
        dict(statuses),
        len(counted),
        round(ended - began - SKIPPED_S, 3),
        percentile_ms(counted, 0.5),
        percentile_ms(counted, 0.99),
    )


def _due(numbers: Iterator[int], told: Told, began: float) -> Iterator[tuple[int, float]]:
    """The numbers of one connection, each with the moment at which it is due, until the time is over."""
    for number in numbers:
        due = began + number / told.rate if told.rate else time.perf_counter()
        if due > began + told.seconds + SKIPPED_S:
            return
        yield number, due


def percentile_ms(seconds: list[float], share: float) -> float:
    """So many milliseconds or less took that share; 0 of none.

    >>> percentile_ms([0.001, 0.002, 0.004], 0.5), percentile_ms([], 0.5)
    (2.0, 0.0)
    """
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2) if ordered else 0.0


def main() -> None:
    """Load as told."""
    told = Told(**json.load(sys.stdin))
    sys.stdout.write(json.dumps(asdict(asyncio.run(load(told)))) + "\n")


if __name__ == "__main__":
    main()
