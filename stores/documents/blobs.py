"""Where encrypted objects lie: a port with a file system behind it, and its twin in memory.

Names are `<tenant>/<object>`. Every call may block on a disk or a network mount: from a coroutine, call it in a thread.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from schemas.problem import Problem
from schemas.topics import TENANT_PATTERN
from stores.private_files import sync_directory, write_private

MARKER = ".loanstream-documents"
"""A file at the root. Without it the root is an empty mount point and not a store: absent is not the same as down."""

Seen = TypeVar("Seen")

_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}/[0-9a-f]{64}(?:\.[a-z0-9_-]{1,80})?")


class StoreDownError(Problem):
    """The store cannot be reached, or cannot take more: wait and try again. Says nothing about any object."""


class Blobs(Protocol):
    """Objects by name. Every call raises `StoreDownError`, and `ValueError` for an impossible name."""

    def put(self, name: str, blob: bytes) -> None:
        """Store under `name`, all or nothing, on disk when the call returns; what was there is replaced."""

    def get(self, name: str) -> bytes | None:
        """The object, None where there is none."""

    def size(self, name: str) -> int | None:
        """Bytes of the object, without reading it; None where there is none."""


def path_of(url: str) -> Path:
    """The path of a file: URL; ValueError for any other.

    >>> path_of("file:///var/lib/a%20b").as_posix()
    '/var/lib/a b'
    """
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc or not parts.path:
        raise ValueError(f"expected file:///DIRECTORY, found {parts.scheme or 'no'} scheme")
    return Path(unquote(parts.path))


def checked(name: str) -> str:
    """`name`, or ValueError: names are made of a tenant and a hash, never of what somebody typed."""
    if _NAME.fullmatch(name) is None:
        raise ValueError("an object's name is a tenant, a slash and a SHA-256")
    return name


def checked_tenant(tenant: str) -> str:
    """`tenant`, or ValueError: it is about to be a directory's name."""
    if re.fullmatch(TENANT_PATTERN, tenant) is None:
        raise ValueError(f"a tenant's name is {TENANT_PATTERN}")
    return tenant


class MemoryBlobs:
    """Objects in a dict; set `down` to make the store unreachable."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.down = False

    def put(self, name: str, blob: bytes) -> None:
        """See `Blobs.put`."""
        self._reach()
        self.objects[checked(name)] = blob

    def get(self, name: str) -> bytes | None:
        """See `Blobs.get`."""
        self._reach()
        return self.objects.get(checked(name))

    def size(self, name: str) -> int | None:
        """See `Blobs.size`."""
        blob = self.get(name)
        return None if blob is None else len(blob)

    def _reach(self) -> None:
        if self.down:
            raise StoreDownError("the store is down")


class FileBlobs:
    """Objects as files below `root`, which `create` made once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def create(cls, root: Path) -> "FileBlobs":
        """Make `root` a store (mode 0700, with the marker); an existing store stays as it is. Raises OSError."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        (root / MARKER).touch(mode=0o600)
        return cls(root)

    @classmethod
    def at(cls, url: str) -> "FileBlobs":
        """The store of a `file:///...` URL; raises ValueError for any other."""
        return cls(path_of(url))

    @property
    def url(self) -> str:
        """As `at` takes it."""
        return self.root.absolute().as_uri()

    def put(self, name: str, blob: bytes) -> None:
        """See `Blobs.put`."""
        path = self.root / checked(name)
        try:
            self._reach()
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(path, blob)
        except OSError as error:
            raise StoreDownError(f"the document store takes no writes: {error.strerror}") from error

    def get(self, name: str) -> bytes | None:
        """See `Blobs.get`."""
        return self._found(name, Path.read_bytes)

    def size(self, name: str) -> int | None:
        """See `Blobs.size`."""
        return self._found(name, lambda path: path.stat().st_size)

    def _found(self, name: str, look: Callable[[Path], Seen]) -> Seen | None:
        path = self.root / checked(name)
        try:
            with suppress(FileNotFoundError):
                return look(path)
            self._reach()
        except OSError as error:
            raise StoreDownError(f"the document store cannot be read: {error.strerror}") from error
        return None

    def count(self, tenant: str) -> int:
        """How many objects a tenant has. Raises `StoreDownError`."""
        try:
            self._reach()
            return sum(1 for path in (self.root / checked_tenant(tenant)).iterdir() if path.is_file())
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreDownError(f"the document store cannot be read: {error.strerror}") from error

    def clear(self, tenant: str) -> None:
        """Delete all objects of a tenant. Raises `StoreDownError`."""
        try:
            self._reach()
            shutil.rmtree(self.root / checked_tenant(tenant))
            sync_directory(self.root)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreDownError(f"the document store takes no deletions: {error.strerror}") from error

    def exists(self) -> bool:
        """Whether `create` made it. Raises `StoreDownError` where that cannot be seen."""
        try:
            self._reach()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreDownError(f"the document store cannot be reached: {error.strerror}") from error
        return True

    def try_write(self) -> None:
        """Write an object that has no name and is gone again. Raises `StoreDownError`."""
        try:
            self._reach()
            with tempfile.TemporaryFile(dir=self.root) as file:
                file.write(MARKER.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreDownError(f"the document store takes no writes: {error.strerror}") from error

    def _reach(self) -> None:
        (self.root / MARKER).stat()
