"""Bytes as text: by their mark, by the noughts of UTF-16, as UTF-8, else as Windows-1252."""

import codecs

from training.data import DataError

MARKS: tuple[tuple[bytes, str, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
"""Byte order mark -> codec, and its name for people. That of UTF-32 begins with that of UTF-16: it comes first."""

BINARY: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
)
"""First bytes of what is no text."""

SAMPLE = 4_096


def decoded(data: bytes, source: str) -> tuple[str, str]:
    """The text, and the encoding it was read in.

    Raises DataError for what is no text.

    >>> decoded("größe".encode("utf-16"), "a.csv"), decoded("größe".encode("cp1252"), "a.csv")
    (('größe', 'UTF-16'), ('größe', 'Windows-1252'))
    """
    for start, what in BINARY:
        if data.startswith(start):
            raise DataError(f"{source} is {what}; expected text: a CSV, or an ARFF file")
    for mark, codec, name in MARKS:
        if data.startswith(mark):
            return _strict(data, codec, name, source), name
    if (unmarked := _unmarked_utf16(data)) is not None:
        return _strict(data, unmarked, "UTF-16", source), "UTF-16"
    if b"\0" in data:
        raise DataError(f"{source} holds bytes that no text has; expected a CSV, or an ARFF file")
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "Windows-1252"


def _strict(data: bytes, codec: str, name: str, source: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise DataError(f"{source} begins as {name} and is none from byte {error.start} on") from error


def _unmarked_utf16(data: bytes) -> str | None:
    """Of text in Western letters every other byte is nought."""
    head = data[:SAMPLE]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if min(even, odd) == 0 and max(even, odd) > len(head) // 4:
        return "utf-16-le" if odd else "utf-16-be"
    return None
