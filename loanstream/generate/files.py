"""Files made from the code's own tables; `python -m loanstream.generate` writes them.

`--release` takes a new event version's schema into schemas/released/, the contract that later changes are held against;
it never touches one that is already there.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from dashboards.all import DASHBOARDS
from loanstream.generate.dashboards_page import dashboards_page
from loanstream.generate.reference import REFERENCE
from schemas.asyncapi import AUDIENCES, TOKEN_URL, Audience, asyncapi
from schemas.events import EVENTS, EventType
from schemas.jsonschema import file_name, json_schema

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = Path("schemas/examples")
GENERATED = Path("schemas/generated")
RELEASED = Path("schemas/released")
ALERT_RULES = Path("dashboards/grafana/alerting/rules.yaml")
REFERENCES = Path("docs/reference")
DASHBOARDS_JSON = Path("dashboards/grafana/generated")
"""What the committed OpenAPI description has for the provider's; a running gateway tells its own."""
_NOTE = "made by `python -m loanstream.generate`; do not edit"


def files() -> dict[Path, Callable[[], str]]:
    """Every generated file, relative to the project's root, and the function that makes its text."""
    return {
        **{GENERATED / file_name(event): partial(_schema_text, event) for event in EVENTS.values()},
        **{GENERATED / name: partial(_asyncapi_text, audience) for name, audience in AUDIENCES.items()},
        GENERATED / "openapi.json": _openapi_text,
        ALERT_RULES: _alert_rules_text,
        **{DASHBOARDS_JSON / f"{uid}.json": partial(_dashboard_text, uid) for uid in DASHBOARDS},
        **{REFERENCES / name: partial(_page_text, page) for name, page in REFERENCE.items()},
        REFERENCES / "dashboards.md": partial(_page_text, dashboards_page),
    }


def stale() -> list[Path]:
    """The generated files that differ from what the code would make, those that nothing makes any more included."""
    expected = files()
    differing = [path for path, text in expected.items() if _committed(path) != text()]
    made_here = {path.parent for path in expected}
    present = {path.relative_to(ROOT) for folder in made_here for path in (ROOT / folder).iterdir()}
    return sorted([*differing, *(present - set(expected))])


def write() -> None:
    """Write every generated file."""
    for path, text in files().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text(), encoding="utf-8")


def release() -> list[Path]:
    """Take the schemas of versions not released yet into the baseline; the new files."""
    new = [event for event in EVENTS.values() if not (ROOT / RELEASED / file_name(event)).exists()]
    for event in new:
        (ROOT / RELEASED / file_name(event)).write_text(_schema_text(event), encoding="utf-8")
    return [RELEASED / file_name(event) for event in new]


def examples_of(name: str) -> Iterator[Any]:
    """The example record values of an event: `<name>.json`, then `<name>.<variant>.json`."""
    others = {other for other in EVENTS if other.startswith(f"{name}.")}
    for path in sorted((ROOT / EXAMPLES).glob(f"{name}*.json"), key=lambda path: (len(path.name), path.name)):
        if path.stem == name or (path.stem.startswith(f"{name}.") and path.stem not in others):
            yield json.loads(path.read_text(encoding="utf-8"))


def _committed(path: Path) -> str | None:
    return (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else None


def _schema_text(event: EventType) -> str:
    return json.dumps(json_schema(event), indent=2, ensure_ascii=False) + "\n"


def _asyncapi_text(audience: Audience) -> str:
    document = asyncapi(version("loanstream"), {name: list(examples_of(name)) for name in EVENTS}, audience)
    text = yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    return f"# {_NOTE}\n{text}"


def _openapi_text() -> str:
    from producers.gateway.app import description

    return json.dumps(description(TOKEN_URL), indent=2, ensure_ascii=False) + "\n"


def _dashboard_text(uid: str) -> str:
    from dashboards.grafana.classic import as_text

    return as_text(DASHBOARDS[uid], DASHBOARDS)


def _alert_rules_text() -> str:
    from dashboards.alarms.thresholds import load
    from dashboards.grafana.alarms import of_table
    from dashboards.grafana.provisioning import as_text

    return f"# {_NOTE}\n{as_text(of_table(load()))}"


def _page_text(page: Callable[[], str]) -> str:
    return f"<!-- {_NOTE} -->\n{page().rstrip()}\n"


class _Plain(yaml.SafeDumper):
    """Writes equal parts in full: anchors and aliases confuse readers and some tools."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is yaml's
        return True
