"""The document store: documents by tenant and content hash, encrypted; and what was read from them, beside them."""

import hashlib
import logging

from pydantic import ValidationError

from schemas.verification import Extraction
from stores.documents.blobs import Blobs
from stores.documents.sealing import DamagedObjectError, Keys, key_of, seal, unseal

_log = logging.getLogger(__name__)


class DocumentStore:
    """Documents as `<tenant>/<sha256>`, each under its tenant's key.

    A hash that only another tenant has is absent. Every call raises `StoreDownError` (wait) and ValueError for an
    impossible name; `put` and `get` also `UnknownKeyError` (a tenant without a key). They block: from a coroutine, call
    them in a thread.
    """

    def __init__(self, blobs: Blobs, keys: Keys) -> None:
        self._blobs = blobs
        self._keys = keys

    def put(self, tenant: str, data: bytes) -> str:
        """Store a document and return its SHA-256 in hex. Storing it again changes nothing, and heals a damaged one."""
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{tenant}/{sha256}"
        self._blobs.put(name, seal(key_of(self._keys, tenant), name, data))
        return sha256

    def get(self, tenant: str, sha256: str) -> bytes | None:
        """The document, None where this tenant has none. Raises `DamagedObjectError` where the object is not it."""
        name = f"{tenant}/{sha256}"
        blob = self._blobs.get(name)
        if blob is None:
            return None
        data = unseal(key_of(self._keys, tenant), name, blob)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedObjectError(name)
        return data

    def size(self, tenant: str, sha256: str) -> int | None:
        """Bytes of the sealed object, None where this tenant has none: a few more than the document's, if it is whole.

        For refusing what is too large before it is loaded.
        """
        return self._blobs.size(f"{tenant}/{sha256}")


class ExtractionStore:
    """What a reader made of a document, so that nothing is read, or paid, twice; encrypted like the document itself.

    The key is (tenant, sha256, kind, reader version): one file may be submitted as two kinds.
    """

    def __init__(self, blobs: Blobs, keys: Keys, reader_version: str) -> None:
        self._blobs = blobs
        self._keys = keys
        self._version = reader_version

    def put(self, tenant: str, extraction: Extraction) -> None:
        """Store a final extraction; one that is `unavailable` is not the document's last word and is left out."""
        if extraction.status == "unavailable":
            return
        name = self._name(tenant, extraction.sha256, extraction.kind)
        data = extraction.model_dump_json().encode()
        self._blobs.put(name, seal(key_of(self._keys, tenant), name, data))

    def get(self, tenant: str, sha256: str, kind: str) -> Extraction | None:
        """The extraction, None where the document has to be read (again)."""
        name = self._name(tenant, sha256, kind)
        blob = self._blobs.get(name)
        if blob is None:
            return None
        try:
            return Extraction.model_validate_json(unseal(key_of(self._keys, tenant), name, blob))
        except (DamagedObjectError, ValidationError) as error:
            _log.warning("stored extraction is read anew: %s", type(error).__name__)
            return None

    def _name(self, tenant: str, sha256: str, kind: str) -> str:
        return f"{tenant}/{sha256}.{kind}-{self._version}"
