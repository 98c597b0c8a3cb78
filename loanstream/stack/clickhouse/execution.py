"""What one request does on its link."""

import json
import re
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Final

from loanstream.stack.clickhouse import native
from loanstream.stack.clickhouse.auth import Account
from loanstream.stack.clickhouse.disk import Disk
from loanstream.stack.clickhouse.engine import Engine
from loanstream.stack.clickhouse.errors import NOT_IMPLEMENTED, READONLY, SYNTAX_ERROR, TOO_MANY_ROWS, EngineError
from loanstream.stack.clickhouse.link import Answer, Link, quoted
from loanstream.stack.clickhouse.requests import Request
from loanstream.stack.clickhouse.statement import in_format, without_format

# Formats whose blocks, encoded one by one, join to the whole answer.
_JOINING: Final = frozenset(
    {"Native", "RowBinary", "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "CSV", "JSONEachRow", "JSONLines"}
    | {"JSONCompactEachRow", "NDJSON", "Values"}
)
# On one machine, a batch of rows is faster and cheaper on one thread; it is acknowledged when it is on disk.
_INSERT_SETTINGS: Final = {"async_insert": "0", "max_threads": "1"}
# Native's columns without what stands around them: native.py writes that.
_BUFFERS: Final = "Buffers"
_NAMED: Final = "JSONCompactEachRowWithNamesAndTypes"
_SELECT: Final = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(SELECT|WITH|FROM)\b", re.IGNORECASE | re.DOTALL)
# An engine that cannot be opened again is worse than a statement refused.
_BREAKS_THE_DIRECTORY: Final = re.compile(r"\bENGINE\s*=?\s*['\"`]?(Kafka|RabbitMQ|NATS)\b", re.IGNORECASE)


def reads(link: Link, request: Request, account: Account, engine: Engine) -> bool:
    """Whether the statement only reads. Raises EngineError for one the account may not run, or for several."""
    only_reads, count = link.statements(request.sql)
    if count > 1:
        raise EngineError(SYNTAX_ERROR, "only one statement a request is allowed (SYNTAX_ERROR)")
    if not only_reads and (account.reads_only or request.method in ("GET", "HEAD")):
        raise EngineError(READONLY, "this account or method may only read (READONLY)")
    if account.reads_only:
        engine.refuse_reaching_out(link.functions(request.sql, request.params))
    elif not only_reads and not request.insert and _BREAKS_THE_DIRECTORY.search(request.sql):
        raise EngineError(NOT_IMPLEMENTED, "this table engine needs a server (NOT_IMPLEMENTED)")
    return only_reads


def answers(
    link: Link, request: Request, account: Account, only_reads: bool, disk: Disk
) -> Generator[Answer, None, None]:
    """Run the statement: one answer, or one per block where the client takes the result as it comes.

    The first step raises what is wrong with the statement; a later one what happened on the way (EngineError).
    """
    defaults = _INSERT_SETTINGS if request.insert else native.settings(request.revision)
    settings = {**defaults, **account.settings(request.settings), "log_comment": request.query_id}
    link.run(f"USE {_identifier(request.database)}")
    link.set(settings)
    began = time.monotonic()
    try:
        if request.insert:
            disk.hold_reserve()
            data = memoryview(request.body)[request.insert.data_start :]
            answer = link.insert(request.insert.statement, request.insert.tail, data, request.params)
            disk.verify(link, began)
            yield answer
        elif only_reads and request.result_format == "Native":
            yield from _native(link, request)
        elif streams(request, only_reads):
            yield from link.blocks(request.sql, request.result_format, request.params)
        else:
            run = _told if request.result_format == "Native" else _run
            answer = run(link, request)
            if answer.written_rows:
                disk.verify(link, began)
            yield answer
    finally:
        if not account.reads_only:  # a reader's link is used once, and cannot be set any more
            link.reset(tuple(settings))


def streams(request: Request, only_reads: bool) -> bool:
    """Whether the result goes out block by block."""
    return _selects(request, only_reads) and not request.waits and request.result_format in _JOINING


def _selects(request: Request, only_reads: bool) -> bool:
    return only_reads and _SELECT.match(request.sql) is not None


def _run(link: Link, request: Request) -> Answer:
    return link.run(request.sql, request.result_format, request.params)


def _told(link: Link, request: Request) -> Answer:
    """What a statement that changes something tells (BACKUP its id), in the client's dialect of Native.

    It is run once, in a format that names columns and types; the engine then reads those rows as a question's answer.
    Most statements tell nothing, and that is an empty body in every dialect.
    """
    answer = link.run(in_format(request.sql, _NAMED), _NAMED, request.params)
    if not answer.body:
        return answer
    names, kinds, rows = answer.body.decode("utf-8", "replace").split("\n", 2)
    columns = [native.Column(name, kind) for name, kind in zip(json.loads(names), json.loads(kinds), strict=True)]
    structure = ", ".join(f"{_identifier(column.name)} {column.type}" for column in columns)
    reread = f"SELECT * FROM format(JSONCompactEachRow, {quoted(structure)}, {quoted(rows)})"  # noqa: S608 - quoted
    dialect = native.Dialect(columns, request.revision)
    return replace(answer, body=dialect.blocks(link.run(reread, _BUFFERS).body) or dialect.empty())


def _native(link: Link, request: Request) -> Iterator[Answer]:
    """A result in the client's dialect of Native; without rows, one block that has the columns."""
    dialect = native.Dialect(_columns(link, request), request.revision)
    sql, found = in_format(request.sql, _BUFFERS), False
    if streams(request, only_reads=True):
        answers = link.blocks(sql, _BUFFERS, request.params)
    else:
        answers = iter((link.run(sql, _BUFFERS, request.params),))
    for answer in answers:
        if answer.body:
            found = True
            yield replace(answer, body=dialect.blocks(answer.body))
    if not found:
        yield Answer(dialect.empty())


def _columns(link: Link, request: Request) -> list[native.Column]:
    """The columns of a result: Native has their names and types, which Buffers leaves out."""
    sql = without_format(request.sql)
    if _selects(request, only_reads=True):
        try:
            # On lines of their own: the statement may end in a comment.
            described = link.run(f"DESCRIBE (\n{sql}\n)", "JSONCompact", request.params)
            return [native.Column.described(name, kind) for name, kind, *_ in json.loads(described.body)["data"]]
        except EngineError as error:
            if error.code != TOO_MANY_ROWS:  # a limit for the rows, which the columns here are not
                raise
    # What SHOW, EXISTS and the like answer with cannot be described; they are short, so they are run once more.
    meta = json.loads(link.run(sql, "JSONCompact", request.params).body)["meta"]
    return [native.Column(column["name"], column["type"]) for column in meta]


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
