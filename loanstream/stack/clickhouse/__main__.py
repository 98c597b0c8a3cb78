"""`python -m loanstream.stack.clickhouse --data DIR --port P`: serve one data directory until SIGTERM."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Final, NoReturn

import uvicorn

from loanstream.stack.clickhouse.app import Warehouse
from loanstream.stack.clickhouse.auth import Accounts
from loanstream.stack.clickhouse.disk import Disk, file_size_limit
from loanstream.stack.clickhouse.engine import Engine
from loanstream.stack.clickhouse.errors import EngineError

_KEEP_ALIVE_SECONDS: Final = 30
_STOP_SECONDS: Final = 2
_PASSWORDS: Final = ("LOANSTREAM_WAREHOUSE_WRITER_PASSWORD", "LOANSTREAM_WAREHOUSE_READER_PASSWORD")

logger = logging.getLogger("loanstream.stack.clickhouse")


def main() -> int:
    """Serve; 2 for a wrong setting, 1 when the directory cannot be opened. On SIGTERM the process exits 0."""
    options = _options()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    missing = [name for name in _PASSWORDS if not os.environ.get(name)]
    if missing:
        logger.error("%s is not set; expected the account's password", missing[0])
        return 2
    limit = file_size_limit()
    if limit is not None:
        # Beyond the limit the engine's writes fail without its noticing.
        logger.error("RLIMIT_FSIZE is %d bytes; the warehouse needs files of any size (ulimit -f unlimited)", limit)
        return 2
    try:
        engine = Engine(Disk(options.data, options.reserve), options.memory)
    except EngineError as error:
        logger.error("cannot open the warehouse: %s", error)  # noqa: TRY400 - one line for the operator
        return 1
    try:
        engine.disk.hold_reserve()
    except EngineError as error:
        logger.warning("starting without the reserve, for reading and deleting: %s", error)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    asyncio.run(_serve(engine, options))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loanstream.stack.clickhouse", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the directory that holds the warehouse")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--memory", type=int, default=4 << 30, help="bytes the engine may use (default: %(default)s)")
    parser.add_argument("--reserve", type=int, default=64 << 20, help="bytes of disk held for deleting rows when full")
    return parser.parse_args()


async def _serve(engine: Engine, options: argparse.Namespace) -> None:
    writer, reader = (os.environ[name] for name in _PASSWORDS)
    config = uvicorn.Config(
        Warehouse(engine, Accounts(writer, reader)),
        host=options.host,
        port=options.port,
        http="httptools",
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    await uvicorn.Server(config).serve()


def _exit(_number: int, _frame: object) -> NoReturn:
    """End at once: uvicorn raises the signal again when it has closed its connections.

    Statements still running are dropped as after a crash; what was acknowledged is on disk.
    """
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
