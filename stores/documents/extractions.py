"""What was read from documents, beside them in the document store and encrypted like them."""

import hashlib
import logging

from pydantic import ValidationError

from schemas.application import DocumentRef
from schemas.verification import Extraction
from stores.documents.blobs import Blobs
from stores.documents.sealing import DamagedObjectError, Keys, key_of, seal, unseal

_MEDIA_TYPE_DIGITS = 16
_log = logging.getLogger(__name__)


class ExtractionStore:
    """What a reader made of a document, so that nothing is read, or paid, twice.

    The key is (tenant, sha256, kind, media type, reader with its version): each says something about one document as
    its sender declared it, and nothing about what another reader, or a mended one, will find in it. What lies under the
    key of an earlier version is not found any more: the document is read anew.

    The object is `<tenant>/<sha256>.<kind>-<reader>-<hash of the media type>`, and `<reader>` is `text-1a2b3c4d5e6f`.
    Both calls raise as those of `DocumentStore` do.
    """

    def __init__(self, blobs: Blobs, keys: Keys) -> None:
        self._blobs = blobs
        self._keys = keys

    def put(self, tenant: str, ref: DocumentRef, extraction: Extraction) -> None:
        """Store a final extraction; one that is `unavailable` is not its reader's last word and is left out."""
        if extraction.status == "unavailable":
            return
        name = _name(tenant, ref, extraction.reader)
        data = extraction.model_dump_json().encode()
        self._blobs.put(name, seal(key_of(self._keys, tenant), name, data))

    def get(self, tenant: str, ref: DocumentRef, reader: str) -> Extraction | None:
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


def _name(tenant: str, ref: DocumentRef, reader: str) -> str:
    # A kind has no hyphen and the hash one length, so no two keys share a name.
    media_type = hashlib.sha256(ref.media_type.encode()).hexdigest()[:_MEDIA_TYPE_DIGITS]
    return f"{tenant}/{ref.sha256}.{ref.kind}-{reader}-{media_type}"
