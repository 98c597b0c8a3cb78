"""ClickHouse's Native format in the dialect that a client asks for with `client_protocol_version`.

The engine writes the oldest dialect alone, in which clickhouse-go cannot read a result and a DateTime loses its zone.
So a result is taken in the engine's format Buffers: per block two counts, then each column's bytes, exactly as Native
holds them, behind their length. What Native puts around those bytes is written here, as a server of that revision does:

    [block info] columns rows (name type [custom serialization: no] bytes) for each column

Nothing inside a column is looked at, so columns of every type pass, but for the one that no client can read.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from loanstream.stack.clickhouse.errors import NOT_IMPLEMENTED, EngineError

# The first revision of ClickHouse's protocol that has each of these (DBMS_MIN_REVISION_WITH_..., ProtocolDefines.h).
_BLOCK_INFO: Final = 51903
_ZONE_OF_DATETIME: Final = 54337
_CUSTOM_SERIALIZATION: Final = 54454

_FLAT: Final = {"output_format_native_use_flattened_dynamic_and_json_serialization": "1"}

# Field 1: no overflow rows; field 2: bucket -1, none; 0: the end.
_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_COUNTS: Final = struct.Struct("<QQ")
_LENGTH: Final = struct.Struct("<Q")
# DESCRIBE writes a tuple's elements on lines of their own; line ends inside quotes are escaped.
_NEXT_LINE: Final = re.compile(r"(,?)\n *")
_PLAIN_NAME: Final = re.compile(r"\w{1,60}")
_STATE: Final = re.compile(r"(?<!Simple)AggregateFunction\(")
_ZONE: Final = re.compile(r"\bDateTime\('[^']*'\)")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its name, and its type in one line."""

    name: str
    type: str

    @classmethod
    def described(cls, name: str, kind: str) -> "Column":
        r"""A column as DESCRIBE tells it.

        >>> Column.described("income", "Tuple(\n    net Float64,\n    month Date)").type
        'Tuple(net Float64, month Date)'
        """
        return cls(name, _NEXT_LINE.sub(lambda found: ", " if found.group(1) else "", kind))


class Dialect:
    r"""The Native format of one result. Raises EngineError (48) for a column that clients of the revision cannot read.

    >>> Dialect([Column("term", "UInt8")], 0).empty()
    b'\x01\x00\x04term\x05UInt8'
    >>> Dialect([Column("term", "UInt8")], 54460).empty()
    b'\x01\x00\x02\xff\xff\xff\xff\x00\x01\x00\x04term\x05UInt8\x00'
    """

    def __init__(self, columns: Sequence[Column], revision: int) -> None:
        if revision >= _CUSTOM_SERIALIZATION:
            _refuse_states(columns)
        self._info = _INFO if revision >= _BLOCK_INFO else b""
        self._heads = [_head(column, revision) for column in columns]

    def empty(self) -> bytes:
        """A block of no rows, which a server sends for an empty result, so that clients see the columns."""
        return b"".join((self._info, _number(len(self._heads)), _number(0), *self._heads))

    def blocks(self, buffers: bytes) -> bytes:
        """The engine's blocks in Buffers, written in Native. Raises ValueError when they are not whole."""
        return b"".join(piece for block in _blocks(buffers) for piece in self._block(*block))

    def _block(self, rows: int, columns: Sequence[memoryview]) -> Iterator[bytes | memoryview]:
        yield self._info + _number(len(columns)) + _number(rows)
        for head, content in zip(self._heads, columns, strict=True):
            yield head
            yield content


def settings(revision: int) -> dict[str, str]:
    """What the engine is to be told before it writes for a client of this revision.

    In no other way clickhouse-go reads JSON with more paths than its type has columns for.
    """
    return _FLAT if revision >= _CUSTOM_SERIALIZATION else {}


def _blocks(buffers: bytes) -> Iterator[tuple[int, list[memoryview]]]:
    """Rows and columns of each block in Buffers."""
    whole, at = memoryview(buffers), 0
    while at < len(whole):
        columns, rows = _COUNTS.unpack_from(whole, at)
        at += _COUNTS.size
        found = []
        for _ in range(columns):
            start = at + _LENGTH.size
            at = start + _LENGTH.unpack_from(whole, at)[0]
            found.append(whole[start:at])
        yield rows, found
    if at != len(whole):
        raise ValueError("the engine's blocks are cut off")


def _refuse_states(columns: Sequence[Column]) -> None:
    """A client that asks for so late a revision knows the type, and says no more than that when it comes."""
    for place, column in enumerate(columns, 1):
        if _STATE.search(column.type):
            # A name that is an expression may hold a value.
            name = f" `{column.name}`" if _PLAIN_NAME.fullmatch(column.name) else ""
            raise EngineError(
                NOT_IMPLEMENTED,
                f"column {place}{name} is the state of an aggregate function, which this client cannot read; "
                "select finalizeAggregation() of it (NOT_IMPLEMENTED)",
            )


def _head(column: Column, revision: int) -> bytes:
    kind = column.type if revision >= _ZONE_OF_DATETIME else _ZONE.sub("DateTime", column.type)
    return _text(column.name) + _text(kind) + (b"\0" if revision >= _CUSTOM_SERIALIZATION else b"")


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _number(len(encoded)) + encoded


def _number(value: int) -> bytes:
    """LEB128: seven bits a byte, the high bit says that more follow."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _number(rest) if rest else bytes([low])
