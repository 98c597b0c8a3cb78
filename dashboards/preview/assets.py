"""Our own style sheet and scripts, and plotly's, which comes with its Python package: never from elsewhere."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Final

from plotly.offline import get_plotlyjs

_TYPES: Final = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
PLOTLY: Final = "plotly.min.js"
_OWN_STYLE: Final = re.compile(r'if\(!document\.getElementById\("([0-9a-f]{64})"\)\)')


@dataclass(frozen=True)
class Asset:
    """A file that never changes under its address, which holds its hash."""

    name: str
    content: bytes

    @property
    def type(self) -> str:
        """Its media type."""
        return _TYPES[self.name.rpartition(".")[2]]

    @cached_property
    def compressed(self) -> bytes:
        """Gzip of the content; four megabytes of plotly become one."""
        return gzip.compress(self.content, 6, mtime=0)


class Assets:
    """Every file by name. The address of each holds the hash of all of ours, as modules name each other.

    `own_styles` are ids of style elements that plotly makes for its maps where a page has none of that id; a page that
    forbids inline styles has something else of that id.
    """

    def __init__(self) -> None:
        folder = files("dashboards.preview").joinpath("static")
        ours = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in _TYPES}
        plotly = get_plotlyjs().encode()
        self._assets = {name: Asset(name, content) for name, content in {**ours, PLOTLY: plotly}.items()}
        self.own_styles = tuple(_OWN_STYLE.findall(plotly.decode()))
        digest = hashlib.sha256()
        for name in sorted(self._assets):
            digest.update(name.encode() + b"\0" + self._assets[name].content)
        self.version = digest.hexdigest()[:16]

    def find(self, version: str, name: str) -> Asset | None:
        """The file of this version; None where there is none."""
        return self._assets.get(name) if version == self.version else None

    def compress(self) -> None:
        """Compress every file now, before a browser waits for one."""
        for asset in self._assets.values():
            _ = asset.compressed

    def address(self, name: str) -> str:
        """Where a page finds it. KeyError for a file that is not there."""
        return f"/assets/{self.version}/{self._assets[name].name}"


@cache
def assets() -> Assets:
    """The files of this process, read once."""
    return Assets()
