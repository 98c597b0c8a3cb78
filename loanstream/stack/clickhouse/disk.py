"""Keeping the warehouse honest when the disk is not: a reserve, and a look at what was written.

The engine plans the space of a part before it writes it, and refuses the insert (243) when it is not there. A write
that fails after that (the disk filled meanwhile, a quota, an I/O error) it does not notice: it acknowledges a part
whose files are cut short. So the parts of every insert are compared with the sizes the engine believes they have.
On a full disk nothing can be deleted either, since even an empty part needs a mebibyte: hence the reserve.
"""

import logging
import os
import resource
import shutil
import threading
import time
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from loanstream.stack.clickhouse.errors import NO_SPACE, EngineError
from loanstream.stack.clickhouse.link import Link

# A part of level 0 comes from an insert; a merge reads what it merges and fails by itself on a broken part.
_FRESH_PARTS: Final = """
SELECT database, table, name, path, bytes_on_disk FROM system.parts
WHERE active AND level = 0 AND modification_time >= now() - {seconds:UInt32}
"""
# What the engine leaves out when it adds up the size of a part.
_UNCOUNTED: Final = frozenset(
    {"checksums.txt", "columns.txt", "columns_substreams.txt", "default_compression_codec.txt", "metadata_version.txt"}
)
_CONFIG: Final = """<clickhouse><storage_configuration><disks><default>
<keep_free_space_bytes>{keep_free}</keep_free_space_bytes>
</default></disks></storage_configuration>
<backups><allowed_path>{backups}</allowed_path></backups></clickhouse>
"""

logger = logging.getLogger(__name__)


class Disk:
    """The directory of one warehouse; `reserve` bytes of its disk are held for the day it is full."""

    def __init__(self, directory: Path, reserve: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.data = directory / "engine"
        self.config = directory / "engine.xml"
        self.backups = directory / "backups"
        self.config.write_text(_CONFIG.format(keep_free=reserve // 4, backups=escape(str(self.backups.absolute()))))
        self._reserve = directory / "reserve"
        self._reserve_bytes = reserve
        self._dropping = threading.Lock()
        self._dropped_at = 0.0

    def hold_reserve(self) -> None:
        """Hold the reserve, unless it is held. Raises EngineError (243) when the disk has no room for it."""
        if self._reserve.exists():
            return
        try:
            # Looked at first: an attempt that fails would fill the disk for a moment.
            room = shutil.disk_usage(self._reserve.parent).free
            if room > self._reserve_bytes:
                with self._reserve.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, self._reserve_bytes)
                return
        except OSError:
            self.free_reserve()
        raise EngineError(NO_SPACE, "the disk has no room for the reserve: nothing is stored (NOT_ENOUGH_SPACE)")

    def free_reserve(self) -> None:
        """Let go of the reserve, so that rows can be deleted; until it is held again, nothing is inserted."""
        self._reserve.unlink(missing_ok=True)

    def verify(self, link: Link, began: float) -> None:
        """Look at the parts inserted since `began` (monotonic seconds); drop those that are cut short.

        Dropping a part forgets its deduplication token too, so that the batch can be sent again.
        Raises EngineError (243) when a part had to be dropped: whose it was is not known, so every insert of that
        moment is to be repeated.
        """
        seconds = int(time.monotonic() - began) + 2
        parts = link.run(_FRESH_PARTS, "TSV", {"seconds": str(seconds)}).body.decode().splitlines()
        for database, table, name, path, size in (part.split("\t") for part in parts):
            if _bytes_in(Path(path)) < int(size):
                with self._dropping:
                    self._dropped_at = time.monotonic()
                    logger.error("a part of %s.%s was cut short by a failed write and is dropped", database, table)
                    self.free_reserve()
                    link.run(f"ALTER TABLE `{database}`.`{table}` DROP PART '{name}'")
        if self._dropped_at > began:
            raise EngineError(NO_SPACE, "the disk did not take what was inserted; insert it again (NOT_ENOUGH_SPACE)")


def file_size_limit() -> int | None:
    """The largest file this process may write, in bytes, once it has lifted what it may; None when there is none."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    return None if hard == resource.RLIM_INFINITY else hard


def _bytes_in(part: Path) -> float:
    try:
        files = (file for file in part.rglob("*.*") if file.name not in _UNCOUNTED and file.is_file())
        return sum(file.stat().st_size for file in files)
    except FileNotFoundError:
        return float("inf")  # merged and removed meanwhile: its rows were read, so they were there
