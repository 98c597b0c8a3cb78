"""`python -m loanstream.stack.auth --state DIR --port P --cert PEM --key PEM`: serve tokens until SIGTERM."""

import argparse
import asyncio
import logging
import signal
import ssl
import sys
from pathlib import Path
from typing import NoReturn

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from loanstream.connections import BoundedLoop, Prompt, Seldom
from loanstream.stack.auth.access_log import log_requests
from loanstream.stack.auth.app import TokenServer
from loanstream.stack.auth.endpoints import Endpoints
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.ring import Times
from loanstream.stack.ports import LOOPBACK
from schemas.problem import Problem

KEEP_ALIVE_S = 30
STOP_S = 1
HEADERS_MOST = 16 * 1024

logger = logging.getLogger("loanstream.stack.auth")


class PromptH11(Prompt, H11Protocol):
    """Of uvicorn's two protocols the one that limits what comes before a body; it comes soon as well."""


def main() -> int:
    """Serve; 1 where keys, clients or the certificate cannot be used. On SIGTERM the process exits 0."""
    options = _options()
    log_requests()
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(Seldom())
    logging.getLogger("uvicorn.error").addFilter(_not_an_idle_connection)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    times = Times(options.life, options.refresh, options.leeway)
    try:
        server = uvicorn.Server(_config(options, times))
    except Problem as error:
        logger.error("%s", error)  # noqa: TRY400 - one line for the operator
        return 1
    except OSError as error:
        logger.error("%s: %s", error.filename or "the certificate or its key", error.strerror or type(error).__name__)  # noqa: TRY400
        return 1
    with asyncio.Runner(loop_factory=BoundedLoop) as runner:
        runner.run(server.serve())
    return 0 if server.started else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loanstream.stack.auth", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the state directory of the stack")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--cert", type=Path, required=True, help="the server's certificate with its chain (PEM)")
    parser.add_argument("--key", type=Path, required=True, help="its key (PEM, without a password)")
    parser.add_argument("--page", default="", help="the origin of a page that may read the answers in a browser")
    defaults = Times()
    for name, default, meaning in (
        ("--life", defaults.life_s, "seconds that a token lives"),
        ("--refresh", defaults.refresh_s, "seconds after which every verifier has read the keys anew"),
        ("--leeway", defaults.leeway_s, "seconds that verifiers allow clocks to differ by"),
    ):
        parser.add_argument(name, type=_seconds, default=default, help=f"{meaning} (default: %(default)s)")
    return parser.parse_args()


def _seconds(text: str) -> int:
    found = int(text)
    if not 1 <= found <= 86400:
        raise argparse.ArgumentTypeError("expected from 1 to 86400 seconds")
    return found


def _config(options: argparse.Namespace, times: Times) -> uvicorn.Config:
    app = TokenServer(AuthFiles(options.state), Endpoints(options.port), times, options.page).app()
    config = uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=PromptH11,
        h11_max_incomplete_event_size=HEADERS_MOST,
        loop="asyncio",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        # Else X-Forwarded-For would choose whose wrong secrets are counted.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
        ssl_certfile=options.cert,
        ssl_keyfile=options.key,
    )
    config.load()
    assert isinstance(config.ssl, ssl.SSLContext)
    config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


def _not_an_idle_connection(record: logging.LogRecord) -> bool:
    """A client's idle connection that does not say goodbye within `STOP_S` is no fault of anybody."""
    return not record.getMessage().startswith("Cancel 0 running")


def _exit(_number: int, _frame: object) -> NoReturn:
    """End: uvicorn raises the signal again when it has closed its connections."""
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
