"""Compression of request and answer bodies: gzip, deflate, zstd and lz4 frames."""

import zlib
from collections.abc import Callable
from typing import Any, Final

import lz4.frame
import zstandard

from loanstream.stack.clickhouse.errors import BAD_ENCODING, NOT_IMPLEMENTED, EngineError

_DECODERS: Final[dict[str, Callable[[], Any]]] = {
    "gzip": lambda: zlib.decompressobj(31),
    "deflate": zlib.decompressobj,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "lz4": lz4.frame.LZ4FrameDecompressor,
}
# In our order of preference.
_ENCODERS: Final[dict[str, Callable[[], Any]]] = {
    "lz4": lz4.frame.LZ4FrameCompressor,
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: zlib.compressobj(1, wbits=31),
    "deflate": lambda: zlib.compressobj(1),
}


class Decoder:
    """Undoes a Content-Encoding piece by piece; a body may be several frames one after the other.

    Raises EngineError for an encoding we do not know and for bytes that are not of it.
    """

    def __init__(self, encoding: str) -> None:
        if encoding and encoding not in _DECODERS:
            raise EngineError(NOT_IMPLEMENTED, "the request's Content-Encoding is unknown (NOT_IMPLEMENTED)")
        self._fresh = _DECODERS.get(encoding)
        self._frame: Any = None

    def feed(self, piece: bytes) -> bytes:
        """The decoded bytes of one more piece."""
        if self._fresh is None:
            return piece
        decoded = bytearray()
        while piece:
            self._frame = self._frame or self._fresh()
            try:
                decoded += self._frame.decompress(piece)
            except (zlib.error, zstandard.ZstdError, RuntimeError, EOFError) as error:
                raise EngineError(
                    BAD_ENCODING, "the body is not of its Content-Encoding (CANNOT_DECOMPRESS)"
                ) from error
            if not self._frame.eof:
                break
            piece, self._frame = self._frame.unused_data or b"", None
        return bytes(decoded)

    def finish(self) -> None:
        """Raise EngineError when the body ends inside a frame."""
        if self._frame is not None:
            raise EngineError(BAD_ENCODING, "the compressed body is cut off (CANNOT_DECOMPRESS)")


class Encoder:
    """Compresses an answer piece by piece; without an encoding it hands the bytes through."""

    def __init__(self, encoding: str) -> None:
        self._codec: Any = None
        if encoding:
            self._codec = _ENCODERS[encoding]()
        self._begin: bytes = self._codec.begin() if encoding == "lz4" else b""

    def feed(self, piece: bytes) -> bytes:
        """The encoded bytes that are ready after one more piece."""
        if self._codec is None:
            return piece
        begin, self._begin = self._begin, b""
        return begin + bytes(self._codec.compress(piece))

    def finish(self) -> bytes:
        """What is left at the end."""
        return b"" if self._codec is None else self._begin + bytes(self._codec.flush())


def accepted(accept_encoding: str) -> str:
    """The encoding for an answer to this Accept-Encoding header; empty for none.

    >>> accepted("br, gzip;q=0.8")
    'gzip'
    """
    offered = {part.split(";")[0].strip() for part in accept_encoding.split(",")}
    return next((name for name in _ENCODERS if name in offered), "")
