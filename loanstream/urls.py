"""file: URLs."""

from pathlib import Path
from urllib.parse import unquote, urlsplit


def path_of(url: str) -> Path:
    """The path of a file: URL.

    >>> path_of("file:///var/lib/a%20b").as_posix()
    '/var/lib/a b'
    """
    return Path(unquote(urlsplit(url).path))
