"""What was read from documents, beside them in the document store and encrypted like them."""

import hashlib
import logging
from typing import NamedTuple

from pydantic import ValidationError

from schemas.application import DocumentRef
from schemas.verification import Extraction
from stores.documents.blobs import Blobs
from stores.documents.sealing import DamagedObjectError, Keys, key_of, seal, unseal

_DECLARED_DIGITS = 16
_log = logging.getLogger(__name__)


class ReaderId(NamedTuple):
    """A reader's name (`text`), and its version (hex digits): another one whenever it may find something else.

    An extraction says the name alone. The version is no part of what was found: an application that is sent again after
    the reader was rewritten is decided the same where the same was read.
    """

    name: str
    version: str


class ExtractionStore:
    """What a reader made of a document, so that nothing is read, or paid, twice.

    The key is (tenant, sha256, kind, media type, size, reader, version): each says something about one document as its
    sender declared it, and nothing about what another reader, or a mended one, will find in it. What lies under the
    key of an earlier version is not found any more: the document is read anew.

    The object is `<tenant>/<sha256>.<kind>-<reader>-<version>-<hash of media type and size>`.
    Both calls raise as those of `DocumentStore` do.
    """

    def __init__(self, blobs: Blobs, keys: Keys) -> None:
        self._blobs = blobs
        self._keys = keys

    def put(self, tenant: str, ref: DocumentRef, reader: ReaderId, extraction: Extraction) -> None:
        """Store a final extraction; one that is `unavailable` is not its reader's last word and is left out."""
        if extraction.status == "unavailable":
            return
        name = _name(tenant, ref, reader)
        data = extraction.model_dump_json().encode()
        self._blobs.put(name, seal(key_of(self._keys, tenant), name, data))

    def get(self, tenant: str, ref: DocumentRef, reader: ReaderId) -> Extraction | None:
        """What this reader made of it, None where it has to read the document (again)."""
        name = _name(tenant, ref, reader)
        blob = self._blobs.get(name)
        if blob is None:
            return None
        try:
            return Extraction.model_validate_json(unseal(key_of(self._keys, tenant), name, blob))
        except (DamagedObjectError, ValidationError) as error:
            _log.warning("stored extraction is read anew: %s", type(error).__name__)
            return None


def _name(tenant: str, ref: DocumentRef, reader: ReaderId) -> str:
    # No part holds a hyphen, so no two keys share a name.
    declared = hashlib.sha256(f"{ref.media_type} {ref.size}".encode()).hexdigest()[:_DECLARED_DIGITS]
    return f"{tenant}/{ref.sha256}.{ref.kind}-{reader.name}-{reader.version}-{declared}"
