"""Which reader read a document: its name, and a hash of all that decides what it reads."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

import pypdfium2 as pdfium

from processors.identity import sources_hash
from stores.documents.extractions import ReaderId

TEXT_SOURCES = (
    "processors/readers/text",
    "processors/readers/sandbox",
    "processors/readers/found.py",
    "processors/readers/reasons.py",
    # What an answer may hold: one that breaks its bounds is a reader that failed.
    "schemas/verification.py",
    "schemas/values.py",
)
"""What the text reader's answer follows from: parsers, the limits they run under, the codes and values they may say."""

_DIGITS = 12


@cache
def text_reader() -> ReaderId:
    """The reader of text layers, as it is now."""
    libraries = (str(pdfium.PYPDFIUM_INFO), str(pdfium.PDFIUM_INFO))
    return ReaderId("text", version_of({path: _source(path) for path in TEXT_SOURCES}, libraries))


def version_of(sources: Mapping[str, Traversable], libraries: Iterable[str]) -> str:
    """A reader's version: it is another one whenever a source or a library is."""
    return hashlib.sha256("\0".join((sources_hash(sources), *libraries)).encode()).hexdigest()[:_DIGITS]


def _source(path: str) -> Traversable:
    room, _, rest = path.partition("/")
    return resources.files(room).joinpath(rest)
