"""What the gateway costs and carries: processor time an application, the most that it takes, its p99 at half of it.

The load is a process of its own, and of the processor time only the gateway's own process counts: TLS, token, checks,
Kafka's client, the decisions that it follows. Broker, stages and load share the machine's processors with it.
"""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import httpx
import psutil

from loanstream.lab.bench.https_load import Loaded, Told
from loanstream.stack.bound import bound
from loanstream.stack.running import RunningStack

UNBOUNDED: Mapping[str, str] = {
    "LOANSTREAM_GATEWAY_CLIENT_RATE": "100000",
    "LOANSTREAM_GATEWAY_ADDRESS_RATE": "100000",
}
"""What may be asked of a gateway that is to be brought to its end."""
WINDOWS = 3
PEAK_S, STEADY_S, PAUSE_S = 6.0, 6.0, 5.0
"""After a window the stages decide and record what is left."""
FOLLOWED_S = 1.0
"""By then most of what was accepted is decided, and the gateway has read the decisions: that is its work, too."""
CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Window:
    """One load, and the processor time (µs) of the gateway's process for each accepted application."""

    loaded: Loaded
    cpu_us: float

    @property
    def per_s(self) -> float:
        """Accepted a second."""
        return self.loaded.accepted / self.loaded.seconds


def measure_gateway(running: RunningStack) -> dict[str, Any]:
    """The figures, each a median of windows; `running` is a stack whose gateway is UNBOUNDED."""
    _window(running, PEAK_S, None, keyed=False)  # warms what is compiled, filled and connected once
    peak = median(_window(running, PEAK_S, None, keyed=False).per_s for _ in range(WINDOWS))
    plain, keyed = (
        [_window(running, STEADY_S, peak / 2, keyed=with_key) for _ in range(WINDOWS)] for with_key in (False, True)
    )
    return {
        "gateway_us_per_request": {
            "without_key": round(median(window.cpu_us for window in plain)),
            "with_key": round(median(window.cpu_us for window in keyed)),
        },
        "gateway_rps": round(peak),
        "gateway_p99_ms": median(window.loaded.p99_ms for window in plain),
        "gateway_p50_ms": median(window.loaded.p50_ms for window in plain),
        "gateway_windows_p99_ms": [window.loaded.p99_ms for window in plain],
    }


def _window(running: RunningStack, seconds: float, rate: float | None, *, keyed: bool) -> Window:
    """One load. RuntimeError where anything but an acceptance was answered."""
    told = Told(
        running.stack["gateway"]["url"],
        running.stack["tls"]["ca"],
        [_token(running, tenant) for tenant in running.tenants],
        f"bench-{time.time_ns()}",
        seconds,
        rate,
        CONNECTIONS,
        keyed,
    )
    pid = next(each["pid"] for each in running.stack["processes"] if each["name"] == "gateway")
    process = psutil.Process(pid)
    command = [sys.executable, "-m", "loanstream.lab.bench.https_load"]
    before = process.cpu_times()
    done = subprocess.run(bound(command), input=json.dumps(asdict(told)), check=True, capture_output=True, text=True)
    time.sleep(FOLLOWED_S)
    after = process.cpu_times()
    time.sleep(PAUSE_S)
    loaded = Loaded(**json.loads(done.stdout))
    if set(loaded.statuses) != {"202"}:
        raise RuntimeError(f"the gateway answered otherwise than it should: {loaded.statuses}")
    spent = after.user + after.system - before.user - before.system
    return Window(loaded, 1e6 * spent / loaded.statuses["202"])


def _token(running: RunningStack, tenant: str) -> str:
    auth = running.stack["auth"]
    client = auth["clients"][f"producer:{tenant}"]
    answer = httpx.post(
        auth["token_endpoint"],
        verify=ssl.create_default_context(cafile=running.stack["tls"]["ca"]),
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
    )
    token: str = answer.raise_for_status().json()["access_token"]
    return token
