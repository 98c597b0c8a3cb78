"""The ways to a warehouse that there are here, from Grafana's recorded request to its plugin itself."""

import json
import os
import re
from pathlib import Path

from tests.grafana_backend.backend import PLUGIN_VARIABLE, SOURCE, go
from tests.grafana_backend.recorded import BY

PLUGIN = os.environ.get(PLUGIN_VARIABLE, "")
WAYS = ("recorded", *(["twin"] if go() else []), *(["plugin"] if PLUGIN else []))
_LIBRARIES = ("ClickHouse/clickhouse-go/v2", "grafana/sqlds/v5")


def said() -> str:
    """What they are, with their versions, and what is missing for the next one."""
    found = [f"the recorded request of {BY}"]
    if "twin" in WAYS:
        found.append(f"the plugin's libraries ({', '.join(map(_version, _LIBRARIES))}; macros of our own)")
    else:
        found.append("no library: Go is not installed")
    if PLUGIN:
        found.append(f"the plugin's executable, version {_of_plugin(Path(PLUGIN))}")
    else:
        found.append(f"no plugin: {PLUGIN_VARIABLE} names none")
    return "; ".join(found)


def _version(module: str) -> str:
    pinned = re.search(rf"{re.escape(module)} v(\S+)", (SOURCE / "go.mod").read_text("utf-8"))
    assert pinned, module
    return f"{module.split('/')[1]} {pinned[1]}"


def _of_plugin(executable: Path) -> str:
    """Grafana keeps the plugin's own description beside its executable."""
    described = executable.with_name("plugin.json")
    if not described.is_file():
        return "unknown, as no plugin.json stands beside it"
    return str(json.loads(described.read_text("utf-8"))["info"]["version"])
