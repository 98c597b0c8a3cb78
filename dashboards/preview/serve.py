"""The preview as a process: on loopback, until Ctrl-C."""

import logging
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from dashboards.preview.app import create_app
from dashboards.preview.door import LOOPBACK
from schemas.problem import Problem

PORT = 8300


def listener(port: int) -> socket.socket:
    """A socket that listens on loopback; 0 is any free port. Problem where the port is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
        found.listen(128)
    except OSError as error:
        found.close()
        said = f"cannot listen at {LOOPBACK}, port {port}: {error.strerror}; choose another with --port"
        raise Problem(said) from None
    return found


def serve(connect: Callable[[], Any], tenant: str | None, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer at `listening` until a signal; `ready` is called when it does."""
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # its lines quote questions
    app = create_app(connect, tenant)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = _Announced(config, ready)
    server.run(sockets=[listening])


class _Announced(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._ready()
