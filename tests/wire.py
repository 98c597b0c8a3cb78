"""Kafka's record batches byte by byte, and the request that takes one to a broker: what no client library would send.

The format is Kafka's message format 2 (kafka.apache.org, "Messages"); the request is Produce, version 7.
"""

import gzip
import socket
import ssl
import struct
import time

import lz4.frame
import zstandard

MIB = 1024 * 1024

_TABLE = []
for _byte in range(256):
    _value = _byte
    for _ in range(8):
        _value = (_value >> 1) ^ (0x82F63B78 if _value & 1 else 0)
    _TABLE.append(_value)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(number):
    """A number as Kafka writes it in records."""
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(0x80 | number & 0x7F)
        number >>= 7
    out.append(number)
    return bytes(out)


def sized(data):
    return varint(-1) if data is None else varint(len(data)) + data


def record(delta, key=None, value=b"", headers=(), timestamp=0):
    """One record; `delta` is its offset in the batch, header names and everything else are bytes or None."""
    body = b"\0" + varint(timestamp) + varint(delta) + sized(key) + sized(value) + varint(len(headers))
    body += b"".join(sized(name) + sized(content) for name, content in headers)
    return varint(len(body)) + body


PACK = {
    None: (0, bytes),
    "snappy": (2, bytes),  # packed already
    "gzip": (1, lambda raw: gzip.compress(raw, 1)),
    "lz4": (3, lambda raw: lz4.frame.compress(raw, block_linked=False)),
    "zstd": (4, zstandard.compress),
    "marker": (0x30, bytes),  # no codec: what a coordinator writes, in a transaction
}


def batch(records, codec=None, *, payload=None, count=None, timestamp=None):
    """Records in a batch; with a `payload` of one's own (already packed) `count` says how many it holds."""
    # Now, unless it is said: what is older than a topic keeps goes within a minute.
    timestamp = time.time_ns() // 1_000_000 if timestamp is None else timestamp
    number, pack = PACK[codec]
    count = len(records) if count is None else count
    packed = pack(b"".join(records)) if payload is None else payload
    head = struct.pack(">hiqqqhii", number, count - 1, timestamp, timestamp, -1, -1, -1, count)
    body = struct.pack(">ibI", -1, 2, crc32c(head + packed)) + head + packed
    return struct.pack(">qi", 0, len(body)) + body


def marker():
    """A transaction's end, committed: it takes an offset, and no client hands it out."""
    return batch([record(0, struct.pack(">hh", 0, 1), struct.pack(">hi", 0, 0))], "marker")


def bomb(count, size=130 * MIB, at=0):
    """`count` records in one batch, zstd: the one at `at` has a value of so many blanks, its neighbours a letter."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    before = b"".join(record(delta, b"key", b"v") for delta in range(at))
    behind = b"".join(record(delta, b"key", b"v") for delta in range(at + 1, count))
    start = bytes(2) + varint(at) + sized(b"key") + varint(size)
    packed = packer.compress(before + varint(len(start) + size + 1) + start)
    for _ in range(size // MIB):
        packed += packer.compress(b" " * MIB)
    packed += packer.compress(varint(0) + behind) + packer.flush()
    return batch([], "zstd", payload=packed, count=count)


def _string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


def _connected(host, port, security):
    connection = socket.create_connection((host, port), 60)
    if not security:
        return connection
    context = ssl.create_default_context(cafile=security["ssl.ca.location"])
    context.load_cert_chain(security["ssl.certificate.location"], security["ssl.key.location"])
    return context.wrap_socket(connection, server_hostname=host)


def produce(address, topic, partition, data, security=None):
    """Send one batch; the broker's error code (0: it was taken), and the offset it gave.

    `security` are librdkafka settings of a client with a certificate, none for plaintext.
    """
    body = _string(None) + struct.pack(">hii", -1, 30_000, 1) + _string(topic)
    body += struct.pack(">iii", 1, partition, len(data)) + data
    request = struct.pack(">hhi", 0, 7, 1) + _string("wire") + body
    host, port = address.split(":")
    with _connected(host, int(port), security or {}) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        text = answer.read(size)
    at = 4 + 4 + 2 + len(topic) + 4 + 4
    return struct.unpack(">hq", text[at : at + 10])
