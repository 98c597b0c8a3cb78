"""The document store: documents by tenant and content hash, encrypted."""

import hashlib

from stores.documents.blobs import Blobs
from stores.documents.sealing import DamagedObjectError, Keys, key_of, seal, unseal


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
