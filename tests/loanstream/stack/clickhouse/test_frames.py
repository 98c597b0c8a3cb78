"""ClickHouse's own compression: what is packed comes back, and what is no frame is refused with a clear error."""

import random
import struct

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from loanstream.stack.clickhouse.errors import EngineError
from loanstream.stack.clickhouse.frames import BLOCK_BYTES, checksum, packed, unpacked

MOST = 1 << 24


def frame(method, body, size):
    behind = struct.pack("<BII", method, len(body) + 9, size) + body
    return checksum(behind) + behind


@given(st.binary(max_size=200))
def test_what_is_packed_comes_back(data):
    """Any bytes, none included."""
    assert unpacked(packed(data), MOST) == data


def test_a_large_answer_is_several_frames():
    """No frame holds more than a megabyte, so that a client need not."""
    data = random.Random(1).randbytes(3 * BLOCK_BYTES + 5)
    sizes = []
    rest = packed(data)
    while rest:
        _, size, unpacked_size = struct.unpack_from("<BII", rest, 16)
        sizes.append(unpacked_size)
        rest = rest[16 + size :]
    assert sizes == [BLOCK_BYTES] * 3 + [5]
    assert unpacked(packed(data), MOST) == data


def test_other_methods_of_clients_are_understood():
    """zstd and no compression at all are sent by some."""
    assert (
        unpacked(frame(0x90, zstandard.compress(b"abc" * 100), 300) + frame(0x02, b"def", 3), MOST)
        == b"abc" * 100 + b"def"
    )


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"INSERT", "cut off"),
        (packed(b"abc")[:-1], "cut off"),
        (b"\0" + packed(b"abc")[1:], "checksum"),
        (frame(0x77, b"abc", 3), "method"),
        (frame(0x82, b"\xff\xff\xff", 3), "cannot be unpacked"),
        (frame(0x82, b"abc", (1 << 32) - 1), "too much"),
        (frame(0x90, zstandard.compress(b"abc"), MOST + 1), "too much"),
        (checksum(b"\x82" + struct.pack("<II", 3, 3)) + b"\x82" + struct.pack("<II", 3, 3), "size is none"),
    ],
)
def test_what_is_no_frame_is_refused(bad, said):
    """A clear error, and never more memory than the limit."""
    with pytest.raises(EngineError, match=said):
        unpacked(bad, MOST)
