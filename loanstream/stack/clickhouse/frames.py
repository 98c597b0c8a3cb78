"""ClickHouse's own compression (`compress=1`, `decompress=1`): frames with a CityHash128, as its JDBC driver asks for.

A frame: 16 bytes of checksum; a byte that names the method; its own size with these nine bytes, and the size unpacked,
both as 32 bits little-endian; the packed bytes. The checksum is of all behind it.
"""

import struct
from collections.abc import Callable
from typing import Final

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

from loanstream.stack.clickhouse.errors import BAD_ENCODING, EngineError

BLOCK_BYTES: Final = 1 << 20
"""What one frame of an answer holds at most, unpacked."""
FRAME_MOST: Final = 256 << 20
"""What one frame of a request may hold, unpacked."""

_CHECKSUM: Final = 16
_HEAD: Final = struct.Struct("<BII")
_LZ4: Final = 0x82
_UNPACK: Final[dict[int, Callable[[bytes, int], bytes]]] = {
    0x02: lambda packed, _: packed,
    _LZ4: lambda packed, size: lz4.block.decompress(packed, uncompressed_size=size),
    0x90: lambda packed, size: zstandard.ZstdDecompressor().decompress(packed, max_output_size=size),
}


def checksum(data: bytes) -> bytes:
    """CityHash128, of the version that ClickHouse keeps, as frames carry it."""
    number = CityHash128(data)
    return struct.pack("<QQ", number >> 64, number & (1 << 64) - 1)


def packed(data: bytes) -> bytes:
    """The frames that hold `data`."""
    return b"".join(_frame(data[at : at + BLOCK_BYTES]) for at in range(0, len(data), BLOCK_BYTES))


def _frame(data: bytes) -> bytes:
    body: bytes = lz4.block.compress(data, store_size=False)
    behind = _HEAD.pack(_LZ4, len(body) + _HEAD.size, len(data)) + body
    return checksum(behind) + behind


def unpacked(data: bytes, most: int) -> bytes:
    """What the frames in `data` hold, `most` bytes at most.

    Raises EngineError for bytes that are no frames, a checksum that is wrong, and for more than `most`.
    """
    found = bytearray()
    while data:
        if len(data) < _CHECKSUM + _HEAD.size:
            raise _broken("the body is cut off in a frame's head")
        method, size, unpacked_size = _HEAD.unpack_from(data, _CHECKSUM)
        end = _CHECKSUM + size
        if size < _HEAD.size or len(data) < end:
            raise _broken("a frame is cut off, or its size is none")
        if data[:_CHECKSUM] != checksum(data[_CHECKSUM:end]):
            raise _broken("a frame's checksum is wrong")
        if method not in _UNPACK or unpacked_size > min(FRAME_MOST, most - len(found)):
            raise _broken("a frame's method is unknown, or it unpacks to too much")
        try:
            found += _UNPACK[method](data[_CHECKSUM + _HEAD.size : end], unpacked_size)
        except (lz4.block.LZ4BlockError, zstandard.ZstdError, ValueError) as error:
            raise _broken("a frame cannot be unpacked") from error
        data = data[end:]
    return bytes(found)


def _broken(why: str) -> EngineError:
    return EngineError(BAD_ENCODING, f"{why} (CANNOT_DECOMPRESS)")
