"""Links to the engine: connections inside this process, each with settings and a database of its own."""

import contextlib
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from loanstream.stack.clickhouse.errors import EngineError, from_engine

# The engine's own module, below chdb's layers for data frames; it ships stubs that name nothing.
_chdb: Any = importlib.import_module("chdb._chdb")

_AST_FUNCTION: Final = re.compile(r"^ *Function (\S+)", re.MULTILINE)
_SETTING: Final = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """A result, or one block of it: bytes in the format asked for, and what it cost."""

    body: bytes
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed: float = 0.0


class Link:
    """One connection to the engine. It runs one statement at a time; different links run side by side."""

    def __init__(self, address: str) -> None:
        with _translated():
            self._link = _chdb.connect(address)

    def run(self, sql: str, result_format: str = "Null", params: Mapping[str, str] | None = None) -> Answer:
        """Run one statement to its end. Raises EngineError."""
        try:
            with _translated():
                return _answer(self._link.query(sql, result_format, params=dict(params or {})))
        except EngineError:
            # The engine puts what the failed statement had written before the next one's answer.
            with contextlib.suppress(RuntimeError):
                self._link.query("SELECT 1", "Null")
            raise

    def blocks(self, sql: str, result_format: str, params: Mapping[str, str]) -> Iterator[Answer]:
        """Run a SELECT, one answer per block, only as fast as they are taken. Raises EngineError at any block."""
        with _translated():
            stream = self._link.send_query(sql, result_format, params=dict(params))
        try:
            while True:
                with _translated():
                    block = _answer(self._link.streaming_fetch_result(stream))
                if not block.result_rows:
                    return
                yield block
        finally:
            self._link.streaming_cancel_query(stream)

    def insert(self, statement: str, tail: str, data: memoryview, params: Mapping[str, str]) -> Answer:
        """INSERT data as one file: the only way in on which the engine reports every failure. Raises EngineError."""
        descriptor = os.memfd_create("insert")
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(data)
            infile = f"FROM INFILE '/proc/self/fd/{descriptor}' COMPRESSION 'none'"
            return self.run(f"{statement}\n{infile} {tail}", params=params)
        except OSError as error:
            raise EngineError(243, f"cannot hold the insert: {error.strerror} (NOT_ENOUGH_SPACE)") from error
        finally:
            os.close(descriptor)

    def statements(self, sql: str) -> tuple[bool, int]:
        """Whether the SQL only reads, and how many statements it holds."""
        with _translated():
            found = self._link.classify_query(sql)
        return found["query_class"] == _chdb.query_class.READ_ONLY, int(found["statement_count"])

    def functions(self, sql: str, params: Mapping[str, str]) -> frozenset[str]:
        """The functions, in lower case, that the engine's own parser finds in a statement. Raises EngineError."""
        tree = self.run(f"EXPLAIN AST {sql}", "TSVRaw", params).body.decode()
        return frozenset(name.lower() for name in _AST_FUNCTION.findall(tree))

    def set(self, settings: Mapping[str, str]) -> None:
        """Apply settings to this link. Raises EngineError (115) for one the engine does not know."""
        for name in settings:
            if not _SETTING.fullmatch(name):
                raise EngineError(115, "a setting's name is not a name (UNKNOWN_SETTING)")
        if settings:
            self.run("SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items()))

    def reset(self, names: tuple[str, ...]) -> None:
        """Give settings their defaults again."""
        if names:
            self.run("SET " + ", ".join(f"{name} = DEFAULT" for name in names))

    def close(self) -> None:
        """Give the link back; its settings and temporary tables are gone."""
        self._link.close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        # `from None`: the engine's own words may quote data, and a traceback would print them.
        raise from_engine(str(error)) from None


def _answer(result: Any) -> Answer:
    return Answer(
        body=result.bytes(),
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
        elapsed=result.elapsed(),
    )


def quoted(value: str) -> str:
    """A string literal of ClickHouse's SQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
