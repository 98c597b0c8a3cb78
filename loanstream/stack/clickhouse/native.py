"""ClickHouse's Native format, as far as the engine leaves it out: the columns of a result without rows."""

from collections.abc import Iterable


def empty_block(columns: Iterable[tuple[str, str]]) -> bytes:
    r"""A block of no rows with these columns (name, type), which a server sends for an empty result.

    >>> empty_block([("term", "UInt8")])
    b'\x01\x00\x04term\x05UInt8'
    """
    described = [_text(name) + _text(kind) for name, kind in columns]
    return _number(len(described)) + _number(0) + b"".join(described)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _number(len(encoded)) + encoded


def _number(value: int) -> bytes:
    """LEB128: seven bits a byte, the high bit says that more follow."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _number(rest) if rest else bytes([low])
