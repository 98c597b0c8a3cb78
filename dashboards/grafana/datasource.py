"""The warehouse as a data source: read from a file of Grafana's provisioning, for a Grafana that has no such files."""

import re
from pathlib import Path
from typing import Any

import yaml

from dashboards.grafana.names import DATASOURCE_TYPE, DATASOURCE_UID
from schemas.problem import Problem

_FILE = re.compile(r"\$__file\{([^}]*)\}")


def read(path: Path) -> dict[str, Any]:
    """The data source of a file, as the HTTP API takes it; what `$__file{…}` names is read here. Problem, OSError."""
    try:
        written = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise Problem(f"--datasource: {_EXPECTED}") from None
    rows = written.get("datasources") if isinstance(written, dict) else None
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if len(found) != 1 or found[0].get("type") != DATASOURCE_TYPE or found[0].get("uid") != DATASOURCE_UID:
        raise Problem(f"--datasource: {_EXPECTED}")
    row = found[0]
    if not isinstance(row.get("jsonData"), dict) or not isinstance(row.get("name"), str):
        raise Problem("--datasource: expected a name and jsonData in the data source")
    secure = row.get("secureJsonData") or {}
    if not isinstance(secure, dict) or not isinstance(secure.get("password"), str):
        raise Problem("--datasource: expected the reader's password in secureJsonData, as $__file{path}")
    return {
        "name": row["name"],
        "uid": DATASOURCE_UID,
        "type": DATASOURCE_TYPE,
        "access": "proxy",
        "jsonData": row["jsonData"],
        "secureJsonData": {name: _FILE.sub(_contents, str(value)) for name, value in secure.items()},
    }


_EXPECTED = (
    f"expected a file of Grafana's provisioning with one data source, of type {DATASOURCE_TYPE} and uid "
    f"{DATASOURCE_UID}, as deploy/compose/grafana/datasources.yaml"
)


def _contents(found: re.Match[str]) -> str:
    return Path(found[1]).read_text("utf-8").strip()
