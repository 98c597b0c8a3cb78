"""The gateway's server: uvicorn behind TLS, from settings, until SIGTERM."""

import asyncio
import errno
import logging
import signal
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import uvicorn

from loanstream.connections import BoundedLoop, listening
from loanstream.gateway.figures import publisher, told
from loanstream.gateway.logs import log_requests
from loanstream.gateway.parts import MAKERS, Maker, parts_of
from loanstream.gateway.protocol import BoundedHttp
from loanstream.installation import Installation
from loanstream.settings import Settings
from loanstream.worker import calm_collector
from producers.gateway.app import Door, gateway
from producers.gateway.rates import Rate
from schemas.problem import Problem

KEEP_ALIVE_S = 30
STOP_S = 8
"""What a request that is being answered gets on SIGTERM: the stack gives ten seconds."""

BURST_S = 2.0
"""A client that was quiet may send the requests of two seconds at once."""

ADDRESS_FAULTS: Mapping[int, tuple[str, str]] = {
    errno.EADDRINUSE: ("port", "the port is taken at {host}; expected a free one, or 0 to have one picked"),
    errno.EACCES: ("port", "this user may not listen there; expected one above 1023, or 0 to have one picked"),
}
"""By what the system says of an address: the setting that is wrong, and how. All else is the host's."""
HOST_FAULT = ("host", "expected an address of this machine, or a name of it")

logger = logging.getLogger(__name__)


def run(settings: Settings, makers: Mapping[str, Maker] = MAKERS) -> int:
    """Serve; 1 where the gateway cannot be started, with one line that says why. On SIGTERM the process exits 0."""
    log_requests()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    while settings.wait_for is not None and not settings.wait_for.exists():
        time.sleep(0.02)
    try:
        with asyncio.Runner(loop_factory=BoundedLoop) as runner:
            return runner.run(_serve(settings, makers))
    except Problem as error:
        logger.error("%s", error)  # noqa: TRY400 - one line for the operator
        return 1


async def _serve(settings: Settings, makers: Mapping[str, Maker]) -> int:
    certificate, key = settings.needed("gateway_certificate"), settings.needed("gateway_key")
    door = Door(
        token_url=settings.gateway_token_url or "",
        client_rate=_rate(settings.gateway_client_rate),
        address_rate=_rate(settings.gateway_address_rate),
    )
    _check_address(settings)
    installation = Installation(settings)
    async with parts_of(installation, makers) as parts:
        config = uvicorn.Config(
            gateway(parts, door),
            host=settings.gateway_host,
            port=settings.gateway_port,
            http=BoundedHttp,
            ws="none",
            loop="asyncio",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            # Else X-Forwarded-For would choose whose requests are counted.
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_S,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        _load(config, certificate, key)
        calm_collector()
        server = uvicorn.Server(config)
        async with told(publisher(installation, certificate)):
            await server.serve()
    return 0 if server.started else 1


def _check_address(settings: Settings) -> None:
    """Problem for an address where it cannot listen, before what takes long is begun."""
    host, port = settings.gateway_host, settings.gateway_port
    try:
        listening(host, port).close()
    except OSError as error:
        name, said = ADDRESS_FAULTS.get(error.errno or 0, HOST_FAULT)
        found = {"host": host, "port": port}
        raise Problem(f"LOANSTREAM_GATEWAY_{name.upper()} is {found[name]}: {said.format(host=host)}") from None


def _load(config: uvicorn.Config, certificate: Path, key: Path) -> None:
    try:
        config.load()
    except (OSError, ssl.SSLError):
        raise Problem(
            "LOANSTREAM_GATEWAY_CERTIFICATE and LOANSTREAM_GATEWAY_KEY: expected a certificate with its chain and its "
            f"key without a password, both PEM; {certificate} and {key} cannot be used so"
        ) from None
    assert isinstance(config.ssl, ssl.SSLContext)
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2


def _rate(per_s: float) -> Rate:
    return Rate(per_s, per_s * BURST_S)


def _exit(_number: int, _frame: object) -> NoReturn:
    """End: uvicorn raises the signal again when it has closed its connections."""
    sys.exit(0)
