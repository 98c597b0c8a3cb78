"""The engine in this process: one data directory, many links."""

from typing import Final

from loanstream.stack.clickhouse.disk import Disk
from loanstream.stack.clickhouse.errors import READONLY, EngineError
from loanstream.stack.clickhouse.link import Link, quoted

DATABASE: Final = "loanstream"
# Table functions that reach nothing but their arguments and this warehouse's own tables.
_HARMLESS: Final = frozenset(
    {"format", "generaterandom", "generateseries", "generate_series", "merge", "null", "numbers", "numbers_mt"}
    | {"primes", "values", "view", "viewexplain", "zeros", "zeros_mt"}
)
# The scalar `file` reads a file even under readonly = 1; the functions of the category AI call out.
_REACHING_OUT: Final = """
SELECT arrayStringConcat(groupArray(name), ' ') FROM (
    SELECT lower(name) AS name FROM system.table_functions
    UNION ALL SELECT lower(name) FROM system.functions WHERE categories = 'AI' OR name = 'file')
"""


class Engine:
    """The one owner of a data directory, which no other process can open meanwhile."""

    def __init__(self, disk: Disk, memory_bytes: int) -> None:
        self._address = f"{disk.data}?config-file={disk.config}&max_server_memory_usage={memory_bytes}"
        self.disk = disk
        self._root = self.link()
        self._root.run(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        about = self._root.run("SELECT version(), timezone()", "TSVRaw").body.decode().split()
        self.version, self.timezone = about[0], about[1]
        names = self._root.run(_REACHING_OUT, "TSVRaw").body.decode().split()
        self._reaching_out = frozenset(names) - _HARMLESS

    def link(self) -> Link:
        """A fresh link; it costs half a millisecond."""
        return Link(self._address)

    def refuse_reaching_out(self, names: frozenset[str]) -> None:
        """Raise EngineError (164) when a function among `names` reads files, networks or other processes."""
        if not names.isdisjoint(self._reaching_out):
            raise EngineError(READONLY, "functions that reach outside the warehouse are refused (READONLY)")

    def kill(self, query_id: str) -> None:
        """Ask the engine to stop a statement; its own link then fails with code 394."""
        link = self.link()
        try:
            link.run(f"KILL QUERY WHERE Settings['log_comment'] = {quoted(query_id)} ASYNC")
        finally:
            link.close()
